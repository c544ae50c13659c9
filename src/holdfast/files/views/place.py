"""Where snapshots lie while they are read, and how those of dead runs are found and removed.

One folder at the root of a subvolume, kept for good: making and removing it every time would
change the root's times, and with them the tree of every backup. In it each run has a folder of
its own with a file that it keeps locked; the kernel drops the lock with the process.
"""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator

from holdfast.base.texts import _
from holdfast.files.views import btrfs

FOLDER = b".holdfast-views"
_OWNER = b"owner"
_RUN = b"run-"
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Place:
    """Holds this run's snapshots of one file system."""

    def __init__(self, subvolume: bytes) -> None:
        """Remove what dead runs have left, and make room for this one."""
        self._all = os.path.join(subvolume, FOLDER)
        self._path = os.path.join(self._all, b"%s%d-%s" % (_RUN, os.getpid(), _random()))
        self._taken = 0
        with _locked(_made(self._all)) as folder:
            _sweep(folder)
            os.mkdir(self._path, 0o700)
            try:
                self._owner = _lock_of(self._path)
            except OSError:
                os.rmdir(self._path)
                raise

    def take(self, source: int) -> bytes:
        """Snapshot the subvolume whose root is open; the path it can be read at."""
        self._taken += 1
        name = b"%d" % self._taken
        with _opened(self._path) as folder:
            btrfs.snapshot(source, folder, name)
        return os.path.join(self._path, name)

    def remove(self) -> None:
        """Remove all snapshots of this run; raises OSError where one stays."""
        try:
            with _opened(self._all) as folder:
                _remove_run(folder, os.path.basename(self._path))
        finally:
            os.close(self._owner)


def _random() -> bytes:
    return secrets.token_hex(4).encode()


def _made(path: bytes) -> int:
    """Open the folder for snapshots; it must be ours, or somebody could redirect us."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    folder = os.open(path, _OPEN)
    status = os.fstat(folder)
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        os.close(folder)
        text = _("{path} belongs to somebody else").format(path=os.fsdecode(path))
        raise PermissionError(0, text)
    return folder


@contextlib.contextmanager
def _locked(folder: int) -> Iterator[int]:
    """Alone in the folder: a run that just begins must not look like a dead one."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(folder)


def _lock_of(run: bytes) -> int:
    owner = os.open(os.path.join(run, _OWNER), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(owner, fcntl.LOCK_EX)
    return owner


def _sweep(folder: int) -> None:
    for name in map(os.fsencode, os.listdir(folder)):
        if name.startswith(_RUN):
            # What cannot be removed now is met again by the next run; ours does not need it gone.
            with contextlib.suppress(OSError):
                _sweep_run(folder, name)


def _sweep_run(folder: int, name: bytes) -> None:
    try:
        owner = os.open(os.path.join(name, _OWNER), os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        os.rmdir(name, dir_fd=folder)
        return
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove_run(folder, name)
    finally:
        os.close(owner)


def _remove_run(folder: int, name: bytes) -> None:
    with _opened(name, dir_fd=folder) as run:
        for each in map(os.fsencode, os.listdir(run)):
            if each.isdigit():
                btrfs.destroy(run, each)
        os.unlink(_OWNER, dir_fd=run)
    os.rmdir(name, dir_fd=folder)


@contextlib.contextmanager
def _opened(path: bytes, dir_fd: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, _OPEN, dir_fd=dir_fd)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
