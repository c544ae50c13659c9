"""Which file systems lie where, and which of them a backup does not walk into."""

import re
from collections.abc import Iterator
from enum import Enum

import msgspec

MOUNTINFO = "/proc/self/mountinfo"

_OCTAL = re.compile(rb"\\([0-7]{3})")

# Made by the kernel, with nothing in them that could be restored.
_PSEUDO = frozenset(
    b"autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl "
    b"hugetlbfs mqueue nsfs proc pstore ramfs rpc_pipefs securityfs selinuxfs sysfs tracefs".split()
)
# On another machine, which has a backup of its own, and may hang.
_REMOTE = frozenset(
    b"9p afs beegfs ceph cifs coda fuse.ceph fuse.cephfs fuse.glusterfs "
    b"fuse.rclone fuse.s3fs fuse.sshfs gfs2 glusterfs lustre ncpfs nfs nfs4 ocfs2 smb3 smbfs".split()
)

# One kernel has all of their folders in its hands. Named one by one: what is not known may be
# kept by a program or be shared with other machines.
_IN_STEP = frozenset(b"bcachefs btrfs exfat ext2 ext3 ext4 f2fs jfs tmpfs vfat xfs zfs".split())


class MountKind(Enum):
    LOCAL = "local"
    PSEUDO = "pseudo"
    REMOTE = "remote"


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One line of mountinfo; `root` is the part of the file system that is seen at `point`."""

    device: int
    root: bytes
    point: bytes
    kind: bytes
    source: bytes


def parse_mounts(content: bytes) -> Iterator[Mount]:
    """Yield the mounts, later ones cover earlier ones at the same point."""
    for line in content.splitlines():
        left, separator, right = line.partition(b" - ")
        fields, tail = left.split(), right.split()
        if not separator or len(fields) < 6 or len(tail) < 2:  # noqa: PLR2004  see proc(5)
            continue
        major, _, minor = fields[2].partition(b":")
        yield Mount(
            device=makedev(int(major), int(minor)),
            root=_unescaped(fields[3]),
            point=_unescaped(fields[4]),
            kind=tail[0],
            source=_unescaped(tail[1]),
        )


def makedev(major: int, minor: int) -> int:
    """What st_dev holds for a device number, as glibc packs it."""
    return (minor & 0xFF) | (major & 0xFFF) << 8 | (minor >> 8) << 20 | (major >> 12) << 44


def kind_of(file_system: bytes) -> MountKind:
    if file_system in _PSEUDO:
        return MountKind.PSEUDO
    return MountKind.REMOTE if file_system in _REMOTE else MountKind.LOCAL


def is_in_step(file_system: bytes) -> bool:
    """Whether all who use it see a file in its folder as soon as it is there."""
    return file_system in _IN_STEP


def read_mounts() -> list[Mount]:
    with open(MOUNTINFO, "rb") as source:
        return list(parse_mounts(source.read()))


def mount_of(path: bytes, mounts: list[Mount]) -> Mount | None:
    """The mount a path lies on, the topmost where several cover each other."""
    best: Mount | None = None
    for mount in mounts:
        prefix = mount.point.rstrip(b"/") + b"/"
        if (path + b"/").startswith(prefix) and (
            best is None or len(mount.point) >= len(best.point)
        ):
            best = mount
    return best


def _unescaped(text: bytes) -> bytes:
    return _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), text)
