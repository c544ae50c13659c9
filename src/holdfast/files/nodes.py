"""From what the kernel says of a file to a node of a tree."""

import errno
import grp
import os
import pwd
import stat
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple, Protocol

from holdfast.base.texts import _
from holdfast.vault.go_strings import quote
from holdfast.vault.tree import ExtendedAttribute, Node, NodeType, format_time

Attributes = list[tuple[str, bytes]]


class Status(Protocol):
    """The part of os.stat_result that a backup looks at."""

    @property
    def st_mode(self) -> int: ...
    @property
    def st_ino(self) -> int: ...
    @property
    def st_nlink(self) -> int: ...
    @property
    def st_uid(self) -> int: ...
    @property
    def st_gid(self) -> int: ...
    @property
    def st_size(self) -> int: ...
    @property
    def st_mtime_ns(self) -> int: ...
    @property
    def st_ctime_ns(self) -> int: ...
    @property
    def st_rdev(self) -> int: ...


class PackedStatus(NamedTuple):
    """A status as it comes back out of the file cache."""

    st_mode: int
    st_ino: int
    st_nlink: int
    st_uid: int
    st_gid: int
    st_size: int
    st_mtime_ns: int
    st_ctime_ns: int
    st_rdev: int


_PACKED = struct.Struct("<IQIIIqqqQ")
# The same with times no 64 bits of nanoseconds hold, from 2262 on: ext4 goes to 2446.
_WIDE = struct.Struct("<IQIIIqqIqIQ")
_NANOSECONDS = 10**9


def pack_status(status: Status) -> bytes:
    """Everything by which a change is noticed; no device number, which moves with snapshots."""
    try:
        return _PACKED.pack(
            status.st_mode,
            status.st_ino,
            status.st_nlink,
            status.st_uid,
            status.st_gid,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_rdev,
        )
    except struct.error:
        return _pack_wide(status)


def _pack_wide(status: Status) -> bytes:
    return _WIDE.pack(
        status.st_mode,
        status.st_ino,
        status.st_nlink,
        status.st_uid,
        status.st_gid,
        status.st_size,
        *divmod(status.st_mtime_ns, _NANOSECONDS),
        *divmod(status.st_ctime_ns, _NANOSECONDS),
        status.st_rdev,
    )


def unpack_status(packed: bytes) -> PackedStatus:
    if len(packed) == _PACKED.size:
        return PackedStatus(*_PACKED.unpack(packed))
    fields = _WIDE.unpack(packed)
    mtime, mtime_ns, ctime, ctime_ns, device = fields[6:]
    times = mtime * _NANOSECONDS + mtime_ns, ctime * _NANOSECONDS + ctime_ns
    return PackedStatus._make((*fields[:6], *times, device))


_TYPES: dict[int, NodeType] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFBLK: "dev",
    stat.S_IFCHR: "chardev",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


def node_type(mode: int) -> NodeType:
    return _TYPES.get(stat.S_IFMT(mode), "irregular")


# Go's os.FileMode: the bits above the permissions.
_GO_TYPE_BITS = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
}
_GO_SETUID, _GO_SETGID, _GO_STICKY = 1 << 23, 1 << 22, 1 << 20


@lru_cache(maxsize=1024)
def go_mode(mode: int) -> int:
    """Go's FileMode for a Unix st_mode."""
    bits = mode & 0o777 | _GO_TYPE_BITS.get(stat.S_IFMT(mode), 0)
    bits |= _GO_SETUID if mode & stat.S_ISUID else 0
    bits |= _GO_SETGID if mode & stat.S_ISGID else 0
    return bits | (_GO_STICKY if mode & stat.S_ISVTX else 0)


def unix_mode(mode: int) -> int:
    """The Unix permissions, set-id and sticky bits of Go's FileMode, without the type."""
    bits = mode & 0o777
    bits |= stat.S_ISUID if mode & _GO_SETUID else 0
    bits |= stat.S_ISGID if mode & _GO_SETGID else 0
    return bits | (stat.S_ISVTX if mode & _GO_STICKY else 0)


