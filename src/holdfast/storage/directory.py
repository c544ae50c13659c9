"""A directory as storage."""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from holdfast.base.errors import HoldfastError
from holdfast.storage import durable
from holdfast.storage.arriving import Arrival
from holdfast.storage.errors import (
    FileExists,
    FileMissing,
    FileTooShort,
    PlaceMissing,
    StorageBroken,
    StorageDenied,
    StorageFull,
    StorageUnavailable,
)
from holdfast.storage.names import checked, checked_for_writing, folder_prefix, is_temporary
from holdfast.storage.protocol import Content, Entry

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
    """Files below a root that must exist: an unmounted disk is an error, not an empty vault."""

    parallel = 2

    def __init__(self, root: str, *, lists_at_once: bool = False) -> None:
        """`lists_at_once` where one kernel keeps the directory; others may show old listings."""
        self._root = os.path.abspath(root)
        self.lists_at_once = lists_at_once

    @property
    def place(self) -> str:
        return self._root

    def create_root(self) -> None:
        """Make the root, and the folders it lies in; fine if it is there."""
        with self._translating(self._root, missing=StorageUnavailable):
            os.makedirs(self._root, durable.FOLDER_MODE, exist_ok=True)
            # Above the root lie folders of others, which we may not be allowed to open.
            with contextlib.suppress(PermissionError):
                durable.sync_folder(os.path.dirname(self._root))

    def put(self, name: str, content: Content) -> None:
        path = self._path(checked_for_writing(name))
        with self._translating(name, missing=StorageUnavailable):
            try:
                durable.write_new(path, content)
            except FileNotFoundError:
                durable.make_folders(self._root, os.path.dirname(path))
                durable.write_new(path, content)

    def begin(self, name: str) -> Arrival:
        """Take in a file piece by piece."""
        path = self._path(checked_for_writing(name))
        with self._translating(name, missing=StorageUnavailable):
            try:
                file = durable.NewFile(path)
            except FileNotFoundError:
                durable.make_folders(self._root, os.path.dirname(path))
                file = durable.NewFile(path)
        return _ArrivingFile(file, lambda: self._translating(name, missing=StorageUnavailable))

    def modified(self, name: str) -> datetime | None:
        with self._translating(name):
            found = os.stat(self._path(name))
            _require_file(found)
            return datetime.fromtimestamp(found.st_mtime, UTC)

    def get(self, name: str) -> bytes:
        with self._opened(name) as descriptor:
            wanted = os.fstat(descriptor).st_size
            return self._read_exactly(descriptor, name, 0, wanted)

    def read(self, name: str, offset: int, length: int) -> bytes:
        with self._opened(name) as descriptor:
            return self._read_exactly(descriptor, name, offset, length)

    def size(self, name: str) -> int:
        with self._translating(name):
            found = os.stat(self._path(name))
            _require_file(found)
            return found.st_size

    def list(self, folder: str) -> Iterator[Entry]:
        prefix = folder_prefix(folder)
        with self._translating(folder):
            if not os.path.isdir(self._root):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            for name, found in _walk(os.path.join(self._root, prefix), prefix):
                if not is_temporary(name):
                    yield Entry(name, found.st_size)

    def delete(self, name: str) -> None:
        path = self._path(name)
        with contextlib.suppress(FileMissing), self._translating(name):
            os.unlink(path)
            durable.sync_folder(os.path.dirname(path))

    def sweep(self, *, before: datetime) -> int:
        """Remove what crashed writers left and nobody wrote to since; how many there were.

        A writer at work loses its file when this moment is too near: leave hours between.
        """
        with self._translating(""):
            old = [
                name
                for name, found in _walk(self._root + "/", "")
                if is_temporary(name) and found.st_mtime < before.timestamp()
            ]
        for name in old:
            self.delete(name)
        return len(old)

    def _path(self, name: str) -> str:
        return os.path.join(self._root, checked(name))

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        with self._translating(name):
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                _require_file(os.fstat(descriptor))
                yield descriptor
            finally:
                os.close(descriptor)

    def _read_exactly(self, descriptor: int, name: str, offset: int, length: int) -> bytes:
        content = os.pread(descriptor, length, offset)
        while len(content) < length:
            more = os.pread(descriptor, length - len(content), offset + len(content))
            if not more:
                seen, wanted = offset + len(content), offset + length
                raise FileTooShort(place=self.place, name=name, seen=seen, wanted=wanted)
            content += more
        return content

    @contextlib.contextmanager
    def _translating(
        self, name: str, *, missing: type[HoldfastError] = FileMissing
    ) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            raise self._translated(err, name, missing) from err

    def _translated(self, err: OSError, name: str, missing: type[HoldfastError]) -> HoldfastError:
        kind = _BY_ERRNO.get(err.errno or 0, StorageUnavailable)
        if isinstance(err, FileExistsError):
            kind = FileExists
        elif isinstance(err, FileNotFoundError | NotADirectoryError | IsADirectoryError):
            kind = missing if os.path.isdir(self._root) else PlaceMissing
        return kind(place=self.place, name=name, reason=err.strerror)


class _ArrivingFile:
    """A new file whose errors become ours."""

    def __init__(
        self, file: durable.NewFile, translating: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._file = file
        self._translating = translating

    def write(self, content: Content) -> None:
        with self._translating():
            self._file.write(content)

    def commit(self) -> None:
        with self._translating():
            self._file.publish()

    def abort(self) -> None:
        self._file.discard()


def _require_file(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _walk(path: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    """All regular files below a folder; symlinked folders count, for vaults over several disks."""
    try:
        with os.scandir(path) as found:
            # Taken whole: a folder that changes while it is read may skip or repeat a name.
            entries = list(found)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        name = prefix + entry.name
        if entry.is_dir():
            yield from _walk(entry.path, name + "/")
        else:
            with contextlib.suppress(FileNotFoundError):
                found_file = entry.stat()
                if stat.S_ISREG(found_file.st_mode):
                    yield name, found_file
