"""Take away what stands in the way or is not in the point, on one file system, following nothing."""

import errno
import os
import stat
from typing import NamedTuple

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _Level(NamedTuple):
    """A folder being emptied: open, its name, and the folders still in it."""

    fd: int
    name: bytes
    left: list[bytes]


def remove(folder: int, name: bytes, *, recursive: bool) -> None:
    """Remove an entry; OSError where it must not or cannot go.

    A folder that is a mount point, or holds one, stays: what lies there is not ours to remove.
    """
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(name, dir_fd=folder)
    elif status.st_dev != os.fstat(folder).st_dev:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    elif recursive:
        _remove_all(folder, name, status.st_dev)
    else:
        os.rmdir(name, dir_fd=folder)


def _remove_all(folder: int, name: bytes, device: int) -> None:
    """Without recursion in Python, which a deep tree would exhaust."""
    levels: list[_Level] = []
    entering = name
    try:
        while True:
            opened = os.open(entering, _FLAGS, dir_fd=levels[-1].fd if levels else folder)
            levels.append(_Level(opened, entering, []))
            levels[-1].left.extend(_empty(opened, device))
            while not levels[-1].left:
                done = levels.pop()
                os.close(done.fd)
                os.rmdir(done.name, dir_fd=levels[-1].fd if levels else folder)
                if not levels:
                    return
            entering = levels[-1].left.pop()
    finally:
        for level in levels:
            os.close(level.fd)


def _empty(folder: int, device: int) -> list[bytes]:
    """Unlink what is no folder; the folders that are left."""
    left: list[bytes] = []
    for name in map(os.fsencode, os.listdir(folder)):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(name, dir_fd=folder)
        elif status.st_dev != device:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        else:
            left.append(name)
    return left
