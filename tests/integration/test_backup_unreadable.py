"""What cannot be read is left out, named with path, errno and code, and tried again next time."""

import errno
import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.files.report import BackupReport, Skipped, SkipReason
from holdfast.testing.backups import BackupBench
from holdfast.testing.failing_files import CONTENT, failing_files
from holdfast.testing.points import content_of
from holdfast.vault.go_strings import unquote

LIST = b"/.holdfast/skipped.jsonl"


@pytest.fixture
def bench(tmp_path: Path) -> BackupBench:
    return BackupBench(root=tmp_path)


def named(bench: BackupBench, report: BackupReport) -> dict[str, tuple[int, SkipReason]]:
    root = os.fsencode(bench.source) + b"/"
    return {
        os.fsdecode(skip.path.removeprefix(root)): (skip.errno, skip.reason)
        for skip in report.skipped
    }


def listed(bench: BackupBench, report: BackupReport) -> list[Skipped]:
    """What the point itself says was left out."""
    node = bench.nodes(report)[LIST]
    lines = content_of(bench.open(), node).splitlines()
    return [
        Skipped(
            path=unquote(line["path"]),
            errno=line["errno"],
            reason=SkipReason(line["code"]),
            detail=line["detail"],
        )
        for line in map(json.loads, lines)
    ]


@pytest.fixture
def broken(bench: BackupBench) -> Iterator[BackupBench]:
    """A bench whose source holds a file system full of errors."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no /dev/fuse here")
    (bench.source / "disk").mkdir()
    bench.write("beside")
    with failing_files(bench.source / "disk"):
        yield bench


@pytest.mark.real
@pytest.mark.parametrize("workers", [1, 2])
def test_every_error_of_a_disk_is_named_with_its_code(broken: BackupBench, workers: int) -> None:
    broken.workers = workers

    report = broken.back_up()

    assert named(broken, report) == {
        "disk/away": (errno.ESTALE, SkipReason.OFFLINE),
        "disk/broken": (errno.EIO, SkipReason.DAMAGED),
        "disk/denied": (errno.EACCES, SkipReason.DENIED),
        "disk/halfway": (errno.EIO, SkipReason.DAMAGED),
        "disk/io": (errno.EIO, SkipReason.DAMAGED),
        "disk/lost-attribute": (errno.EIO, SkipReason.DAMAGED),
        "disk/no-attributes": (errno.EIO, SkipReason.DAMAGED),
        "disk/stale": (errno.ESTALE, SkipReason.OFFLINE),
        "disk/timed-out": (errno.ETIMEDOUT, SkipReason.OFFLINE),
        "disk/unclean": (errno.EUCLEAN, SkipReason.DAMAGED),
        "disk/unconnected": (errno.ENOTCONN, SkipReason.OFFLINE),
        "disk/unseen": (errno.EIO, SkipReason.DAMAGED),
    }


@pytest.mark.real
def test_what_is_beside_the_errors_is_in_the_point(broken: BackupBench) -> None:
    report = broken.back_up()

    nodes = broken.nodes(report)
    whole = (b"disk/good", b"disk/folder/good", b"disk/no-attributes", b"disk/lost-attribute")
    assert {content_of(broken.open(), nodes[path]) for path in whole} == {CONTENT}
    assert [each.name for each in nodes[b"disk/lost-attribute"].extended_attributes] == [
        "user.kept"
    ]
    assert {nodes[path].type for path in (b"disk/broken", b"disk/away")} == {"dir"}
    left_out = (b"disk/io", b"disk/halfway", b"disk/stale", b"disk/denied", b"disk/unseen")
    assert not nodes.keys() & set(left_out)


@pytest.mark.real
def test_the_list_is_in_the_point_as_well(broken: BackupBench) -> None:
    report = broken.back_up()

    assert listed(broken, report) == list(report.skipped)
    assert broken.nodes(report)[LIST].mode == 0o600


@pytest.mark.real
def test_every_run_names_them_again(broken: BackupBench) -> None:
    first, second = broken.back_up(), broken.back_up()

    assert first.skipped == second.skipped
    assert second.summary.data_blobs == 0


@pytest.mark.real
def test_what_can_be_read_again_is(bench: BackupBench) -> None:
    (bench.source / "disk").mkdir()
    with failing_files(bench.source / "disk"):
        first = bench.back_up()
    bench.write("disk/io", b"readable")

    second = bench.back_up()

    assert "disk/io" in named(bench, first)
    assert second.skipped == ()
    assert bench.differences(second) == []


def test_no_list_where_there_is_nothing_to_say(bench: BackupBench) -> None:
    bench.write("file")

    report = bench.back_up()

    assert b"/.holdfast" not in bench.nodes(report)


# As somebody without rights


@pytest.fixture
def open_bench() -> Iterator[BackupBench]:
    """A bench that nobody owns, in a place nobody is kept out of."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    root = Path(tempfile.mkdtemp(prefix="holdfast-"))
    root.chmod(0o755)
    bench = BackupBench(root=root)
    for folder, _, files in os.walk(root):
        for path in [folder, *(os.path.join(folder, name) for name in files)]:
            os.chown(path, 65534, 65534)
    yield bench
    shutil.rmtree(root)


def as_nobody(act: Callable[[], BackupReport]) -> BackupReport:
    """Run it in a child without rights."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            content = pickle.dumps(act())
            with open(theirs, "wb") as target:
                target.write(content)
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as source:
        content = source.read()
    os.waitpid(child, 0)
    report = pickle.loads(content)
    assert isinstance(report, BackupReport)
    return report


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_others_own_is_denied_and_named(open_bench: BackupBench) -> None:
    bench = open_bench
    bench.write("mine")
    bench.write("roots-own").chmod(0o600)
    bench.write("closed/inside").parent.chmod(0o700)
    bench.write("listed-only/inside").parent.chmod(0o744)
    bench.write("readable").chmod(0o644)

    report = as_nobody(bench.back_up)

    denied = (errno.EACCES, SkipReason.DENIED)
    assert named(bench, report) == dict.fromkeys(("closed", "listed-only", "roots-own"), denied)
    assert content_of(bench.open(), bench.nodes(report)[b"readable"]) == b"content\n"
    assert listed(bench, report) == list(report.skipped)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_file_in_a_folder_that_may_not_be_listed_can_be_a_root(open_bench: BackupBench) -> None:
    bench = open_bench
    bench.write("entered-only/file").parent.chmod(0o711)

    report = as_nobody(lambda: bench.back_up(bench.source / "entered-only/file"))

    assert report.skipped == ()
    assert b"entered-only/file" in bench.nodes(report)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_was_denied_is_read_as_soon_as_it_is_not(open_bench: BackupBench) -> None:
    bench = open_bench
    bench.write("closed/inside").parent.chmod(0o700)
    bench.write("file").chmod(0o600)
    first = as_nobody(bench.back_up)
    (bench.source / "closed").chmod(0o755)
    (bench.source / "file").chmod(0o644)

    second = as_nobody(bench.back_up)

    assert len(first.skipped) == 2
    assert second.skipped == ()
    assert bench.differences(second) == []
