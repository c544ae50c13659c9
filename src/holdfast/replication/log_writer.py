"""Write a change log: it gets its name when it is whole and durable, or never."""

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import IO, Self

from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.disks.source import Content
from holdfast.disks.spans import Span, pieces
from holdfast.replication.log_errors import LogFull, LogUnwritable
from holdfast.replication.log_frames import (
    LONGEST,
    LONGEST_FILE,
    MOST_FILE_BYTES,
    MOST_FILES,
    NO_DIGEST,
    ZERO_UNIT,
    Foot,
    Frame,
    FrameKind,
    Method,
    check_frame,
    encode_file,
    encode_foot,
    encode_frame,
    encode_head,
)
from holdfast.replication.log_head import LogHead
from holdfast.storage.durable import sync_folder
from holdfast.vault.compression import Compressor

PARTIAL = ".part"
# The changes of disks are warm and many: more would cost the CPU that guests want.
_LEVEL = 1
# A gain of less is not worth unpacking it.
_GAIN = 0.97
_ZEROS = bytearray(ZERO_UNIT)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLog:
    """A whole log; `hash` is the SHA-256 of the file in hex, the bytes are those of its disks."""

    path: Path
    head: LogHead
    size: int
    hash: str
    plain_bytes: int
    zero_bytes: int


