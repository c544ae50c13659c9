"""Modes, owners, times, extended attributes and ACLs that a careless restore gets wrong."""

import os
import stat
import struct
from collections.abc import Iterable
from functools import partial

from holdfast.testing.plot import Plot

MODES = (0o000, 0o001, 0o400, 0o200, 0o644, 0o755, 0o777, 0o1644, 0o2755, 0o4755, 0o7777)
FOLDER_MODES = (0o000, 0o500, 0o700, 0o755, 0o1777, 0o2775, 0o7777)
# Root, a user with a name, nobody, two without names, the largest id there is.
OWNERS = ((0, 0), (1, 2), (65534, 65534), (123456, 654321), (0, 99999), (2**32 - 2, 2**32 - 2))
TIMES_NS = {
    "epoch": 0,
    "one-ns": 1,
    "minus-one-ns": -1,
    "odd-ns": 1_234_567_890_123_456_789,
    "last-ns": 1_000_000_000_999_999_999,
    "before-1970": -5_000_000_001,
    "1902": -2_140_000_000_123_456_789,
    "after-2038": 2_147_483_648_000_000_007,
    "after-2106": 4_294_967_296_987_654_321,
}

_ANYONE = 0xFFFFFFFF
_OWNER, _USER, _GROUP, _NAMED_GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_ACCESS, _DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
_CAP_NET_BIND = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)  # VFS_CAP_REVISION_2


def build_modes(plot: Plot) -> None:
    for mode in MODES:
        os.chmod(plot.file(f"file-{mode:04o}"), mode)
    for mode in FOLDER_MODES:
        folder = plot.folder(f"folder-{mode:04o}")
        plot.file(os.path.join(folder, b"inside"))
        # Someone without root could never clean up a folder that forbids everything.
        if os.geteuid() == 0 or mode & stat.S_IRWXU == stat.S_IRWXU:
            os.chmod(folder, mode)


def build_owners(plot: Plot) -> None:
    for uid, gid in OWNERS:
        name = f"{uid}-{gid}"
        file, folder, link = (
            plot.file(f"file-{name}"),
            plot.folder(f"folder-{name}"),
            f"link-{name}",
        )
        os.symlink(b"file", plot.at(link))
        for path in (file, folder, plot.at(link)):
            chown = partial(os.chown, path, uid, gid, follow_symlinks=False)
            plot.attempt(f"owner {name}", chown)
        # A change of owner drops setuid, so a restore has to set the mode after it.
        plot.attempt(f"setuid of {name}", partial(os.chmod, file, 0o6755))


def build_times(plot: Plot) -> None:
    for name, when in TIMES_NS.items():
        folder, link = plot.folder(f"folder-{name}"), plot.at(f"link-{name}")
        plot.file(os.path.join(folder, b"inside"))
        os.symlink(b"file", link)
        for path in (plot.file(f"file-{name}"), folder, link):
            set_times = partial(os.utime, path, ns=(when, when), follow_symlinks=False)
            plot.attempt(f"time {name}", set_times)


def build_xattrs(plot: Plot) -> None:
    for path in (plot.file("file"), plot.folder("folder")):
        _set(plot, path, "user.text", b"value")
        _set(plot, path, "user.empty", b"")
        _set(plot, path, "user.binary", bytes(range(256)))
        _set(plot, path, "user.name \u00e9\n<&", b"odd name")
        _set(plot, path, "trusted.holdfast", b"only root sees me\0")
    _set(plot, plot.file("large"), "user.large", b"x" * 3000)
    _set(plot, plot.file("program"), "security.capability", _CAP_NET_BIND)
    os.symlink(b"file", plot.at("link"))
    _set(plot, plot.at("link"), "trusted.on-the-link", b"not on its target")
    os.chmod(plot.file("read-only"), 0o400)
    _set(plot, plot.at("read-only"), "user.text", b"on a read-only file")


def build_acls(plot: Plot) -> None:
    named = [(_OWNER, 7, _ANYONE), (_USER, 6, 123456), (_GROUP, 5, _ANYONE)]
    ends = [(_NAMED_GROUP, 4, 654321), (_MASK, 7, _ANYONE), (_OTHER, 0, _ANYONE)]
    large = [(_USER, 4, uid) for uid in range(1000, 1020)]
    _set(plot, plot.file("file"), _ACCESS, pack_acl(named + ends))
    _set(plot, plot.file("many"), _ACCESS, pack_acl(named[:1] + large + named[2:] + ends))
    _set(plot, plot.folder("folder"), _ACCESS, pack_acl(named + ends))
    _set(plot, plot.folder("inherits"), _DEFAULT, pack_acl(named + ends))
    # Made below a default ACL, so both carry an ACL that nobody set on them.
    plot.file("inherits/file")
    plot.folder("inherits/folder")


def pack_acl(entries: Iterable[tuple[int, int, int]]) -> bytes:
    """Pack (tag, permissions, id) as the kernel's system.posix_acl_* value, version 2."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def _set(plot: Plot, path: bytes, name: str, value: bytes) -> None:
    plot.attempt(name, partial(os.setxattr, path, name, value, follow_symlinks=False))