@lru_cache(maxsize=4096)
def user_name(uid: int) -> str:
    try:
        return _text(pwd.getpwuid(uid).pw_name)
    except (KeyError, OSError):
        return ""


@lru_cache(maxsize=4096)
def group_name(gid: int) -> str:
    try:
        return _text(grp.getgrgid(gid).gr_name)
    except (KeyError, OSError):
        return ""


def _text(name: str) -> str:
    """A name as JSON can hold it; that of a user may be in an old encoding."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def make_node(
    name: bytes,
    status: Status,
    *,
    payload: bytes = b"",
    attributes: Attributes | None = None,
    device: int = 0,
) -> Node:
    """A node; `payload` is a symlink's target or a file's blob ids, one after another.

    `device` is written for hard links only: it moves with remounts and snapshots, and would
    make every tree a new one (restic #3041). restic needs it to tell links from each other.
    """
    mode = status.st_mode
    kind = stat.S_IFMT(mode)
    mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
    mtime = format_time(mtime_ns)
    links = status.st_nlink if kind != stat.S_IFDIR else 0
    node = Node(
        name=quote(name),
        type=_TYPES.get(kind, "irregular"),
        mode=go_mode(mode),
        mtime=mtime,
        # Reading sets the access time; a tree with it would never be the same twice.
        atime=mtime,
        ctime=mtime if ctime_ns == mtime_ns else format_time(ctime_ns),
        uid=status.st_uid,
        gid=status.st_gid,
        user=user_name(status.st_uid),
        group=group_name(status.st_gid),
        inode=status.st_ino,
        device_id=device if links > 1 else 0,
        links=links,
        content=None,
    )
    if kind == stat.S_IFREG:
        node.size = status.st_size
        node.content = content_ids(payload)
    elif kind == stat.S_IFLNK:
        _set_target(node, payload)
    elif kind in (stat.S_IFBLK, stat.S_IFCHR):
        node.device = status.st_rdev
    if attributes:
        node.extended_attributes = [ExtendedAttribute(key, value) for key, value in attributes]
    return node


def content_ids(payload: bytes) -> list[str]:
    """Blob ids, one after another, as the list a node holds."""
    digits = payload.hex()
    return [digits[at : at + 64] for at in range(0, len(digits), 64)]


def _set_target(node: Node, target: bytes) -> None:
    try:
        node.linktarget = target.decode()
    except UnicodeDecodeError:
        node.linktarget = target.decode("utf-8", "replace")
        node.linktarget_raw = target


# The file system has none, or the file is gone meanwhile.
_WITHOUT_ATTRIBUTES = frozenset({errno.ENOTSUP, errno.ENOSYS, errno.EPERM, errno.ENOENT})
_GONE = frozenset({errno.ENODATA, errno.ENOENT})


def _ignore(_: OSError) -> None:
    """Nobody asked."""


def read_attributes(
    target: bytes | int, on_problem: Callable[[OSError], None] = _ignore
) -> Attributes:
    """All extended attributes, POSIX ACLs among them, sorted so that trees stay the same.

    `target` is a descriptor, or a name that is not followed if it is a link. An attribute that
    cannot be had is a problem to tell; the file itself is still worth keeping.
    """
    try:
        names = os.listxattr(target, follow_symlinks=isinstance(target, int))
    except OSError as err:
        if err.errno not in _WITHOUT_ATTRIBUTES:
            on_problem(err)
        return []
    if not names:
        return []
    return list(_values(target, sorted(names), on_problem))


def _values(
    target: bytes | int, names: list[str], on_problem: Callable[[OSError], None]
) -> Iterator[tuple[str, bytes]]:
    for name in names:
        try:
            # JSON holds no other names, and restic's trees have no place for them.
            name.encode()
            yield name, os.getxattr(target, name, follow_symlinks=isinstance(target, int))
        except UnicodeEncodeError:
            reason = _("the name of the extended attribute {name} is not UTF-8")
            on_problem(OSError(errno.EILSEQ, reason.format(name=quote(os.fsencode(name)))))
        except OSError as err:
            if err.errno not in _GONE:
                on_problem(err)
