"""Open folders below the target: step by step, kept open, never through a symbolic link.

Step by step because a path may be longer than any system call takes; never through a link
because whoever can plant one in the target could have us write anywhere.
"""

import contextlib
import os
import stat
from collections import OrderedDict
from collections.abc import Callable

from holdfast.files.restore.policy import joined

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PATH_FLAGS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KEPT_OPEN = 256
_ACL = "system.posix_acl_default"
NEW_FOLDER = 0o700


class Folder:
    """An open folder and what new files in it look like before we do anything to them.

    Open as long as somebody holds it: a deep path may take all places of those kept.
    """

    __slots__ = ("_is_ours", "exact_modes", "fd", "inherits_acl", "new_gid", "new_uid")

    def __init__(self, fd: int, *, is_ours: bool = True) -> None:
        self.fd = fd
        self._is_ours = is_ours
        # -1 until the first new file has shown it: root squashing, setgid folders, mount options.
        self.new_uid = self.new_gid = -1
        self.exact_modes = False
        self.inherits_acl = False

    def __del__(self) -> None:
        if self._is_ours:
            os.close(self.fd)

    def learn(self, status: os.stat_result, mode: int) -> None:
        """From the first new file, made with `mode`, what the next ones will look like."""
        self.new_uid, self.new_gid = status.st_uid, status.st_gid
        self.exact_modes = stat.S_IMODE(status.st_mode) == mode
        self.inherits_acl = _has_default_acl(self.fd)


def _has_default_acl(fd: int) -> bool:
    try:
        os.getxattr(fd, _ACL)
    except OSError:
        return False
    return True


class Folders:
    """The open folders of one worker, by their path below the target."""

    def __init__(self, root: int, *, made: Callable[[bytes], None]) -> None:
        self._root = Folder(root, is_ours=False)
        self._made = made
        self._open: OrderedDict[bytes, Folder] = OrderedDict()

    def open(self, path: bytes, *, make: bool = False) -> Folder:
        """FileNotFoundError where it is missing and not to be made, ELOOP or ENOTDIR for others."""
        if not path:
            return self._root
        found = self._open.get(path)
        if found is not None:
            self._open.move_to_end(path)
            return found
        return self._descend(path, make=make)

    def _descend(self, path: bytes, *, make: bool) -> Folder:
        """Open each folder on the way and keep it: its other folders come next."""
        at, missing = self._nearest(path)
        folder = self._open[at] if at else self._root
        for name in missing:
            at = joined(at, name)
            folder = self._keep(at, self._enter(folder.fd, name, at, make=make))
        return folder

    def _nearest(self, path: bytes) -> tuple[bytes, list[bytes]]:
        """The path of the open folder to start from, and the names from there."""
        folder, _, name = path.rpartition(b"/")
        names = [name]
        while folder and folder not in self._open:
            folder, _, name = folder.rpartition(b"/")
            names.append(name)
        return folder, names[::-1]

    def _enter(self, parent: int, name: bytes, path: bytes, *, make: bool) -> int:
        try:
            return os.open(name, _FLAGS, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
        # Another worker may be faster.
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, NEW_FOLDER, dir_fd=parent)
            self._made(path)
        return os.open(name, _FLAGS, dir_fd=parent)

    def _keep(self, path: bytes, descriptor: int) -> Folder:
        while len(self._open) >= _KEPT_OPEN:
            self._open.popitem(last=False)
        folder = self._open[path] = Folder(descriptor)
        return folder

    def unlock(self, path: bytes) -> None:
        """Let ourselves into a folder of ours that forbids it; its own mode must come back later."""
        parent, _, name = path.rpartition(b"/")
        descriptor = os.open(name, _PATH_FLAGS, dir_fd=self.open(parent).fd)
        try:
            status = os.fstat(descriptor)
            mode = stat.S_IMODE(status.st_mode)
            if status.st_uid == os.geteuid() and mode & stat.S_IRWXU != stat.S_IRWXU:
                os.chmod(b"/proc/self/fd/%d" % descriptor, mode | stat.S_IRWXU)
        finally:
            os.close(descriptor)
