"""Read a change log, in bounded memory, and believe nothing it says before it is proven."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, NamedTuple

from holdfast.base.units import MIB
from holdfast.replication.log_errors import LogDamaged, LogNewer, LogTorn, LogUnreadable
from holdfast.replication.log_frames import (
    DIGEST_BYTES,
    FOOT_BYTES,
    FRAME_BYTES,
    MOST_FILE_BYTES,
    MOST_FILES,
    PRELUDE_BYTES,
    Broken,
    Foot,
    Frame,
    FrameKind,
    FromNewer,
    Method,
    head_length,
    is_foot,
    parse_file,
    parse_foot,
    parse_frame,
    parse_head,
)
from holdfast.replication.log_head import LogHead
from holdfast.replication.log_writer import SealedLog
from holdfast.vault.compression import ZstdError, decompress


class Part(NamedTuple):
    """A piece of a disk; without content it is zeroes, however long."""

    target: str
    offset: int
    length: int
    content: bytes | None


def read_head(path: Path) -> LogHead:
    """The head of a log that need not be whole."""
    with opened(path) as log:
        return log.head


def verify(path: Path) -> SealedLog:
    """Every byte of it was read and is as it was written; LogTorn or LogDamaged otherwise."""
    with opened(path) as log:
        for _frame, _plain in log.whole():
            pass
        assert log.foot is not None
        return SealedLog(
            path=path,
            head=log.head,
            size=log.size,
            hash=log.hash,
            plain_bytes=log.foot.plain_bytes,
            zero_bytes=log.foot.zero_bytes,
        )


def parts(path: Path) -> Iterator[Part]:
    """In the order of the file, each held against its digest; `verify` comes before this."""
    with opened(path) as log:
        log.check_end()
        targets = [disk.target for disk in log.head.disks]
        for frame, plain in log.frames():
            if frame.kind is not FrameKind.FILE:
                yield Part(targets[frame.disk], frame.offset, frame.length, plain)


def files(path: Path) -> dict[str, bytes]:
    """What lies beside the disks, by name."""
    found: dict[str, bytes] = {}
    with opened(path) as log:
        log.check_end()
        for frame, plain in log.frames(skips=True):
            if frame.kind is FrameKind.FILE:
                assert plain is not None
                name, content = parse_file(plain)
                found[name] = content
    return found


class OpenLog:
    """A log from its head to its foot; what is wrong with it is Broken, or Short."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = sha256()
        self.size = 0
        self.foot: Foot | None = None
        self._digest = b""
        prelude = self.read(PRELUDE_BYTES, "its first bytes")
        content = self.read(head_length(prelude), "its head")
        self.head = parse_head(content, self.read(DIGEST_BYTES, "its head"))

    def fileno(self) -> int:
        return self._file.fileno()

    @property
    def hash(self) -> str:
        return self._hash.hexdigest()

    def whole(self) -> Iterator[tuple[Frame, bytes | None]]:
        """Each frame with its plain bytes; at their end it is known that none is missing."""
        yield from self.frames()
        if self.foot is None or self.foot.digest != self._digest:
            raise Broken("something in it has changed")

    def frames(self, *, skips: bool = False) -> Iterator[tuple[Frame, bytes | None]]:
        """Each with its plain bytes; with `skips` those of disks are passed over unread."""
        tally = _Tally(self.head)
        while True:
            before = self._hash.digest(), self.size
            begin = self.read(1, "a frame")
            if is_foot(begin):
                break
            packed = begin + self.read(FRAME_BYTES - 1, "a frame")
            frame = parse_frame(packed, self.head)
            tally.add(frame)
            if skips and frame.kind is FrameKind.DATA:
                self._skip(frame.stored)
                yield frame, None
                continue
            plain = self._plain(frame)
            tally.check_name(frame, plain)
            yield frame, plain
        self._end(begin, tally, before)

    def check_end(self) -> None:
        """Whether there is a foot at all, before anything is given out."""
        here = self._file.tell()
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(here, size - FOOT_BYTES))
        try:
            if parse_foot(self._file.read(FOOT_BYTES)).size == size - FOOT_BYTES:
                self._file.seek(here)
                return
        except (Broken, struct.error):
            pass
        # The frames say better what is wrong.
        self._file.seek(here)
        for _frame in self.frames():
            pass
        raise Broken("its foot has changed")

    def _end(self, begin: bytes, tally: "_Tally", before: tuple[bytes, int]) -> None:
        self._digest, size = before
        foot = self.foot = parse_foot(begin + self.read(FOOT_BYTES - 1, "its foot"))
        counted = tally.frames, tally.plain_bytes, tally.zero_bytes, size
        if counted != (foot.frames, foot.plain_bytes, foot.zero_bytes, foot.size):
            raise Broken("its foot tells of other frames")
        if self._file.read(1):
            raise Broken("something follows its foot")

    def _plain(self, frame: Frame) -> bytes | None:
        if frame.kind is FrameKind.ZERO:
            return None
        plain = plain_of(frame, self.read(frame.stored, "a frame"))
        if sha256(plain).digest() != frame.digest:
            raise Broken(f"{frame.length} bytes at {frame.offset} have changed")
        return plain

    def _skip(self, count: int) -> None:
        self._file.seek(count, os.SEEK_CUR)
        self.size += count

    def read(self, count: int, part: str) -> bytes:
        content = self._file.read(count)
        self.size += len(content)
        if len(content) < count:
            raise Short(self.size, part)
        self._hash.update(content)
        return content


