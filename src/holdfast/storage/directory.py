"""A directory as storage: temporary file, fsync, link, fsync of the folder."""

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator

from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.storage.errors import (
    FileExists,
    FileMissing,
    FileTooShort,
    StorageBroken,
    StorageDenied,
    StorageFull,
    StorageUnavailable,
)
from holdfast.storage.protocol import Content, Entry

# restic takes names with this mark for leftovers too.
_TEMPORARY = "-tmp-"
_DIRECT_BLOCK = 4096

_BY_ERRNO: dict[int, type[HoldfastError]] = {
    errno.ENOSPC: StorageFull,
    errno.EDQUOT: StorageFull,
    errno.EACCES: StorageDenied,
    errno.EPERM: StorageDenied,
    errno.EROFS: StorageDenied,
    errno.EIO: StorageBroken,
    errno.EUCLEAN: StorageBroken,
    errno.EBADMSG: StorageBroken,
}


class DirectoryStorage:
    parallel = 2

    def __init__(self, root: str) -> None:
        self._root = os.path.abspath(root)

    @property
    def place(self) -> str:
        return self._root

    def put(self, name: str, content: Content) -> None:
        path = os.path.join(self._root, name)
        folder = os.path.dirname(path)
        temporary = f"{path}{_TEMPORARY}{secrets.token_hex(6)}"
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            try:
                _write_durably(temporary, content)
                # A link, not a rename: it refuses to replace what is there.
                os.link(temporary, path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary)
            _sync_folder(folder)
        except OSError as err:
            raise self._translated(err, name) from err

    def get(self, name: str) -> bytes:
        with self._opened(name) as descriptor:
            wanted = os.fstat(descriptor).st_size
            return self._read_exactly(descriptor, name, 0, wanted)

    def read(self, name: str, offset: int, length: int) -> bytes:
        with self._opened(name) as descriptor:
            return self._read_exactly(descriptor, name, offset, length)

    def size(self, name: str) -> int:
        try:
            return os.stat(os.path.join(self._root, name)).st_size
        except OSError as err:
            raise self._translated(err, name) from err

    def list(self, folder: str) -> Iterator[Entry]:
        try:
            yield from _walk(os.path.join(self._root, folder), folder.rstrip("/"))
        except OSError as err:
            raise self._translated(err, folder) from err

    def delete(self, name: str) -> None:
        path = os.path.join(self._root, name)
        try:
            os.unlink(path)
            _sync_folder(os.path.dirname(path))
        except FileNotFoundError:
            return
        except OSError as err:
            raise self._translated(err, name) from err

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        try:
            descriptor = os.open(os.path.join(self._root, name), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as err:
            raise self._translated(err, name) from err
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _read_exactly(self, descriptor: int, name: str, offset: int, length: int) -> bytes:
        try:
            content = os.pread(descriptor, length, offset)
            while len(content) < length:
                more = os.pread(descriptor, length - len(content), offset + len(content))
                if not more:
                    raise FileTooShort(
                        place=self.place,
                        name=name,
                        seen=offset + len(content),
                        wanted=offset + length,
                    )
                content += more
        except OSError as err:
            raise self._translated(err, name) from err
        return content

    def _translated(self, err: OSError, name: str) -> HoldfastError:
        if isinstance(err, FileNotFoundError | NotADirectoryError):
            return FileMissing(place=self.place, name=name)
        if isinstance(err, FileExistsError):
            return FileExists(place=self.place, name=name)
        kind = _BY_ERRNO.get(err.errno or 0, StorageUnavailable)
        return kind(place=self.place, name=name, reason=err.strerror)


def _write_durably(path: str, content: Content) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    try:
        view = memoryview(content)
        written = _write_direct(descriptor, view) if len(view) >= MIB else 0
        while written < len(view):
            written += os.write(descriptor, view[written:])
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
        while written < whole:
            written += os.write(descriptor, view[written:whole])
            if written % _DIRECT_BLOCK:
                break
    except OSError as err:
        # EINVAL: the buffer is not aligned, or the file system has no direct writes.
        if err.errno != errno.EINVAL:
            raise
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)
    return written


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _walk(path: str, name: str) -> Iterator[Entry]:
    try:
        found = os.scandir(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    with found:
        for entry in found:
            below = f"{name}/{entry.name}" if name else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, below)
            elif _TEMPORARY not in entry.name:
                with contextlib.suppress(FileNotFoundError):
                    yield Entry(below, entry.stat().st_size)
