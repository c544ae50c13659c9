"""Mounts that nobody else sees, and that are gone when this process is, however it ends."""

import contextlib
import ctypes
import os
from collections.abc import Iterator
from functools import cache

from holdfast.machines.inside_errors import InsideNeedsRoot

# unshare(2), mount(2).
_NEW_MOUNTS, _OWN_FOLDERS = 0x00020000, 0x00000200
_PRIVATE = 1 << 18 | 1 << 14


@contextlib.contextmanager
def private_mounts() -> Iterator[None]:
    """For this thread and what it starts: what is mounted in the block is mounted nowhere else."""
    home = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _call("unshare", _NEW_MOUNTS)
        try:
            _call("mount", b"none", b"/", None, _PRIVATE, None)
            yield
        finally:
            # A thread that was begun in here, and has not quite ended, would keep us here.
            _call("unshare", _OWN_FOLDERS)
            _call("setns", home, _NEW_MOUNTS)
            # That went to the root folder.
            os.fchdir(here)
    finally:
        os.close(home)
        os.close(here)


def _call(name: str, *arguments: object) -> None:
    # Flags are longs: an int that is too short would be read beyond its end.
    given = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    if getattr(_libc(), name)(*given) != 0:
        raise InsideNeedsRoot(reason=f"{name}: {os.strerror(ctypes.get_errno())}")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
