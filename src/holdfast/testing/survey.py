"""Look at every attribute of every entry below a directory, however long its path is."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PIECE = 3800  # bytes of a path handed to one system call, well below PATH_MAX
_NO_XATTRS = frozenset({errno.ENOTSUP, errno.EPERM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    status: os.stat_result
    xattrs: tuple[tuple[str, bytes], ...]
    target: bytes | None = None

    @property
    def kind(self) -> int:
        return stat.S_IFMT(self.status.st_mode)


@contextmanager
def open_folder(root: bytes, path: bytes) -> Iterator[int]:
    """Open the directory `path` below `root` piece by piece; paths may pass PATH_MAX."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for piece in _pieces(path):
            deeper = os.open(piece, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = deeper
        yield folder
    finally:
        os.close(folder)


def survey(root: bytes, *, leave_out: Callable[[bytes], bool]) -> dict[bytes, Entry]:
    """Map each path below `root` to what it is; the root itself is `b"."`."""
    found = {b".": _root_entry(root)}
    waiting = [b""]
    while waiting:
        path = waiting.pop()
        with open_folder(root, path) as folder:
            for name in sorted(os.fsencode(name) for name in os.listdir(folder)):
                below = os.path.join(path, name)
                if leave_out(below):
                    continue
                entry = found[below] = _entry(folder, name)
                if entry.kind == stat.S_IFDIR:
                    waiting.append(below)
    return found


def link_groups(entries: dict[bytes, Entry]) -> dict[bytes, tuple[bytes, ...]]:
    """Map each path that shares its inode with others to all names of that inode."""
    groups: dict[tuple[int, int], list[bytes]] = {}
    for path, entry in entries.items():
        if entry.kind != stat.S_IFDIR and entry.status.st_nlink > 1:
            groups.setdefault((entry.status.st_dev, entry.status.st_ino), []).append(path)
    return {
        path: tuple(sorted(names)) for names in groups.values() if len(names) > 1 for path in names
    }


def _pieces(path: bytes) -> Iterator[bytes]:
    piece = b""
    for step in path.split(b"/") if path else ():
        if len(piece) + len(step) > _PIECE:
            yield piece
            piece = b""
        piece = os.path.join(piece, step)
    if piece:
        yield piece


def _root_entry(root: bytes) -> Entry:
    return Entry(status=os.stat(root), xattrs=_xattrs(os.path.join(root, b".")))


def _entry(folder: int, name: bytes) -> Entry:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    target = os.readlink(name, dir_fd=folder) if stat.S_ISLNK(status.st_mode) else None
    # The xattr calls know no dir_fd; through /proc the path stays short at any depth.
    xattrs = _xattrs(b"/proc/self/fd/%d/%s" % (folder, name))
    return Entry(status=status, xattrs=xattrs, target=target)


def _xattrs(path: bytes) -> tuple[tuple[str, bytes], ...]:
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError as err:
        if err.errno in _NO_XATTRS:
            return ()
        raise
    return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
