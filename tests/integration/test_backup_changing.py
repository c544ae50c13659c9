"""Files that change, vanish or become something else at the worst moment of being read.

The reader of a worker runs in this process, so that the moment is exact.
"""

import errno
import hashlib
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from holdfast.base.ids import BlobId, TreeId
from holdfast.files.backup.content import MIN_CHUNK, BlobSink, ContentReader, chunker_seed
from holdfast.files.backup.file_cache import FileCache, decode_list
from holdfast.files.backup.folder import FolderReader, unequal
from holdfast.files.backup.messages import (
    NO_RECORD,
    Counts,
    FolderDone,
    FolderTask,
    SegmentDone,
    SegmentTask,
    Skip,
)
from holdfast.files.backup.settings import WorkerSettings
from holdfast.files.backup.slots import Slots
from holdfast.files.nodes import pack_status
from holdfast.files.report import SkipReason
from holdfast.testing.backups import BackupBench, later
from holdfast.testing.clock import FakeClock
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.points import content_of
from holdfast.testing.vaults import small_vault
from holdfast.vault.claims import Claims
from holdfast.vault.tree import Node, join_tree, parse_tree

SMALL, MEDIUM = b"small content", os.urandom(3 << 20)


class KeptBlobs(BlobSink):
    """Keeps blobs in a dict instead of packing them."""

    def __init__(self, **means: Any) -> None:
        super().__init__(**means)
        self.blobs: dict[str, bytes] = {}

    def put(self, plain: memoryview) -> bytes:
        blob = BlobId(hashlib.sha256(plain).digest())
        self.blobs[blob.hex()] = bytes(plain)
        return blob


@dataclass
class Meddler:
    """Does something to a file once, at a moment of its reading."""

    act: Callable[[Path], object] = Path.touch
    path: Path = Path("/")
    moment: str = ""

    def at(self, moment: str) -> None:
        if moment == self.moment:
            self.moment = ""
            self.act(self.path)


class MeddledContent(ContentReader):
    def __init__(self, sink: BlobSink, seed: int, meddler: Meddler) -> None:
        super().__init__(sink, seed)
        self._meddler = meddler

    def read_small(self, descriptor: int, expected: int) -> tuple[bytes, int] | None:
        self._meddler.at("before read")
        found = super().read_small(descriptor, expected)
        self._meddler.at("after read")
        return found

    def read_range(self, descriptor: int, start: int, end: int) -> tuple[bytes, int]:
        self._meddler.at("before read")
        found = super().read_range(descriptor, start, end)
        self._meddler.at("after read")
        return found


class MeddledFolder(FolderReader):
    meddler: Meddler

    def open(self, name: bytes) -> int:
        self.meddler.at("before open")
        return super().open(name)


@dataclass
class Reading:
    """What one read of the source folder gave."""

    nodes: dict[str, Node]
    blobs: dict[str, bytes]
    skipped: list[Skip]
    listing: dict[bytes, bytes] = field(default_factory=dict)

    def content(self, name: str) -> bytes:
        return b"".join(self.blobs[blob] for blob in self.nodes[name].content or ())


@dataclass
class Lens:
    """A worker's reader with a meddler in it."""

    source: Path
    meddler: Meddler
    sink: KeptBlobs
    reader: MeddledFolder
    clock: FakeClock

    def folder(self) -> Reading:
        status = self.source.stat()
        path = os.fsencode(self.source)
        done = self.reader.folder(FolderTask(1, path, path, NO_RECORD, status.st_dev, ()))
        assert isinstance(done, FolderDone)
        nodes = parse_tree(TreeId(b""), join_tree(done.run.pieces))
        listing = decode_list(done.run.listing)
        return Reading(
            nodes={node.name: node for node in nodes},
            blobs=self.sink.blobs,
            skipped=done.skipped,
            listing=dict(zip(listing[::2], listing[1::2], strict=True)),
        )

    def segment(self, path: Path, offset: int, length: int) -> SegmentDone:
        packed = pack_status(path.lstat())
        return self.reader.segment(SegmentTask(1, 0, 0, os.fsencode(path), packed, offset, length))


@pytest.fixture
def lens(tmp_path: Path) -> Iterator[Lens]:
    (tmp_path / "source").mkdir()
    repository, clock = small_vault(), later()
    meddler = Meddler()
    slots = Slots(1)
    sink = KeptBlobs(
        master=repository.files.master,
        has=repository.has_blob,
        claims=Claims(),
        slots=slots,
        send=[].append,
    )
    reader = MeddledFolder(
        cache=FileCache(None, "", list[str]().append),
        has=repository.has_blob,
        content=MeddledContent(sink, chunker_seed(repository.files.master), meddler),
        counts=Counts(),
        settings=WorkerSettings(
            force=False,
            trust_cache=True,
            larger_than=None,
            caches=True,
            ignore_names=(),
            rules={},
            one_file_system=False,
            closed_devices=frozenset(),
            clock=clock,
        ),
    )
    reader.meddler = meddler
    here = os.getcwd()
    yield Lens(tmp_path / "source", meddler, sink, reader, clock)
    os.chdir(here)
    slots.stay_in_parent()
    slots.close()


