"""The cache of unchanged files in every state it can be found in: the point is right all the same."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.app.prune import prune
from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_
from holdfast.files.backup import file_cache
from holdfast.testing.backups import BackupBench
from holdfast.testing.trees import build_small_tree, change_tree
from holdfast.testing.vaults import read_all
from holdfast.vault.pack_header import Kind
from holdfast.vault.policy.prune import PruneLimits
from tests.guarded_mount import guarded_mount


def go_on() -> None:
    """The lock is ours."""


@pytest.fixture
def bench(tmp_path: Path) -> BackupBench:
    return BackupBench(root=tmp_path)


def test_a_cache_of_another_vault_is_not_believed(bench: BackupBench, tmp_path: Path) -> None:
    build_small_tree(bench.source, 1)
    first = bench.back_up()
    (tmp_path / "second").mkdir()
    other = BackupBench(root=tmp_path / "second")
    shutil.copytree(bench.root / "scratch/files", other.root / "scratch/files")

    report = other.back_up(bench.source)

    assert report.summary.data_blobs == first.summary.data_blobs
    assert report.parent is None
    assert read_all(other.open())


def test_blobs_that_are_gone_are_stored_again(bench: BackupBench) -> None:
    """As after a repair that dropped a lost pack from the index."""
    build_small_tree(bench.source, 2)
    first = bench.back_up()
    # Now, as listings of the folders above, which others change, do not come back.
    before = bench.tree(first)
    for path in [*bench.vault.glob("data/*/*"), *bench.vault.glob("index/*")]:
        path.unlink()

    second = bench.back_up()

    assert bench.differences(second) == []
    assert bench.tree(second) == before
    assert second.summary.data_blobs == first.summary.data_blobs


def test_one_lost_pack_costs_only_what_was_in_it(bench: BackupBench) -> None:
    build_small_tree(bench.source / "old", 3)
    bench.back_up()
    kept_index, kept_packs = set(bench.vault.glob("index/*")), bench.packs()
    build_small_tree(bench.source / "new", 4)
    second = bench.back_up()
    for path in set(bench.vault.glob("index/*")) - kept_index:
        path.unlink()
    for path in bench.vault.glob("data/*/*"):
        if path.name not in kept_packs:
            path.unlink()

    third = bench.back_up()

    assert bench.differences(third) == []
    assert third.summary.data_blobs == second.summary.data_blobs
    assert third.summary.files_unmodified > 0


def test_after_a_prune_every_blob_is_looked_up_and_none_is_read(bench: BackupBench) -> None:
    build_small_tree(bench.source, 5)
    bench.back_up()
    change_tree(bench.source, 6, 0.5)
    report = bench.back_up()
    repository = bench.open()
    repository.delete_snapshot(report.parent or pytest.fail("no parent"))
    prune(bench.open(), limits=PruneLimits(max_unused=0))

    after = bench.back_up()

    assert bench.differences(after) == []
    assert (after.summary.data_blobs, after.summary.files_new, after.summary.files_changed) == (
        (0, 0, 0)
    )
    assert read_all(bench.open())


def test_a_parent_that_was_forgotten_is_not_named(bench: BackupBench) -> None:
    bench.write("file")
    first = bench.back_up()
    bench.open().delete_snapshot(first.snapshot)

    second = bench.back_up()

    assert second.parent is None
    assert second.summary.files_unmodified == 1


def test_a_cache_that_cannot_be_read_is_named(bench: BackupBench) -> None:
    bench.write("file")
    bench.back_up()
    next(path for path in bench.logs if path.suffix == ".roots").write_bytes(b"{")

    report = bench.back_up()

    (warning,) = report.warnings
    assert "SalBitmapError" in warning
    assert bench.differences(report) == []
    assert bench.back_up().summary.files_unmodified == 1


def test_a_root_made_anew_is_named(bench: BackupBench) -> None:
    bench.write("data/file")
    bench.back_up(bench.source / "data")
    (bench.source / "data").rename(bench.source / "old")
    shutil.copytree(bench.source / "old", bench.source / "data")

    report = bench.back_up(bench.source / "data")
    again = bench.back_up(bench.source / "data")

    (warning,) = report.warnings
    assert "critical inconsistency" in warning
    assert b"data/file" in bench.nodes(report)
    assert again.warnings == ()


def test_a_file_as_root_may_be_saved_anew_by_an_editor(bench: BackupBench) -> None:
    path = bench.write("file")
    bench.back_up(path)
    bench.write("other", b"new content").rename(path)

    report = bench.back_up(path)

    assert report.warnings == ()
    assert report.summary.files_changed == 1


def test_a_backup_beside_another_of_the_same_folder(bench: BackupBench) -> None:
    """Started while the first is at work: both points are right, and so is the next."""
    build_small_tree(bench.source, 7)
    bench.back_up()
    change_tree(bench.source, 8, 0.3)
    beside: list[bytes] = []

    def begin_another() -> None:
        bench.still_ours = go_on
        if not beside:
            beside.append(bench.tree(bench.back_up()))

    bench.still_ours = begin_another

    outer = bench.back_up()

    (inner,) = beside
    assert inner == bench.tree(outer)
    assert bench.differences(bench.back_up()) == []
    assert bench.tree(bench.back_up()) == bench.tree(bench.fresh())


def test_an_interrupted_backup_leaves_the_cache_of_the_one_before(bench: BackupBench) -> None:
    class Lost(HoldfastError):
        code = "test-lost"
        sentence = N_("{vault} is lost")
        remedy = N_("Wait.")
        retry = Retry.LATER

    def lose() -> None:
        raise Lost(vault="it")

    build_small_tree(bench.source, 9)
    bench.back_up()
    change_tree(bench.source, 10, 0.3)
    bench.still_ours = lose
    with pytest.raises(Lost):
        bench.back_up()
    bench.still_ours = go_on

    report = bench.back_up()

    assert bench.differences(report) == []
    assert report.summary.files_unmodified > 0


def test_an_overgrown_log_is_made_small_again(
    bench: BackupBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_cache, "_SMALL_LOG", 20_000)
    for number in range(100):
        bench.write(f"steady/{number}", b"%d" % number)
    sizes, read = [], []

    for number in range(12):
        for other in range(100):
            bench.write(f"busy/{other}", b"%d %d" % (number, other))
        report = bench.back_up()
        sizes.append(max((path.stat().st_size for path in bench.logs), default=0))
        read.append(report.summary.files_new + report.summary.files_changed)

    assert max(sizes) < 100_000
    assert bench.differences(bench.back_up()) == []
    assert read[0] == 200
    assert set(read[1:]) == {100}


@pytest.fixture
def tiny_scratch(bench: BackupBench) -> Iterator[BackupBench]:
    """A scratch with room for next to nothing."""
    scratch = bench.root / "scratch"
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=20", "none", str(scratch)]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"may not mount here: {done.stderr.decode()}")
    with guarded_mount(scratch):
        yield bench


@pytest.mark.real
def test_a_scratch_that_fills_up_costs_the_cache_only(tiny_scratch: BackupBench) -> None:
    bench = tiny_scratch
    for number in range(1500):
        bench.write(f"{number:0100}", b"%d" % number)

    first, second = bench.back_up(), bench.back_up()

    assert bench.differences(first) == []
    assert bench.tree(first) == bench.tree(second)
    assert second.summary.data_blobs == 0


@pytest.mark.real
def test_a_scratch_without_room_for_a_single_file(tiny_scratch: BackupBench) -> None:
    bench = tiny_scratch
    bench.write("file")
    for number in range(30):
        try:
            (bench.root / f"scratch/{number}").touch()
        except OSError:
            break
    else:
        pytest.fail("scratch is not full")

    report = bench.back_up()

    assert bench.differences(report) == []


def test_a_log_that_was_never_committed_is_written_over(bench: BackupBench) -> None:
    build_small_tree(bench.source, 11)
    bench.back_up()
    (log,) = [path for path in bench.logs if path.suffix == ".log"]
    with log.open("ab") as target:
        target.write(os.urandom(100_000))
    change_tree(bench.source, 12, 0.1)

    report = bench.back_up()

    assert bench.differences(report) == []
    assert bench.differences(bench.back_up()) == []
    assert report.summary.files_unmodified > 0


def test_index_knows_what_was_stored(bench: BackupBench) -> None:
    bench.write("file", b"content")

    bench.back_up()

    assert len(list(bench.open().index.blobs(Kind.DATA))) == 1


def test_a_root_that_is_missing_today_does_not_cost_the_others_their_cache(
    bench: BackupBench,
) -> None:
    bench.write("always/file")
    bench.write("sometimes/file")
    paths = bench.source / "always", bench.source / "sometimes"
    bench.back_up(*paths)
    paths[1].rename(bench.root / "away")
    without = bench.back_up(*paths)
    (bench.root / "away").rename(paths[1])

    again = bench.back_up(*paths)

    assert [skip.path for skip in without.skipped] == [os.fsencode(paths[1])]
    assert without.summary.files_unmodified == 1
    assert b"sometimes/file" in bench.nodes(again)
    assert again.skipped == ()
