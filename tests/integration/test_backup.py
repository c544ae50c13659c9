"""Backups of real folders into a real vault: what is in a point, and what is read again."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.files.errors import NothingToProtect
from holdfast.files.nodes import pack_status
from holdfast.files.report import SkipReason
from holdfast.testing.backups import BackupBench, later
from holdfast.testing.clock import FakeClock
from holdfast.testing.trees import build_hostile_tree, build_small_tree, change_tree

MIB = 1 << 20


@pytest.fixture
def bench(tmp_path: Path) -> BackupBench:
    return BackupBench(root=tmp_path)


def read_bytes(bench: BackupBench, path: str, content: bytes, when: int) -> None:
    target = bench.write(path, content)
    os.utime(target, ns=(when, when))


# What a point holds


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_every_attribute_of_a_hostile_tree_is_in_the_point(
    bench: BackupBench, workers: int
) -> None:
    build_hostile_tree(bench.source / "hostile")
    bench.workers = workers

    report = bench.back_up()

    assert bench.differences(report) == []
    assert report.skipped == ()


def test_times_beyond_what_64_bit_nanoseconds_hold_are_kept(bench: BackupBench) -> None:
    target = bench.write("from-the-future")
    os.utime(target, ns=(0, 10**19))
    if target.stat().st_mtime_ns != 10**19:
        pytest.skip("this file system knows no such time")

    first = bench.back_up()
    bench.write("sub/other")
    second = bench.back_up()

    assert bench.differences(first, leave_out=[b"sub"]) != []  # only the folder's own times
    assert bench.differences(second) == []
    assert second.summary.files_unmodified == 1


def test_attribute_names_that_are_not_utf_8_do_not_stop_a_backup(bench: BackupBench) -> None:
    target = os.fsencode(bench.write("file"))
    os.setxattr(target, b"user.fine", b"kept")
    os.setxattr(target, b"user.\xff\xfe", b"odd")

    report = bench.back_up()

    kept = bench.nodes(report)[b"file"].extended_attributes
    assert [(each.name, each.value) for each in kept] == [("user.fine", b"kept")]
    assert [(skip.path, skip.reason.value) for skip in report.skipped] == [(target, "unsupported")]


def test_folders_above_a_root_that_are_links_are_folders_in_the_point(bench: BackupBench) -> None:
    bench.write("real/inner/file")
    (bench.source / "link").symlink_to("real")

    report = bench.back_up(bench.source / "link/inner")

    nodes = bench.nodes(report)
    assert nodes[b"link"].type == "dir"
    assert nodes[b"link/inner/file"].type == "file"


def test_several_roots_lie_side_by_side(bench: BackupBench) -> None:
    for path in ("one/a", "two/deep/b", "two/deep/inner/c", "file", "other"):
        bench.write(path)

    report = bench.back_up(
        bench.source / "two/deep/inner",
        bench.source / "one",
        bench.source / "file",
        bench.source / "two/deep",
    )

    below = {path for path in bench.nodes(report) if not path.startswith(b"/")}
    assert below == {
        *(b"one", b"one/a", b"file", b"two", b"two/deep", b"two/deep/b"),
        *(b"two/deep/inner", b"two/deep/inner/c"),
    }
    assert bench.snapshot(report).paths == tuple(
        str(bench.source / path) for path in ("file", "one", "two/deep")
    )


def test_a_path_with_two_slashes_is_the_same_root(bench: BackupBench) -> None:
    bench.write("inner/file")

    report = bench.back_up(Path(bench.source), Path(f"/{bench.source}/inner"))

    assert len(bench.snapshot(report).paths) == 1


def test_a_root_that_is_not_there_stops_the_backup(bench: BackupBench) -> None:
    with pytest.raises(NothingToProtect, match="absent"):
        bench.back_up(bench.source / "absent")


def test_roots_that_are_not_there_do_not_keep_the_others_from_their_backup(
    bench: BackupBench,
) -> None:
    bench.write("inner/file")
    absent = [bench.source / "inner/absent", bench.source.parent / "also absent"]

    report = bench.back_up(bench.source / "inner", *absent)

    assert {skip.path for skip in report.skipped} == {bytes(path) for path in absent}
    assert {skip.reason for skip in report.skipped} == {SkipReason.VANISHED}


def test_a_link_as_root_is_kept_as_a_link(bench: BackupBench) -> None:
    (bench.source / "link").symlink_to("nowhere")

    report = bench.back_up(bench.source / "link")

    assert bench.nodes(report)[b"link"].linktarget == "nowhere"


def test_the_snapshot_says_what_was_done(bench: BackupBench) -> None:
    bench.write("a/one", b"1" * 1000)
    bench.write("a/two", b"2" * 2000)
    bench.write("empty", b"")
    (bench.source / "link").symlink_to("a")
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    report = bench.back_up(tags=("x", "y"), time=when)

    stored = bench.snapshot(report).stored
    assert (stored.hostname, stored.username, stored.tags) == ("alpha", "ada", ["x", "y"])
    assert (stored.paths, stored.parent) == ([str(bench.source)], "")
    assert bench.snapshot(report).taken_at == when
    summary = stored.summary
    assert summary is not None
    assert (summary.files_new, summary.files_changed, summary.files_unmodified) == (3, 0, 0)
    assert (summary.dirs_new, summary.dirs_changed, summary.dirs_unmodified) == (2, 0, 0)
    assert (summary.total_files_processed, summary.total_bytes_processed) == (3, 3000)
    assert summary.data_blobs == 2
    stored_bytes = sum(path.stat().st_size for path in bench.vault.glob("data/*/*"))
    assert summary.data_added_packed == stored_bytes


def test_the_second_summary_counts_what_changed(bench: BackupBench) -> None:
    for name in ("same", "edited", "removed"):
        bench.write(f"a/{name}", name.encode() * 100)
    bench.write("b/untouched")
    bench.back_up()
    bench.write("a/edited", b"otherwise" * 100)
    bench.write("a/new", b"new" * 100)
    (bench.source / "a/removed").unlink()

    report = bench.back_up()

    summary = report.summary
    assert (summary.files_new, summary.files_changed, summary.files_unmodified) == (1, 1, 2)
    assert (summary.dirs_new, summary.dirs_changed, summary.dirs_unmodified) == (0, 2, 1)
    assert summary.data_blobs == 2
    assert summary.data_added >= 1200


# What an unchanged run does


@pytest.mark.parametrize("workers", [1, 2])
def test_an_unchanged_run_stores_nothing(bench: BackupBench, workers: int) -> None:
    bench.workers = workers
    build_small_tree(bench.source / "tree", 1)
    build_hostile_tree(bench.source / "hostile", leave_out=("wide", "names", "deep", "contents"))
    first = bench.back_up()

    second = bench.back_up()

    assert bench.tree(first) == bench.tree(second)
    assert bench.stored(second) == (0, 0)
    assert second.parent == first.snapshot
    summary = second.summary
    assert (summary.files_new, summary.files_changed) == (0, 0)
    assert (summary.dirs_new, summary.dirs_changed) == (0, 0)
    assert summary.files_unmodified == first.summary.files_new


def test_a_run_without_cache_stores_nothing_new_either(bench: BackupBench) -> None:
    build_small_tree(bench.source, 2)
    first = bench.back_up()

    second = bench.fresh()

    assert bench.tree(first) == bench.tree(second)
    assert bench.stored(second) == (0, 0)


def test_force_reads_everything_and_stores_nothing(bench: BackupBench) -> None:
    build_small_tree(bench.source, 3)
    first = bench.back_up()

    second = bench.back_up(force=True)

    assert bench.tree(first) == bench.tree(second)
    assert second.summary.data_blobs == 0
    assert second.summary.files_changed == first.summary.files_new


def test_an_unreadable_file_does_not_make_the_list_be_stored_twice(
    bench: BackupBench,
) -> None:
    bench.write("good")
    os.setxattr(os.fsencode(bench.write("bad")), b"user.\xff", b"")
    bench.back_up()

    second = bench.back_up()

    assert second.summary.data_blobs == 0


# Which changes are noticed


def _same_size_and_time(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"C" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(b"x")


def _replace_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


def _replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _retarget(path: Path) -> None:
    link = path.with_name("link")
    link.unlink()
    link.symlink_to("another")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content, same size and time": _same_size_and_time,
    "mtime": lambda path: os.utime(path, ns=(1, 1)),
    "rename": lambda path: path.rename(path.with_name("renamed")),
    "move to another folder": lambda path: path.rename(path.parent.parent / "moved"),
    "mode": lambda path: path.chmod(0o640),
    "owner": lambda path: os.chown(path, 1234, 2345),
    "xattr": lambda path: os.setxattr(path, "user.new", b"value"),
    "xattr of a folder": lambda path: os.setxattr(path.parent, "user.new", b"value"),
    "xattr of the root": lambda path: os.setxattr(path.parent.parent, "user.new", b"value"),
    "xattr of a pipe": lambda path: os.setxattr(path.with_name("pipe"), "trusted.new", b"value"),
    "new file": lambda path: path.with_name("new").write_bytes(b"new"),
    "new folder": lambda path: path.with_name("new").mkdir(),
    "new empty file": lambda path: path.with_name("new").touch(),
    "removed": lambda path: path.unlink(),
    "hard link added": lambda path: path.with_name("again").hardlink_to(path),
    "hard link removed": lambda path: path.with_name("twice").unlink(),
    "truncated": lambda path: os.truncate(path, 3),
    "appended": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "to folder": _replace_by_folder,
    "to link": _replace_by_link,
    "to pipe": _replace_by_pipe,
    "link target": _retarget,
    "folder removed": lambda path: path.parent.parent.joinpath("empty").rmdir(),
    "folder mode": lambda path: path.parent.parent.joinpath("empty").chmod(0o711),
    "hole to data": lambda path: path.with_name("sparse").write_bytes(b"d" * 2 * MIB),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_noticed(bench: BackupBench, name: str) -> None:
    path = bench.write("folder/file", b"c" * 1000)
    bench.write("folder/first")
    (bench.source / "folder/twice").hardlink_to(bench.source / "folder/first")
    (bench.source / "folder/link").symlink_to("file")
    os.mkfifo(bench.source / "folder/pipe")
    os.truncate(bench.write("folder/sparse", b""), 2 * MIB)
    bench.write("folder/deep/untouched")
    (bench.source / "empty").mkdir()
    first = bench.back_up()

    CHANGES[name](path)
    second = bench.back_up()

    assert bench.differences(second) == []
    assert bench.tree(second) != bench.tree(first)
    assert bench.tree(second) == bench.tree(bench.fresh())


def test_one_percent_changed_is_all_that_is_read(bench: BackupBench) -> None:
    build_small_tree(bench.source, 4, files=300)
    bench.back_up()
    changes = change_tree(bench.source, 5, 0.01)

    report = bench.back_up()

    assert bench.differences(report) == []
    assert report.summary.files_changed == len(changes.edited)
    assert report.summary.files_new == len(changes.added)


# Writes in the same tick of the clock


def at_last_change(*paths: Path) -> FakeClock:
    """A clock that stands where the last of these changed, give or take a millisecond."""
    changed = max(os.lstat(path).st_ctime_ns for path in paths)
    return FakeClock(datetime.fromtimestamp(changed / 1e9, UTC) + timedelta(milliseconds=1))


def test_a_file_written_a_moment_ago_is_read_again(bench: BackupBench) -> None:
    bench.clock = at_last_change(bench.write("file"))
    bench.back_up()

    second = bench.back_up()
    bench.clock = later()
    third, fourth = bench.back_up(), bench.back_up()

    changed = [report.summary.files_changed for report in (second, third, fourth)]
    assert changed == [1, 1, 0]


def test_what_changed_in_the_tick_of_the_backup_is_not_believed(bench: BackupBench) -> None:
    """An attribute set in that tick would leave no trace, of whatever kind the item is."""
    (bench.source / "folder").mkdir()
    os.mkfifo(bench.source / "pipe")
    os.symlink("target", bench.source / "link")
    paths = [bench.source / name for name in ("folder", "pipe", "link")]
    bench.clock = at_last_change(*paths)

    bench.back_up()

    (log,) = [path.read_bytes() for path in bench.logs if path.suffix == ".log"]
    assert [path for path in paths if pack_status(os.lstat(path)) in log] == []