def to_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def to_socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def to_device(path: Path) -> None:
    path.unlink()
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("may not make devices")


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def to_another(path: Path) -> None:
    other = path.with_name(".other")
    other.write_bytes(b"of another file")
    other.rename(path)


CHANGES: dict[str, Callable[[Path], object]] = {
    "grown": lambda path: path.write_bytes(path.read_bytes() + b"and more"),
    "grown a lot": lambda path: path.write_bytes(path.read_bytes() * 3),
    "shrunk": lambda path: os.truncate(path, 5),
    "emptied": lambda path: os.truncate(path, 0),
    "rewritten": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "replaced": to_another,
}
OTHER_KINDS = (to_pipe, to_socket, to_device, to_folder, to_link)


@pytest.mark.parametrize("content", [SMALL, MEDIUM], ids=["small", "medium"])
@pytest.mark.parametrize("moment", ["before open", "before read", "after read"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_is_in_the_point_and_named(
    lens: Lens, content: bytes, moment: str, change: str
) -> None:
    path = lens.source / "file"
    path.write_bytes(content)
    lens.meddler.act, lens.meddler.path, lens.meddler.moment = CHANGES[change], path, moment

    reading = lens.folder()

    read = reading.content("file")
    now = path.read_bytes()
    unlinked = change == "replaced" and moment != "before open"
    wanted = content if moment == "after read" or unlinked else now
    assert read == wanted[: 2 * max(len(content), MIN_CHUNK)]
    assert reading.nodes["file"].size == len(read)
    assert [(skip.path, skip.reason) for skip in reading.skipped] == [
        (os.fsencode(path), SkipReason.CHANGED.value)
    ]
    assert reading.listing[b"file"] == unequal(reading.listing[b"file"])


@pytest.mark.parametrize("content", [SMALL, MEDIUM], ids=["small", "medium"])
def test_a_file_that_vanishes_before_it_is_opened_is_named(lens: Lens, content: bytes) -> None:
    path = lens.source / "file"
    path.write_bytes(content)
    lens.meddler.act, lens.meddler.path, lens.meddler.moment = os.unlink, path, "before open"

    reading = lens.folder()

    assert reading.nodes == {}
    assert reading.listing == {}
    assert [(skip.errno, skip.reason) for skip in reading.skipped] == [
        (errno.ENOENT, SkipReason.VANISHED.value)
    ]


def test_a_file_removed_while_it_is_read_is_kept_whole(lens: Lens) -> None:
    path = lens.source / "file"
    path.write_bytes(SMALL)
    lens.meddler.act, lens.meddler.path, lens.meddler.moment = os.unlink, path, "before read"

    reading = lens.folder()

    assert reading.content("file") == SMALL


@pytest.mark.parametrize("content", [SMALL, MEDIUM], ids=["small", "medium"])
@pytest.mark.parametrize("change", OTHER_KINDS, ids=lambda change: change.__name__)
def test_a_file_that_became_something_else_is_not_read(
    lens: Lens, content: bytes, change: Callable[[Path], object]
) -> None:
    path = lens.source / "file"
    path.write_bytes(content)
    lens.meddler.act, lens.meddler.path, lens.meddler.moment = change, path, "before open"

    reading = lens.folder()

    assert reading.nodes == {}
    assert [(skip.errno, skip.reason) for skip in reading.skipped] == [
        (errno.ENOENT, SkipReason.VANISHED.value)
    ]


@pytest.mark.parametrize("size", [len(SMALL), len(MEDIUM)])
def test_a_pipe_in_the_place_of_a_file_keeps_what_is_in_it(lens: Lens, size: int) -> None:
    """What is read from a pipe is gone for the one it was meant for."""
    path = lens.source / "file"
    path.write_bytes(bytes(size))
    ends: list[int] = []

    def to_filled_pipe(path: Path) -> None:
        to_pipe(path)
        ends.append(os.open(path, os.O_RDWR))
        os.write(ends[0], b"for another")

    lens.meddler.act, lens.meddler.path, lens.meddler.moment = to_filled_pipe, path, "before open"

    lens.folder()

    assert os.read(ends[0], 100) == b"for another"
    os.close(ends[0])


@pytest.mark.parametrize("change", ["grown", "shrunk", "rewritten", "replaced"])
@pytest.mark.parametrize("moment", ["before open", "before read", "after read"])
def test_a_piece_of_a_big_file_tells_of_a_change(lens: Lens, moment: str, change: str) -> None:
    path = lens.source / "big"
    path.write_bytes(MEDIUM)
    lens.meddler.act, lens.meddler.path, lens.meddler.moment = CHANGES[change], path, moment

    done = lens.segment(path, 1 << 20, 1 << 20)

    assert (done.errno, done.still) == (0, False)


@pytest.mark.parametrize("change", OTHER_KINDS, ids=lambda change: change.__name__)
def test_a_piece_of_what_became_something_else_is_not_read(
    lens: Lens, change: Callable[[Path], object]
) -> None:
    path = lens.source / "big"
    path.write_bytes(MEDIUM)
    lens.meddler.act, lens.meddler.path, lens.meddler.moment = change, path, "before open"

    done = lens.segment(path, 0, 1 << 20)

    assert (done.errno, done.ids) == (errno.ENOENT, b"")


def test_a_piece_of_a_file_that_is_gone_says_so(lens: Lens) -> None:
    path = lens.source / "big"
    path.write_bytes(MEDIUM)
    lens.meddler.act, lens.meddler.path, lens.meddler.moment = os.unlink, path, "before open"

    done = lens.segment(path, 0, 1 << 20)

    assert done.errno == errno.ENOENT


@pytest.mark.parametrize("change", ["gone", "file", "link"])
def test_a_folder_that_is_gone_has_a_code_of_its_own(lens: Lens, change: str) -> None:
    path = os.fsencode(lens.source)
    task = FolderTask(1, path, path, NO_RECORD, lens.source.stat().st_dev, ())
    lens.source.rmdir()
    if change == "file":
        lens.source.touch()
    elif change == "link":
        lens.source.symlink_to("/")

    done = lens.reader.folder(task)

    assert isinstance(done, FolderDone)
    assert not done.readable
    assert [(skip.path, skip.reason) for skip in done.skipped] == [
        (path, SkipReason.PATH_GONE.value)
    ]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_root_that_vanishes_while_it_is_read_is_named(tmp_path: Path, kind: str) -> None:
    bench = BackupBench(root=tmp_path)
    bench.write("first/file")
    root = bench.source / "second"
    if kind == "folder":
        bench.write("second/file")
    else:
        bench.write("second")

    def take_away() -> None:
        if root.exists():
            root.rename(bench.root / "elsewhere")

    faulty = FaultyStorage(bench.storage)
    # The first the vault is asked for once the roots were found.
    bench.on_opened = lambda: faulty.kill_at(faulty.calls + 1, take_away)

    report = bench.back_up(bench.source / "first", root, storage=faulty)

    assert faulty.unused() == []
    assert [skip.path for skip in report.skipped] == [os.fsencode(root)]
    assert b"first/file" in bench.nodes(report)


@pytest.mark.parametrize(
    ("before_now_ns", "racy"),
    [
        (-5_000_000, True),
        (1_000_000, True),
        (15_000_000, True),
        (25_000_001, False),
        (500_000_001, False),
    ],
)
def test_a_change_a_moment_ago_may_hide_another(lens: Lens, before_now_ns: int, racy: bool) -> None:
    (lens.source / "file").touch()
    lens.folder()
    now = int(lens.clock.now().timestamp()) * 10**9 + lens.clock.now().microsecond * 1000

    status = os.stat_result((stat.S_IFREG,) + (0,) * 9, {"st_ctime_ns": now - before_now_ns})

    assert lens.reader.is_racy(status) is racy


def test_a_file_system_of_whole_seconds_hides_more(lens: Lens) -> None:
    """Small file systems made years ago keep no fractions: all of a second looks alike."""
    (lens.source / "file").touch()
    lens.folder()
    second = int(lens.clock.now().timestamp()) * 10**9

    def is_racy(changed: int) -> bool:
        return lens.reader.is_racy(
            os.stat_result((stat.S_IFREG,) + (0,) * 9, {"st_ctime_ns": changed})
        )

    assert is_racy(second - 10**9)
    assert not is_racy(second - 3 * 10**9)


@pytest.mark.slow
def test_a_source_that_never_rests_is_backed_up_as_well_as_can_be(tmp_path: Path) -> None:
    bench = BackupBench(root=tmp_path, workers=2)
    for number in range(40):
        bench.write(f"file-{number}", os.urandom(1000 + 30_000 * number))
    (bench.source / "steady").write_bytes(MEDIUM)
    child = _hammer(bench.source)

    try:
        reports = [bench.back_up() for _ in range(4)]
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    allowed = {SkipReason.CHANGED, SkipReason.VANISHED, SkipReason.PATH_GONE}
    assert {skip.reason for report in reports for skip in report.skipped} <= allowed
    for report in reports:
        nodes = bench.nodes(report)
        assert content_of(bench.open(), nodes[b"steady"]) == MEDIUM
        for path, node in nodes.items():
            assert len(content_of(bench.open(), node)) == node.size, path
    calm = bench.back_up()
    assert (calm.skipped, bench.differences(calm)) == ((), [])


def _hammer(source: Path) -> int:
    """A process that changes files, and does not stop."""
    child = os.fork()
    if child:
        return child
    try:
        number = 0
        while True:
            number += 1
            path = source / f"file-{number % 40}"
            match number % 7:
                case 0:
                    path.unlink(missing_ok=True)
                case 1:
                    path.write_bytes(os.urandom(number % 2_000_000))
                case 2 if path.is_file():
                    os.truncate(path, number % 700_000)
                case 3:
                    path.with_name("new").write_bytes(b"new")
                    path.with_name("new").rename(path)
                case 4:
                    (source / "folder" / str(number % 3)).mkdir(parents=True, exist_ok=True)
                case 5:
                    (source / "folder" / str(number % 3)).rmdir()
                case _:
                    path.touch()
    except OSError:
        pass
    finally:
        os._exit(0)
