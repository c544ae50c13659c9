"""Put bytes into files: at their place, whole, and zeros as holes where the file is new."""

import errno
import hashlib
import os
from collections.abc import Iterator

from holdfast.base.units import KIB
from holdfast.files.restore.messages import Piece

Plain = bytes | bytearray | memoryview
BLOCK = 4 * KIB
_ZEROS = bytes(BLOCK)
# Below this a hole saves nothing and costs a system call.
_SMALL = 64 * KIB
NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe in the place of a file must not make us wait for its writer.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_whole(fd: int, plain: Plain, *, sparse: bool) -> int:
    """Fill a new file from its start; the bytes written."""
    length = len(plain)
    if sparse and length >= _SMALL:
        os.ftruncate(fd, length)
        return write_at(fd, plain, 0, skip_zeros=True)
    written = os.write(fd, plain)
    if written < length:
        written += _write_rest(fd, memoryview(plain)[written:], written)
    return written


def write_at(fd: int, plain: Plain, offset: int, *, skip_zeros: bool) -> int:
    """Write one blob at its place; the bytes written, fewer where zeros stayed holes."""
    view = memoryview(plain)
    if not skip_zeros:
        return _write_rest(fd, view, offset)
    return sum(
        _write_rest(fd, view[start:end], offset + start) for start, end in data_runs(plain, offset)
    )


def _write_rest(fd: int, view: memoryview, offset: int) -> int:
    done = 0
    while done < len(view):
        written = os.pwrite(fd, view[done:], offset + done)
        if not written:
            # Seen on FUSE file systems; going on would never end.
            raise OSError(errno.EIO, "a write made no progress")
        done += written
    return done


def data_runs(plain: Plain, offset: int) -> Iterator[tuple[int, int]]:
    """The parts of a blob between runs of zero blocks; blocks are aligned in the file."""
    start = 0
    at = -offset % BLOCK
    last = len(plain) - BLOCK
    while at <= last:
        # Most blocks show in their first byte that they are no hole.
        if plain[at] or plain[at : at + BLOCK] != _ZEROS:
            at += BLOCK
            continue
        if at > start:
            yield start, at
        while at <= last and not plain[at] and plain[at : at + BLOCK] == _ZEROS:
            at += BLOCK
        start = at
    # The odd bytes at either end are written even if they are zeros.
    if start < len(plain):
        yield start, len(plain)


def is_right(fd: int, piece: Piece) -> bool:
    """Whether the file holds this blob at its place already."""
    digest = hashlib.sha256()
    offset, left = piece.offset, piece.length
    while left:
        content = os.pread(fd, min(left, 1024 * KIB), offset)
        if not content:
            return False
        digest.update(content)
        offset += len(content)
        left -= len(content)
    return digest.digest() == piece.blob
