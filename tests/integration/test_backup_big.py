"""Big files in pieces, folders in parts, and vaults with many blobs."""

import hashlib
import os
import random
from pathlib import Path

import pytest

from holdfast.files.backup import folder as folder_module
from holdfast.files.backup.content import ZERO_BLOB
from holdfast.files.report import SkipReason
from holdfast.testing.backups import BackupBench
from holdfast.testing.points import content_of
from holdfast.vault import index_keeper as keeper_module

MIB = 1 << 20


@pytest.fixture
def bench(tmp_path: Path) -> BackupBench:
    return BackupBench(root=tmp_path, workers=2)


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files above 2 MiB are big."""
    monkeypatch.setattr(folder_module, "SEGMENT", 2 * MIB)


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("size", [2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 4 * MIB, 9 * MIB + 7])
def test_a_file_in_pieces_is_whole(bench: BackupBench, size: int) -> None:
    path = bench.write("folder/big", noise(size))
    os.setxattr(path, "user.kept", b"value")
    bench.write("folder/beside")

    first, second = bench.back_up(), bench.back_up()

    assert bench.differences(first) == []
    assert bench.tree(first) == bench.tree(second)
    assert second.summary.files_unmodified == 2
    assert first.summary.total_bytes_processed == size + len(b"content\n")


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize(
    "places",
    [(), (0,), (11 * MIB,), (5 * MIB + 3,), (2 * MIB - 1, 4 * MIB), tuple(range(0, 12 * MIB, MIB))],
    ids=["nothing", "start", "end", "middle", "at the cuts", "all over"],
)
def test_holes_in_pieces_are_zeros(bench: BackupBench, places: tuple[int, ...]) -> None:
    path = bench.write("sparse", b"")
    with path.open("wb") as target:
        target.truncate(12 * MIB)
        for place in places:
            target.seek(place)
            target.write(noise(5000, place))

    report = bench.back_up()

    assert bench.differences(report) == []
    if len(places) < 5:
        zeros = hashlib.sha256(bytes(ZERO_BLOB)).hexdigest()
        assert zeros in (bench.nodes(report)[b"sparse"].content or ())


@pytest.mark.usefixtures("small_segments")
def test_an_unreadable_big_file_is_named_once(bench: BackupBench) -> None:
    bench.write("big", noise(9 * MIB))
    bench.write("good")
    faults = iter([None])

    def take_away() -> None:
        for _ in faults:
            (bench.source / "big").unlink()

    bench.on_progress = lambda _: take_away()

    report = bench.back_up()

    assert len(report.skipped) <= 1
    assert {skip.reason for skip in report.skipped} <= {SkipReason.VANISHED, SkipReason.CHANGED}
    assert bench.back_up().skipped == ()


@pytest.mark.usefixtures("small_segments")
def test_a_big_file_that_changed_inside_is_read_and_little_is_stored(bench: BackupBench) -> None:
    path = bench.write("big", noise(12 * MIB))
    bench.back_up()
    with path.open("r+b") as target:
        target.seek(5 * MIB)
        target.write(b"changed")

    report = bench.back_up()

    assert bench.differences(report) == []
    assert report.summary.files_changed == 1
    assert report.summary.data_added < 5 * MIB


@pytest.mark.slow
def test_a_sparse_file_of_a_gigabyte(bench: BackupBench) -> None:
    path = bench.write("image", b"")
    places = {at * MIB + at: noise(70_000, at) for at in (0, 127, 128, 500, 1023)}
    with path.open("wb") as target:
        target.truncate(1024 * MIB + 12_345)
        for place, content in places.items():
            target.seek(place)
            target.write(content)

    first, second = bench.back_up(), bench.back_up()

    assert bench.differences(first) == []
    assert bench.nodes(first)[b"image"].size == 1024 * MIB + 12_345
    assert second.summary.files_unmodified == 1
    assert sum(pack.stat().st_size for pack in bench.vault.glob("data/*/*")) < 3 * MIB


# Folders with more than one task can read


@pytest.fixture
def wide(bench: BackupBench) -> BackupBench:
    """Over a thousand entries of all kinds in one folder."""
    for number in range(900):
        bench.write(f"wide/file-{number:04}", b"%d" % number)
    for number in range(100):
        bench.write(f"wide/file-{number * 9:04}-folder/inside", b"inside %d" % number)
        (bench.source / f"wide/file-{number * 9:04}-link").symlink_to(f"file-{number}")
    for number in range(6):
        bench.write(f"wide/large-{number}", noise(5 * MIB, number))
    for number in range(3):
        bench.write(f"wide/large-{number}-big", noise(3 * MIB, 10 + number))
    bench.write(f"wide/{'n' * 255}")
    os.mkfifo(bench.source / "wide/pipe")
    return bench


@pytest.mark.slow
@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_wide_folder_is_one_folder(wide: BackupBench, workers: int) -> None:
    wide.workers = workers

    first, second = wide.back_up(), wide.back_up()

    assert wide.differences(first) == []
    assert wide.tree(first) == wide.tree(second)
    assert first.summary.files_new == second.summary.files_unmodified == 1010
    assert second.summary.dirs_unmodified == 102


@pytest.mark.slow
@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("changed", [10, 600])
def test_what_is_unchanged_in_a_wide_folder_is_not_read(wide: BackupBench, changed: int) -> None:
    wide.back_up()
    for number in range(changed):
        wide.write(f"wide/file-{number:04}", b"changed %d" % number)
    (wide.source / "wide/file-0899").unlink()
    wide.write("wide/file-0000-new")

    report = wide.back_up()

    summary = report.summary
    assert wide.differences(report) == []
    assert (summary.files_new, summary.files_changed) == (1, changed)
    assert summary.files_unmodified == 1009 - changed
    assert wide.tree(report) == wide.tree(wide.fresh())
    assert wide.back_up().summary.files_unmodified == 1010


# Many blobs


def test_equal_files_are_stored_once_by_all_workers(bench: BackupBench) -> None:
    for number in range(400):
        bench.write(f"folder-{number % 40}/{number}", noise(20_000, number % 10))

    report = bench.back_up()

    assert report.summary.data_added < 3 * 10 * 20_000
    assert report.summary.data_blobs < 30
    assert bench.differences(report) == []


def test_blobs_are_shared_with_earlier_points_of_other_folders(bench: BackupBench) -> None:
    bench.write("one/file", noise(3 * MIB))
    bench.back_up(bench.source / "one")
    (bench.source / "one").rename(bench.source / "two")

    report = bench.back_up(bench.source / "two")

    assert (report.summary.files_new, report.summary.data_blobs) == (1, 0)
    assert content_of(bench.open(), bench.nodes(report)[b"two/file"]) == noise(3 * MIB)


def test_the_index_is_written_while_the_work_goes_on(
    bench: BackupBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed run stored need not be stored again."""
    monkeypatch.setattr(keeper_module, "MAX_BLOBS", 3)
    for number in range(20):
        bench.write(f"folder-{number}/file", noise(3 * MIB, number))

    report = bench.back_up()

    assert len(list(bench.vault.glob("index/*"))) > 1
    assert bench.differences(report) == []
    assert bench.back_up().summary.data_blobs == 0


def test_tiny_files_end_in_few_packs(bench: BackupBench) -> None:
    for number in range(1500):
        bench.write(f"folder-{number % 20}/{number}", b"%d" % number)

    report = bench.back_up()

    assert report.summary.data_blobs == 1500
    assert len(bench.packs()) == 2  # one of content, one of trees
