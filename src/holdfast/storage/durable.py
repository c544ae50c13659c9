"""Files that appear whole, survive a power cut, and never replace another."""

import contextlib
import ctypes
import errno
import fcntl
import functools
import mmap
import os
import secrets
from collections.abc import Callable

from holdfast.base.units import MIB
from holdfast.storage.names import TEMPORARY_MARK
from holdfast.storage.protocol import Content

FOLDER_MODE, FILE_MODE = 0o700, 0o400
_DIRECT_BLOCK = 4096
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1
# EPERM is what FAT says to a hard link.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_NO_FLAGS = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS)


def write_new(path: str, content: Content) -> None:
    """Create the file in an existing folder; FileExistsError leaves the old one untouched."""
    temporary = f"{path}{TEMPORARY_MARK}{secrets.token_hex(6)}"
    try:
        _write_and_sync(temporary, content)
        _publish(temporary, path)
    except FileExistsError:
        # Who hears "exists" relies on it, and the writer who was first may not be there yet.
        sync_folder(os.path.dirname(path))
        raise
    finally:
        # Whatever remains is hidden, and swept one day: the error that matters is another one.
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    sync_folder(os.path.dirname(path))


class NewFile:
    """A file written in pieces that gets its name when it is whole and durable, or never."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._temporary = f"{path}{TEMPORARY_MARK}{secrets.token_hex(6)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._temporary, flags, FILE_MODE)
        # Aligned as direct writes want it, whatever pieces come.
        self._buffer: mmap.mmap | None = None
        self._filled = 0

    def write(self, content: Content) -> None:
        view = memoryview(content)
        if self._buffer is None:
            self._buffer = mmap.mmap(-1, MIB)
        while view:
            taken = min(len(view), MIB - self._filled)
            self._buffer[self._filled : self._filled + taken] = view[:taken]
            self._filled += taken
            view = view[taken:]
            if self._filled == MIB:
                self._flush()

    def _flush(self) -> None:
        if self._buffer is None:
            return
        with memoryview(self._buffer) as whole, whole[: self._filled] as view:
            written = _write_direct(self._descriptor, view) if len(view) == MIB else 0
            while written < len(view):
                written += _write_some(self._descriptor, view[written:])
        self._filled = 0

    def publish(self) -> None:
        folder = os.path.dirname(self._path)
        try:
            self._flush()
            os.fsync(self._descriptor)
            _publish(self._temporary, self._path)
        finally:
            # A name that exists must be durable too before anybody hears so.
            with contextlib.suppress(OSError):
                sync_folder(folder)
            self.discard()
        sync_folder(folder)

    def discard(self) -> None:
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1
        # Let go, not closed: the error that brought us here may still hold views of it.
        self._buffer = None
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)


def make_folders(root: str, folder: str) -> None:
    """Make what is missing between an existing root and the folder, durably, but not the root."""
    path = root
    for part in os.path.relpath(folder, root).split("/"):
        parent, path = path, os.path.join(path, part)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, FOLDER_MODE)
        # Also when another writer made it: our file must not become durable before its folder.
        sync_folder(parent)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """The names in it survive a power cut."""
    _sync(folder, os.O_DIRECTORY)


def sync(path: str | os.PathLike[str]) -> None:
    """What somebody else wrote to a file survives one too; a folder's names likewise."""
    _sync(path, 0)


def _sync(path: str | os.PathLike[str], flags: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_and_sync(path: str, content: Content) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        view = memoryview(content)
        written = _write_direct(descriptor, view) if len(view) >= MIB else 0
        while written < len(view):
            written += _write_some(descriptor, view[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_direct(descriptor: int, view: memoryview) -> int:
    """Write the whole blocks past the page cache; how much was written, 0 where that is refused.

    Packs are written once and not soon read again: copying them into the cache costs more CPU
    than the rest of the write.
    """
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    whole = len(view) // _DIRECT_BLOCK * _DIRECT_BLOCK
    written = 0
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_DIRECT)
        while written < whole and written % _DIRECT_BLOCK == 0:
            written += _write_some(descriptor, view[written:whole])
    except OSError as err:
        # EINVAL: the buffer is not aligned, or the file system has no direct writes.
        if err.errno != errno.EINVAL:
            raise
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)
    return written


def _write_some(descriptor: int, view: memoryview) -> int:
    written = os.write(descriptor, view)
    if not written:
        # Seen on FUSE file systems; going on would never end.
        raise OSError(errno.EIO, "a write made no progress")
    return written


def _publish(temporary: str, path: str) -> None:
    """Give the finished file its name in one step that refuses to replace."""
    try:
        os.link(temporary, path)
    except OSError as err:
        if err.errno not in _NO_LINKS:
            raise
        _rename_without_replacing(temporary, path)


def _rename_without_replacing(temporary: str, path: str) -> None:
    try:
        _renameat2()(os.fsencode(temporary), os.fsencode(path))
    except OSError as err:
        if err.errno not in _NO_FLAGS:
            raise
        _rename_under_lock(temporary, path)


@functools.cache
def _renameat2() -> Callable[[bytes, bytes], None]:
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)

    def call(old: bytes, new: bytes) -> None:
        if function is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        if function(_AT_FDCWD, old, _AT_FDCWD, new, ctypes.c_uint(_RENAME_NOREPLACE)):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), os.fsdecode(new))

    return call


def _rename_under_lock(temporary: str, path: str) -> None:
    """For mounts with neither hard links nor RENAME_NOREPLACE, such as many FUSE ones.

    The kernel drops the lock of a process that dies. It holds on this host alone: nothing on such
    a mount can stop two hosts that write the same name in the same instant.
    """
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        os.rename(temporary, path)
    finally:
        os.close(descriptor)
