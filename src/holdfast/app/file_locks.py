"""Locks of files. Whether somebody holds one the kernel is asked, for a try would be in their way."""

import fcntl
import os


def try_lock(descriptor: int) -> bool:
    """Whether it is ours now; it is freed when the descriptor is closed, however."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(file: str) -> bool:
    """By `flock`, of whichever process; an OSError where the kernel does not tell."""
    with open("/proc/locks", encoding="ascii") as stream:
        held = [line.split() for line in stream if " FLOCK " in line]
    try:
        name = _name(file)
    except FileNotFoundError:
        return False
    return any(name in words for words in held)


def _name(file: str) -> str:
    """Device and inode as /proc/locks has them: on btrfs and overlays not those of `stat`."""
    descriptor = os.open(file, os.O_PATH | os.O_CLOEXEC)
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as stream:
            told = dict(line.split(":", 1) for line in stream if ":" in line)
        inode = int(told.get("ino") or os.fstat(descriptor).st_ino)
    finally:
        os.close(descriptor)
    return f"{_device(told['mnt_id'].strip())}:{inode}"


def _device(mount: str) -> str:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as stream:
        for line in stream:
            number, _parent, device, *_rest = line.split()
            if number == mount:
                major, minor = device.split(":")
                return f"{int(major):02x}:{int(minor):02x}"
    raise OSError(f"no mount {mount}")