class _Tally:
    """What the frames so far add up to, and whether they are in order."""

    def __init__(self, head: LogHead) -> None:
        self.frames = self.plain_bytes = self.zero_bytes = 0
        self._ends = [0] * len(head.disks)
        self._names: set[str] = set()
        self._file_bytes = 0

    def add(self, frame: Frame) -> None:
        self.frames += 1
        if frame.kind is FrameKind.FILE:
            self._file_bytes += frame.length
            if self._file_bytes > MOST_FILE_BYTES:
                raise Broken("the files in it are too large")
            return
        if frame.offset < self._ends[frame.disk]:
            raise Broken(f"its frames overlap at {frame.offset}")
        self._ends[frame.disk] = frame.end
        if frame.kind is FrameKind.DATA:
            self.plain_bytes += frame.length
        else:
            self.zero_bytes += frame.length

    def check_name(self, frame: Frame, plain: bytes | None) -> None:
        if frame.kind is not FrameKind.FILE or plain is None:
            return
        name, _content = parse_file(plain)
        if name in self._names or len(self._names) >= MOST_FILES:
            raise Broken(f"{name!r} is in it twice, or too many files are")
        self._names.add(name)


def plain_of(frame: Frame, stored: bytes) -> bytes:
    """Exactly so many bytes as it says; one that would become more is stopped there."""
    if frame.method is Method.RAW:
        return stored
    try:
        plain = decompress(stored, limit=frame.length)
    except ZstdError as err:
        raise Broken(f"what it holds cannot be unpacked: {err}") from err
    if len(plain) != frame.length:
        raise Broken(f"{len(plain)} bytes came out where {frame.length} belong")
    return plain


class Short(Exception):
    """The file ends there."""

    def __init__(self, end: int, part: str) -> None:
        super().__init__(end, part)
        self.end, self.part = end, part


@contextmanager
def opened(path: Path) -> Iterator[OpenLog]:
    """With the errors people are told."""
    try:
        with open(path, "rb", buffering=MIB, opener=_no_links) as file:
            yield OpenLog(file)
    except FromNewer as err:
        raise LogNewer(path=path, version=err.version) from err
    except Broken as err:
        raise LogDamaged(path=path, reason=err) from err
    except Short as err:
        raise LogTorn(path=path, end=err.end, part=err.part) from err
    except OSError as err:
        raise LogUnreadable(path=path, reason=err.strerror) from err


def _no_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)
