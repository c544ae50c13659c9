"""Owner, mode, times, extended attributes and ACLs of one item: bring them, or compare them.

Order matters: a change of owner drops set-id bits and capabilities, an ACL changes the mode, a
mode may forbid us the attributes, and the times come last since a half-written file must never
look finished.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from holdfast.base.texts import _
from holdfast.files.nodes import unix_mode
from holdfast.files.restore.folders import Folder
from holdfast.vault.tree import Node, parse_time

_SET_IDS = stat.S_ISUID | stat.S_ISGID
# What the system itself puts on new files stays where the point knows nothing of it.
_REMOVABLE = ("user.", "trusted.", "system.posix_acl_", "security.capability")
_NO_XATTRS = (errno.ENOTSUP, errno.EPERM, errno.EACCES)
_CERTAIN_TIMES = range(2**32 * 10**9)


class Handle(NamedTuple):
    """An item as the attribute calls take it: a descriptor, or a path that ends in a name.

    `/proc/self/fd/N` for items that must not be opened, `/proc/self/fd/N/name` for links.
    """

    target: int | bytes
    follow: bool = True


class Trouble(NamedTuple):
    """An attribute that could not be brought."""

    what: str
    error: OSError


def times_of(node: Node) -> tuple[int, int]:
    """Access and change time in nanoseconds."""
    mtime = parse_time(node.mtime)
    return (mtime if node.atime == node.mtime else parse_time(node.atime)), mtime


def wanted_attributes(node: Node) -> dict[str, bytes]:
    return {one.name: one.value or b"" for one in node.extended_attributes}


class Attributes:
    """Brings attributes; `owner_refused` is called where only root could set the owner."""

    def __init__(self, *, owner_refused: Callable[[], None]) -> None:
        self.is_root = os.geteuid() == 0
        self._owner_refused = owner_refused

    def new_file(self, fd: int, node: Node, folder: Folder, mode: int) -> list[Trouble]:
        """All attributes of a file just made with `mode`; no system call that is not needed."""
        if folder.new_uid < 0 or folder.inherits_acl:
            return self._learn(fd, node, folder, mode)
        if node.uid != folder.new_uid or node.gid != folder.new_gid or node.extended_attributes:
            return self.bring(Handle(fd), node, os.fstat(fd), bare=True)
        # Compared as Go writes it: a mode without set-id bits is the same there and here.
        if node.mode != mode or not folder.exact_modes:
            os.fchmod(fd, unix_mode(node.mode))
        os.utime(fd, ns=times_of(node))
        return []

    def _learn(self, fd: int, node: Node, folder: Folder, mode: int) -> list[Trouble]:
        """The first new file of a folder shows what the next ones will look like."""
        status = os.fstat(fd)
        folder.learn(status, mode)
        return self.bring(Handle(fd), node, status, bare=not folder.inherits_acl)

    def bring(
        self, handle: Handle, node: Node, status: os.stat_result, *, bare: bool = False
    ) -> list[Trouble]:
        """Make the item's attributes those of the node; `bare` items have no xattrs yet."""
        troubles: list[Trouble] = []
        mode, owned = unix_mode(node.mode), True
        # What is right already is not touched: it would look changed to the next backup.
        touched = stat.S_IMODE(status.st_mode) != mode
        if (status.st_uid, status.st_gid) != (node.uid, node.gid):
            owned = self._own(handle, node, troubles)
            touched = True
        if node.extended_attributes or not bare:
            touched |= self._bring_xattrs(handle, node, troubles, bare=bare)
        if touched and node.type != "symlink":
            troubles += self._bring_mode(handle, mode, owned=owned)
        if status.st_mtime_ns != times_of(node)[1]:
            troubles += self._bring_times(handle, node)
        return troubles

    def _own(self, handle: Handle, node: Node, troubles: list[Trouble]) -> bool:
        try:
            os.chown(handle.target, node.uid, node.gid, follow_symlinks=handle.follow)
        except PermissionError as err:
            if self.is_root:
                troubles.append(Trouble(_("owner"), err))
            else:
                self._owner_refused()
                self._own_group(handle, node.gid)
            return False
        except (OSError, OverflowError) as err:
            troubles.append(Trouble(_("owner"), _as_os_error(err)))
            return False
        return True

    def _own_group(self, handle: Handle, gid: int) -> None:
        """Everybody may give a file to a group they are in."""
        if gid in os.getgroups() or gid == os.getegid():
            with contextlib.suppress(OSError):
                os.chown(handle.target, -1, gid, follow_symlinks=handle.follow)

    def _bring_mode(self, handle: Handle, mode: int, *, owned: bool) -> Iterator[Trouble]:
        if not owned and mode & _SET_IDS:
            # A program must not run as somebody it was never given to.
            mode &= ~_SET_IDS
            yield Trouble(_("set-id bits"), PermissionError(errno.EPERM, os.strerror(errno.EPERM)))
        try:
            os.chmod(handle.target, mode)
        except OSError as err:
            yield Trouble(_("mode"), err)

    def _bring_times(self, handle: Handle, node: Node) -> Iterator[Trouble]:
        times = times_of(node)
        try:
            os.utime(handle.target, ns=times, follow_symlinks=handle.follow)
            if times[1] in _CERTAIN_TIMES:
                return
            seen = os.stat(handle.target, follow_symlinks=handle.follow).st_mtime_ns
            if seen != times[1]:
                yield Trouble(_("time"), OSError(errno.ERANGE, os.strerror(errno.ERANGE)))
        except (OSError, OverflowError) as err:
            yield Trouble(_("time"), _as_os_error(err))

    def _bring_xattrs(
        self, handle: Handle, node: Node, troubles: list[Trouble], *, bare: bool
    ) -> bool:
        """Whether anything was not as wanted; asked after the owner, whose change drops some."""
        wanted = wanted_attributes(node)
        present = {} if bare else read_xattrs(handle)
        foreign = [name for name in present.keys() - wanted.keys() if name.startswith(_REMOVABLE)]
        missing = [name for name, value in wanted.items() if present.get(name) != value]
        for name in foreign:
            troubles += _attempt(name, os.removexattr, handle, name)
        for name in missing:
            troubles += _attempt(name, os.setxattr, handle, name, wanted[name])
        return bool(foreign or missing)


