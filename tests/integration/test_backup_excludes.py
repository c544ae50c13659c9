"""What stays out of a point: by pattern, tag, size and file system."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.files.errors import PatternsUnreadable
from holdfast.files.options import Excludes
from holdfast.testing.backups import BackupBench
from holdfast.testing.failing_files import failing_files
from tests.guarded_mount import guarded_mount

TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n"


@pytest.fixture
def bench(tmp_path: Path) -> BackupBench:
    return BackupBench(root=tmp_path)


def held(bench: BackupBench, excludes: Excludes) -> set[bytes]:
    report = bench.back_up(excludes=excludes)
    assert report.skipped == ()
    return {path for path in bench.nodes(report) if not path.startswith(b"/")}


@contextmanager
def mounted(target: Path, *arguments: str) -> Iterator[None]:
    """Root alone may mount; who may not skips, and says so."""
    target.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *arguments, str(target)], check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"may not mount here: {done.stderr.decode()}")
    with guarded_mount(target):
        yield


def test_patterns_hold_below_the_root(bench: BackupBench) -> None:
    for path in ("a.tmp", "keep.tmp", "x/b.tmp", "x/build/c", "build", "x/y/only-here", "source"):
        bench.write(path)
    patterns = ("*.tmp", "!keep.tmp", "build/", "x/y/only-here", "source.tmp")

    found = held(bench, Excludes(patterns=patterns))

    assert found == {b"keep.tmp", b"x", b"build", b"x/y", b"source"}


def test_a_pattern_that_names_a_folder_above_the_root_excludes_nothing(bench: BackupBench) -> None:
    bench.write("file")
    above = bench.source.parts[1]

    found = held(bench, Excludes(patterns=(above, "source", f"**/{above}", f"{above}/")))

    assert found == {b"file"}


def test_an_absolute_pattern_is_one_place(bench: BackupBench) -> None:
    bench.write("here/x")
    bench.write("there/here/x")

    found = held(bench, Excludes(patterns=(f"{bench.source}/here",)))

    assert found == {b"there", b"there/here", b"there/here/x"}


def test_patterns_of_files_come_after_those_of_the_command(bench: BackupBench) -> None:
    listed = bench.root / "patterns"
    listed.write_bytes(b"# caf\xe9\r\n!kept.tmp\ncaf\xe9\r\n")
    for name in (b"kept.tmp", b"gone.tmp", b"caf\xe9", b"caf\xe8"):
        (bench.source / os.fsdecode(name)).touch()

    excludes = Excludes(patterns=("*.tmp",), pattern_files=(os.fsencode(listed),))
    found = held(bench, excludes)

    assert found == {b"kept.tmp", b"caf\xe8"}


def test_a_file_of_patterns_that_is_not_there_is_named(bench: BackupBench) -> None:
    with pytest.raises(PatternsUnreadable, match="absent"):
        bench.back_up(excludes=Excludes(pattern_files=(os.fsencode(bench.root / "absent"),)))


def test_ignore_files_in_the_tree_hold_where_they_lie(bench: BackupBench) -> None:
    bench.write(".nobackup", b"*.log\n")
    bench.write("inner/.nobackup", b"!keep.log\n/top\nsub/x\n")
    for path in (
        "a.log",
        "keep.log",
        "inner/keep.log",
        "inner/top",
        "inner/sub/top",
        "inner/sub/x",
    ):
        bench.write(path)
    bench.write("other/top")

    found = held(bench, Excludes(ignore_names=(".nobackup",)))

    assert found == {
        *(b".nobackup", b"inner", b"inner/.nobackup", b"inner/keep.log", b"inner/sub"),
        *(b"inner/sub/top", b"other", b"other/top"),
    }


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to nothing", "bad patterns"])
def test_an_odd_ignore_file_stops_nothing(bench: BackupBench, kind: str) -> None:
    """Whoever owns a folder decides what such a name means there; a pipe would never end."""
    bench.write("file")
    path = bench.source / ".nobackup"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "link to nothing":
            path.symlink_to("nothing")
        case _:
            path.write_bytes(b"[z-a]\n\\\n!\nfile\xff\n")

    found = held(bench, Excludes(ignore_names=(".nobackup",)))

    assert found == {b"file", b".nobackup"}


def test_a_changed_ignore_file_changes_the_next_point(bench: BackupBench) -> None:
    bench.write(".nobackup", b"a\n")
    bench.write("deep/a")
    bench.write("deep/b")
    excludes = Excludes(ignore_names=(".nobackup",))
    first = held(bench, excludes)
    bench.write(".nobackup", b"b\n")

    second = held(bench, excludes)

    assert first - second == {b"deep/b"}
    assert second - first == {b"deep/a"}


def test_of_a_cache_only_the_tag_is_kept(bench: BackupBench) -> None:
    bench.write("cache/CACHEDIR.TAG", TAG)
    bench.write("cache/deep/rubbish")
    bench.write("no-cache/CACHEDIR.TAG", b"something else")
    bench.write("no-cache/file")

    left_out = held(bench, Excludes(caches=True))
    kept = held(bench, Excludes(caches=False))

    assert kept - left_out == {b"cache/deep", b"cache/deep/rubbish"}


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_tag_that_is_no_file_marks_no_cache(bench: BackupBench, kind: str) -> None:
    bench.write("folder/file")
    tag = bench.source / "folder/CACHEDIR.TAG"
    if kind == "pipe":
        os.mkfifo(tag)
    elif kind == "folder":
        tag.mkdir()
    else:
        bench.write("tag", TAG)
        tag.symlink_to("../tag")

    found = held(bench, Excludes(caches=True))

    assert b"folder/file" in found


def test_large_files_stay_out(bench: BackupBench) -> None:
    bench.write("small", b"x" * 100)
    bench.write("large", b"x" * 101)
    (bench.source / "link").symlink_to("large")

    found = held(bench, Excludes(larger_than=100))

    assert found == {b"small", b"link"}


def test_excludes_that_change_are_noticed_in_unchanged_folders(bench: BackupBench) -> None:
    for path in ("a.tmp", "deep/er/b.tmp", "deep/er/c"):
        bench.write(path)
    everything = held(bench, Excludes())

    less = held(bench, Excludes(patterns=("*.tmp",)))
    again = held(bench, Excludes())

    assert less == {b"deep", b"deep/er", b"deep/er/c"}
    assert again == everything


@pytest.mark.real
def test_another_file_system_stays_empty_when_asked(bench: BackupBench) -> None:
    bench.write("file")
    with mounted(bench.source / "mount", "-t", "tmpfs", "none"):
        bench.write("mount/inside")

        stayed = held(bench, Excludes(one_file_system=True))
        entered = held(bench, Excludes())
        stayed_again = held(bench, Excludes(one_file_system=True))

    assert stayed == {b"file", b"mount"} == stayed_again
    assert entered == {b"file", b"mount", b"mount/inside"}


@pytest.mark.real
def test_a_root_on_another_file_system_is_entered(bench: BackupBench) -> None:
    with mounted(bench.source / "mount", "-t", "tmpfs", "none"):
        bench.write("mount/inside")

        report = bench.back_up(bench.source / "mount", excludes=Excludes(one_file_system=True))

        assert b"mount/inside" in bench.nodes(report)


@pytest.mark.real
def test_file_systems_of_the_kernel_stay_empty(bench: BackupBench) -> None:
    bench.write("file")
    with mounted(bench.source / "proc", "-t", "ramfs", "none"):
        first = bench.back_up()
        second = bench.back_up()

    assert {b"file", b"proc"} == {path for path in bench.nodes(first) if path[:1] != b"/"}
    assert bench.tree(first) == bench.tree(second)
    assert second.summary.dirs_changed == 0


@pytest.mark.real
def test_a_file_system_of_another_machine_stays_empty_unless_asked(bench: BackupBench) -> None:
    bench.write("file")
    (bench.source / "far").mkdir()
    with failing_files(bench.source / "far", kind="sshfs"):
        closed = bench.back_up()
        entered = bench.back_up(excludes=Excludes(remote=False))
        closed_again = bench.back_up()

    assert {b"file", b"far"} == {path for path in bench.nodes(closed) if path[:1] != b"/"}
    assert (closed.skipped, closed_again.skipped) == ((), ())
    assert b"far/good" in bench.nodes(entered)
    assert bench.tree(closed) == bench.tree(closed_again)


@pytest.mark.real
def test_a_bind_mount_of_the_same_file_system_is_entered(bench: BackupBench) -> None:
    bench.write("real/file")
    with mounted(bench.source / "again", "--bind", str(bench.source / "real")):
        found = held(bench, Excludes())

    assert found == {b"real", b"real/file", b"again", b"again/file"}


@pytest.mark.parametrize("workers", [1, 2])
def test_thousands_of_patterns_do_not_stop_the_work(bench: BackupBench, workers: int) -> None:
    """More than fits in a pipe must not let parent and worker wait for each other."""
    bench.workers = workers
    for number in range(200):
        bench.write(f"folder-{number:03}/{number:0100}/file")
    patterns = tuple(f"never/there/{number:0100}" for number in range(3000))

    found = held(bench, Excludes(patterns=(*patterns, "folder-007")))

    assert len(found) == 3 * 199


@pytest.mark.parametrize("workers", [1, 2])
def test_a_long_ignore_file_does_not_stop_the_work(bench: BackupBench, workers: int) -> None:
    bench.workers = workers
    bench.write(".nobackup", b"".join(b"never/there/%0100d\n" % number for number in range(1000)))
    for number in range(60):
        bench.write(f"folder-{number:03}/inner/file")

    found = held(bench, Excludes(ignore_names=(".nobackup",)))

    assert len(found) == 1 + 3 * 60


def test_words_that_are_not_utf_8_are_kept_as_well_as_json_can(bench: BackupBench) -> None:
    odd = os.fsdecode(b"caf\xe9")
    (bench.source / odd).mkdir()
    (bench.source / odd / "file").touch()
    (bench.source / odd / "a.tmp").touch()

    report = bench.back_up(
        bench.source / odd, excludes=Excludes(patterns=("*.tmp", odd)), tags=(odd,)
    )

    stored = bench.snapshot(report).stored
    assert {path for path in bench.nodes(report) if b"caf" in path} == {b"caf\xe9", b"caf\xe9/file"}
    assert (stored.excludes, stored.tags) == (["*.tmp", "caf\ufffd"], ["caf\ufffd"])