class LogWriter:
    """Disks may be written by a thread each; what is one disk's comes in order of its offsets."""

    def __init__(self, path: Path, head: LogHead) -> None:
        self._path, self._head = path, head
        self._partial = path.with_name(path.name + PARTIAL)
        self._numbers = {disk.target: number for number, disk in enumerate(head.disks)}
        # How far each disk is written, and the zeroes at its end that are no frame yet.
        self._ends = [0] * len(head.disks)
        self._zeroes = [Span(0, 0)] * len(head.disks)
        self._files: dict[str, int] = {}
        self._file: IO[bytes] | None = None
        self._hash = sha256()
        self._size = self._frames = self._plain_bytes = self._zero_bytes = 0
        self._lock = threading.Lock()
        self._of_thread = threading.local()

    def __enter__(self) -> Self:
        prelude = encode_head(self._head)
        with self._our_errors():
            # Of one that was killed.
            self._partial.unlink(missing_ok=True)
            self._file = open(self._partial, "xb", buffering=MIB, opener=_for_its_owner)
            self._write(prelude)
        return self

    def data(self, target: str, offset: int, content: Content) -> None:
        """What is at this place of the disk; the buffer is free when this returns."""
        number = self._numbers[target]
        with memoryview(content) as plain, plain.cast("B") as view:
            for span, is_zero in _runs(offset, view):
                if is_zero:
                    self._put_zeroes(number, span)
                    continue
                self._go_on(number, span)
                self._flush_zeroes(number)
                for part in pieces([span], LONGEST):
                    self._put_data(number, part, view[part.start - offset : part.end - offset])

    def zero(self, target: str, offset: int, length: int) -> None:
        """It reads as zeroes there, however much it is."""
        if length:
            self._put_zeroes(self._numbers[target], Span(offset, offset + length))

    def file(self, name: str, content: bytes) -> None:
        """What lies beside the disks: domain.xml, nvram, the state of a TPM."""
        plain = encode_file(name, content)
        taken = len(plain) + sum(self._files.values())
        if name in self._files or len(self._files) >= MOST_FILES:
            raise ValueError(f"{name} is in the log already, or too many are")
        if len(plain) > LONGEST_FILE or taken > MOST_FILE_BYTES:
            raise ValueError(f"{name} has {len(content)} bytes")
        self._files[name] = len(plain)
        self._put(FrameKind.FILE, 0, Span(0, len(plain)), memoryview(plain))

    def copy(self, target: str, frame: Frame, stored: bytes) -> None:
        """A frame of data of another log as it is, on the disk of that name."""
        number = self._numbers[target]
        span = Span(frame.offset, frame.end)
        self._go_on(number, span)
        self._flush_zeroes(number)
        self._append(frame._replace(disk=number), stored)

    def seal(self) -> SealedLog:
        for number in range(len(self._zeroes)):
            self._flush_zeroes(number)
        foot = Foot(
            self._frames, self._plain_bytes, self._zero_bytes, self._size, self._hash.digest()
        )
        assert self._file is not None
        with self._our_errors():
            self._write(encode_foot(foot))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.rename(self._partial, self._path)
            sync_folder(self._path.parent)
        return SealedLog(
            path=self._path,
            head=self._head,
            size=self._size,
            hash=self._hash.hexdigest(),
            plain_bytes=self._plain_bytes,
            zero_bytes=self._zero_bytes,
        )

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            # What is still buffered may not fit either.
            with contextlib.suppress(OSError):
                self._file.close()
        # Gone where it was sealed.
        with contextlib.suppress(OSError):
            self._partial.unlink()

    def _put_zeroes(self, number: int, span: Span) -> None:
        self._go_on(number, span)
        start, end = self._zeroes[number]
        if end == span.start:
            self._zeroes[number] = Span(start, span.end)
            return
        self._flush_zeroes(number)
        self._zeroes[number] = span

    def _flush_zeroes(self, number: int) -> None:
        start, end = self._zeroes[number]
        self._zeroes[number] = Span(0, 0)
        if end > start:
            zeroes = (FrameKind.ZERO, Method.RAW, number, start, end - start, 0, NO_DIGEST)
            self._append(Frame(*zeroes), b"")

    def _put_data(self, number: int, span: Span, view: memoryview) -> None:
        self._put(FrameKind.DATA, number, span, view)

    def _put(self, kind: FrameKind, number: int, span: Span, view: memoryview) -> None:
        method, stored = self._packed(view)
        digest = sha256(view).digest()
        frame = Frame(kind, method, number, span.start, span.length, len(stored), digest)
        self._append(frame, stored)

    def _packed(self, view: memoryview) -> tuple[Method, Content]:
        compressor = getattr(self._of_thread, "compressor", None)
        if compressor is None:
            compressor = self._of_thread.compressor = Compressor(_LEVEL)
        if compressor.is_worth_it(view):
            packed = compressor.compress(view)
            if len(packed) < _GAIN * len(view):
                return Method.ZSTD, packed
        return Method.RAW, view

    def _go_on(self, number: int, span: Span) -> None:
        if span.start < self._ends[number]:
            raise ValueError(f"{span} comes after {self._ends[number]} of its disk")
        self._ends[number] = span.end

    def _append(self, frame: Frame, stored: Content) -> None:
        check_frame(frame, self._head)
        packed = encode_frame(frame)
        with self._lock, self._our_errors():
            self._write(packed)
            self._write(stored)
            self._frames += 1
            self._plain_bytes += frame.length if frame.kind is FrameKind.DATA else 0
            self._zero_bytes += frame.length if frame.kind is FrameKind.ZERO else 0

    def _write(self, content: Content) -> None:
        assert self._file is not None
        self._file.write(content)
        self._hash.update(content)
        self._size += len(content)

    @contextlib.contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            raise _unwritable(self._path, err) from err


def _runs(offset: int, view: memoryview) -> Iterator[tuple[Span, bool]]:
    """The view in as few runs as possible, each with whether it is zero."""
    blocks = pieces([Span(offset, offset + len(view))], ZERO_UNIT)
    marked = ((span, _is_zero(view[span.start - offset : span.end - offset])) for span in blocks)
    for is_zero, run in groupby(marked, key=lambda each: each[1]):
        spans = [span for span, _zero in run]
        yield Span(spans[0].start, spans[-1].end), is_zero


def _is_zero(block: memoryview) -> bool:
    # A bytearray on the left side compares with any memory at the speed of memory.
    zeros: object = _ZEROS if len(block) == ZERO_UNIT else bytearray(len(block))
    return zeros == block


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _unwritable(path: Path, err: OSError) -> HoldfastError:
    if err.errno in _NO_ROOM:
        return LogFull(path=path, reason=err.strerror)
    return LogUnwritable(path=path, reason=err.strerror)