def _attempt(
    what: str, call: Callable[..., None], handle: Handle, *arguments: object
) -> Iterator[Trouble]:
    try:
        call(handle.target, *arguments, follow_symlinks=handle.follow)
    except (OSError, ValueError) as err:
        yield Trouble(what, _as_os_error(err))


def _as_os_error(err: Exception) -> OSError:
    return err if isinstance(err, OSError) else OSError(errno.EINVAL, str(err))


def read_xattrs(handle: Handle) -> dict[str, bytes]:
    try:
        names = os.listxattr(handle.target, follow_symlinks=handle.follow)
        return {
            name: os.getxattr(handle.target, name, follow_symlinks=handle.follow) for name in names
        }
    except OSError as err:
        if err.errno in _NO_XATTRS:
            return {}
        raise


def different_attributes(
    handle: Handle, node: Node, status: os.stat_result, *, owners: bool = True
) -> Iterator[str]:
    """Name each attribute that is not the point's."""
    if owners and (status.st_uid, status.st_gid) != (node.uid, node.gid):
        yield _("owner")
    if node.type != "symlink" and stat.S_IMODE(status.st_mode) != unix_mode(node.mode):
        yield _("mode")
    if status.st_mtime_ns != times_of(node)[1]:
        yield _("time")
    yield from _different_xattrs(read_xattrs(handle), wanted_attributes(node))


def _different_xattrs(present: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> Iterator[str]:
    for name in sorted(present.keys() | wanted.keys()):
        foreign = name not in wanted and not name.startswith(_REMOVABLE)
        if not foreign and present.get(name) != wanted.get(name):
            yield name
