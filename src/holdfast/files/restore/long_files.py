"""Restore files of many blobs: piece by piece, by several workers, only what is not right yet."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId
from holdfast.base.texts import ngettext
from holdfast.base.units import MIB
from holdfast.files.restore import content
from holdfast.files.restore.attributes import Handle
from holdfast.files.restore.desk import Desk, Item
from holdfast.files.restore.messages import LongFile, Piece, Segment
from holdfast.files.restore.policy import joined
from holdfast.files.restore.small_files import PRIVATE, create
from holdfast.vault.pack_header import Kind

# Files up to here are filled by the worker that finds them, longer ones by all of them.
MEDIUM = 32 * MIB
_SEGMENT = 16 * MIB
# Not ours to write, or a running program: then a new file takes the name.
_NOT_TO_WRITE = (errno.EACCES, errno.EPERM, errno.ETXTBSY, errno.ELOOP)


class LongFiles:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # Blobs of nothing but zeros, met before: a disk has thousands of the same.
        self._hollow: set[BlobId] = set()

    def place(
        self, item: Item, blobs: Sequence[BlobId], there: os.stat_result | None, *, compare: bool
    ) -> None:
        """Fill the file, or prepare it and leave the filling to all workers."""
        pieces = self._pieces(item, blobs)
        if pieces is None:
            return
        if there is not None and there.st_nlink > 1 and not self._desk.options.dry_run:
            if compare and self._is_right(item, pieces):
                self.end(item, unchanged=True)
                return
            there = None  # whoever knows it by another name must not see it change
        if self._desk.options.dry_run:
            self._rehearse(item, pieces, compare=compare)
            return
        try:
            new = self._prepare(item, there=there is not None)
        except OSError as err:
            self._desk.failed(item.path, err)
            return
        segments = tuple(
            Segment(item.folder, item.name, new, compare and not new, part) for part in cut(pieces)
        )
        if item.node.size > MEDIUM:
            self._desk.outcome.long_files.append(LongFile(item.task, new, segments))
            return
        written = [self.fill(segment) for segment in segments]
        if None not in written:
            self.end(item, unchanged=not new and not any(written))

    def fill(self, segment: Segment) -> int | None:
        """Write what is not right in a part of the file; None where the vault lacks some of it."""
        path = joined(segment.folder, segment.name)
        try:
            fd = self._open(segment.folder, segment.name, content.WRITE)
            try:
                return self._fill(fd, segment, path)
            finally:
                os.close(fd)
        except OSError as err:
            self._desk.failed(path, err)
            return None

    def end(self, item: Item, *, unchanged: bool) -> None:
        """Bring the attributes of a file that is complete; until now it had the time of now."""
        try:
            fd = self._open(item.folder, item.name, content.READ)
            try:
                self._desk.bring(Handle(fd), item, os.fstat(fd))
            finally:
                os.close(fd)
        except OSError as err:
            self._desk.failed(item.path, err)
            return
        self._desk.count_file(item, unchanged=unchanged)

    def _pieces(self, item: Item, blobs: Sequence[BlobId]) -> list[Piece] | None:
        """Where each blob belongs; None where that cannot be known."""
        lengths = [self._desk.blobs.length(blob) for blob in blobs]
        missing = lengths.count(None)
        rest = item.node.size - sum(filter(None, lengths))
        if missing > 1:
            self._desk.damaged(item.path, _missing_sentence(missing))
            return None
        if rest < 0 or (rest and not missing):
            self._desk.wrong_size(item, item.node.size - rest)
            return None
        pieces: list[Piece] = []
        offset = 0
        for blob, known in zip(blobs, lengths, strict=True):
            # The length of a single missing one follows from those of all others.
            length = rest if known is None else known
            pieces.append(Piece(offset, length, blob))
            offset += length
        return pieces

    def _prepare(self, item: Item, *, there: bool) -> bool:
        """Give the file its size; whether it is a new one."""
        if there:
            try:
                fd = self._open(item.folder, item.name, content.WRITE)
                self._resize(fd, item.node.size)
            except OSError as err:
                if err.errno not in _NOT_TO_WRITE:
                    raise
            else:
                return False
        folder = self._desk.folders.open(item.folder, make=True)
        fd = create(folder.fd, item.name, PRIVATE)
        self._resize(fd, item.node.size, allocate=not self._desk.options.sparse)
        return True

    def _resize(self, fd: int, size: int, *, allocate: bool = False) -> None:
        try:
            status = os.fstat(fd)
            _require_own_file(status)
            if status.st_size != size:
                os.ftruncate(fd, size)
            if allocate:
                os.posix_fallocate(fd, 0, size)
        finally:
            os.close(fd)

    def _fill(self, fd: int, segment: Segment, path: bytes) -> int | None:
        _require_own_file(os.fstat(fd))
        skip_zeros = segment.new and self._desk.options.sparse
        wanted: dict[BlobId, list[Piece]] = {}
        for piece in segment.pieces:
            known = skip_zeros and piece.blob in self._hollow
            if not known and not (segment.compare and content.is_right(fd, piece)):
                wanted.setdefault(piece.blob, []).append(piece)
        written, whole = 0, True
        for blob, plain in self._desk.blobs.fetch(Kind.DATA, wanted):
            if isinstance(plain, HoldfastError):
                self._desk.damaged(path, plain)
                whole = False
                continue
            filled = 0
            for piece in wanted[blob]:
                filled += content.write_at(fd, plain, piece.offset, skip_zeros=skip_zeros)
            if skip_zeros and not filled:
                self._hollow.add(blob)
            written += filled
        self._desk.outcome.bytes_written += written
        return written if whole else None

    def _open(self, folder: bytes, name: bytes, flags: int) -> int:
        return os.open(name, flags, dir_fd=self._desk.folders.open(folder).fd)

    def _rehearse(self, item: Item, pieces: Sequence[Piece], *, compare: bool) -> None:
        missing = item.node.size
        if compare:
            with contextlib.suppress(OSError):
                missing = sum(piece.length for piece in self._wrong(item, pieces))
        self._desk.outcome.bytes_written += missing
        self._desk.count_file(item, unchanged=compare and not missing)

    def _is_right(self, item: Item, pieces: Sequence[Piece]) -> bool:
        status = self._desk.status(item.folder, item.name)
        if status is None or status.st_size != item.node.size:
            return False
        return not self._wrong(item, pieces)

    def _wrong(self, item: Item, pieces: Sequence[Piece]) -> list[Piece]:
        fd = self._open(item.folder, item.name, content.READ)
        try:
            return [piece for piece in pieces if not content.is_right(fd, piece)]
        finally:
            os.close(fd)


def _require_own_file(status: os.stat_result) -> None:
    """Somebody may put another file under the name while we work: never write into that."""
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def cut(pieces: Iterable[Piece], limit: int = _SEGMENT) -> Iterator[tuple[Piece, ...]]:
    """Pieces in groups of at most `limit` bytes, at least one each."""
    part: list[Piece] = []
    size = 0
    for piece in pieces:
        if part and size + piece.length > limit:
            yield tuple(part)
            part, size = [], 0
        part.append(piece)
        size += piece.length
    if part:
        yield tuple(part)


def _missing_sentence(count: int) -> str:
    return ngettext(
        "{count} of its blobs is in no index of the vault",
        "{count} of its blobs are in no index of the vault",
        count,
    ).format(count=count)
