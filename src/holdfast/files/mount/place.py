"""The folder to mount on: what must hold before, and how to get a mount off it."""

import contextlib
import ctypes
import errno
import os
import shutil
from collections.abc import Callable, Iterator

from holdfast.base.texts import _
from holdfast.files.mount.errors import (
    AllowOtherDenied,
    FuseDenied,
    FuseDeviceMissing,
    FuseToolMissing,
    MountpointBusy,
    MountpointDenied,
    MountpointMissing,
    MountpointNotEmpty,
)

DEVICE = "/dev/fuse"
TOOL = "fusermount3"
CONFIG = "/etc/fuse.conf"
# How the mount table names our mounts: "fuse." and the subtype we mount with.
SUBTYPE = "holdfast"
_MNT_DETACH = 2
_MOUNTS = "/proc/self/mountinfo"


def prepare(mountpoint: bytes, *, allow_other: bool, warn: Callable[[str], None]) -> None:
    """Find what would stop a mount before the kernel does, since it would only give a number."""
    _require_device(DEVICE)
    if os.geteuid() != 0:
        _require_tools(allow_other=allow_other)
    kind = mounted_kind(mountpoint)
    if kind == f"fuse.{SUBTYPE}" and _is_dead(mountpoint):
        unmount(mountpoint)
        text = _("{mountpoint} held a mount of Holdfast whose process is gone; it was taken away")
        warn(text.format(mountpoint=os.fsdecode(mountpoint)))
        kind = mounted_kind(mountpoint)
    if kind is not None:
        raise MountpointBusy(mountpoint=os.fsdecode(mountpoint), kind=kind)
    _require_empty_folder(mountpoint)


def unmount(mountpoint: bytes) -> None:
    """Take the mount off at once, whoever still uses it; they get errors."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(mountpoint, _MNT_DETACH) and ctypes.get_errno() == errno.EPERM:
        # Only root may do that; for others FUSE has a set-uid helper.
        with contextlib.suppress(FileNotFoundError):
            words = [TOOL.encode(), b"-u", b"-z", b"-q", b"--", mountpoint]
            helper = os.posix_spawnp(TOOL, words, {})
            os.waitpid(helper, 0)


def mounted_kind(mountpoint: bytes) -> str | None:
    """The type of the file system that is mounted on exactly this folder, None if there is none."""
    kinds = [kind for path, kind in _mounts() if path == mountpoint]
    return kinds[-1] if kinds else None


def _mounts() -> Iterator[tuple[bytes, str]]:
    with open(_MOUNTS, "rb") as table:
        for line in table:
            head, _dash, tail = line.partition(b" - ")
            path = head.split(b" ")[4]
            # The table writes blanks, tabs, newlines and backslashes as octal escapes.
            for code in (b"040", b"011", b"012", b"134"):
                path = path.replace(b"\\" + code, bytes([int(code, 8)]))
            yield path, tail.split(b" ", 1)[0].decode()


def _is_dead(mountpoint: bytes) -> bool:
    try:
        # stat may be answered by what the kernel remembers; this never is.
        os.statvfs(mountpoint)
    except OSError as err:
        return err.errno in {errno.ENOTCONN, errno.ECONNABORTED}
    return False


def _require_device(device: str) -> None:
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except (FileNotFoundError, NotADirectoryError) as err:
        raise FuseDeviceMissing(device=device) from err
    except OSError as err:
        # ENODEV and ENXIO: the node is there, the module behind it is not.
        if err.errno in {errno.ENODEV, errno.ENXIO}:
            raise FuseDeviceMissing(device=device) from err
        raise FuseDenied(device=device, reason=err.strerror) from err


def _require_tools(*, allow_other: bool) -> None:
    if shutil.which(TOOL) is None:
        raise FuseToolMissing(tool=TOOL)
    if allow_other and not _others_allowed(CONFIG):
        raise AllowOtherDenied(config=CONFIG)


def _others_allowed(config: str) -> bool:
    try:
        with open(config, encoding="utf-8", errors="replace") as lines:
            return any(line.strip() == "user_allow_other" for line in lines)
    except OSError:
        return False


def _require_empty_folder(mountpoint: bytes) -> None:
    shown = os.fsdecode(mountpoint)
    try:
        empty = not os.listdir(mountpoint)
    except PermissionError as err:
        raise MountpointDenied(mountpoint=shown, reason=err.strerror) from err
    except OSError as err:
        raise MountpointMissing(mountpoint=shown, reason=err.strerror) from err
    if not empty:
        raise MountpointNotEmpty(mountpoint=shown)
    if not os.access(mountpoint, os.W_OK):
        raise MountpointDenied(mountpoint=shown, reason=os.strerror(errno.EACCES))
