"""The folder a restore writes below: made, opened, locked, and asked for its room."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator

from holdfast.base.clock import Clock
from holdfast.base.units import format_size
from holdfast.files.restore.errors import (
    TargetBusy,
    TargetTooSmall,
    TargetUnusable,
    raise_if_fatal,
)

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# How long the workers of a restore that was killed may take to notice.
_PATIENCE, _PAUSE = 5.0, 0.05
MISSING = -1


@contextlib.contextmanager
def opened_target(target: bytes, *, clock: Clock, dry_run: bool) -> Iterator[int]:
    """A descriptor of the target, ours alone; MISSING where a dry run must not make it.

    Workers inherit it, and with it the lock: it ends with the last of them.
    """
    descriptor = _open(target, make=not dry_run)
    try:
        if not dry_run:
            _lock(descriptor, target, clock)
        yield descriptor
    finally:
        if descriptor != MISSING:
            os.close(descriptor)


def _open(target: bytes, *, make: bool) -> int:
    try:
        if make:
            os.makedirs(target, 0o700, exist_ok=True)
        return os.open(target, _FLAGS)
    except FileNotFoundError:
        return MISSING
    except OSError as err:
        raise_if_fatal(err, target)
        raise TargetUnusable(target=_shown(target), reason=err.strerror) from err


def _lock(descriptor: int, target: bytes, clock: Clock) -> None:
    ends = clock.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            if clock.monotonic() >= ends:
                raise TargetBusy(target=_shown(target)) from err
            clock.sleep(_PAUSE)
            continue
        except OSError as err:
            # Some network file systems have no locks; the others protect most people.
            if err.errno not in (errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):
                raise
        return


def has_room(descriptor: int, needed: int) -> bool:
    return needed <= _free(descriptor)


def require_room(descriptor: int, target: bytes, needed: int) -> None:
    """Say before the work that it cannot end well. What is there already counts as room."""
    free = _free(descriptor)
    if needed <= free + _used_below(descriptor):
        return
    raise TargetTooSmall(
        target=_shown(target), free=format_size(free), needed=format_size(needed - free)
    )


def _free(descriptor: int) -> int:
    found = os.fstatvfs(descriptor)
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    return blocks * found.f_frsize


def _used_below(descriptor: int) -> int:
    """What lies below the target, as far as it is looked at without following anything."""
    used = 0
    for _, _, files, folder in os.fwalk(b".", dir_fd=descriptor):
        for name in files:
            with contextlib.suppress(OSError):
                used += os.stat(name, dir_fd=folder, follow_symlinks=False).st_blocks * 512
    return used


def _shown(target: bytes) -> str:
    return target.decode(errors="backslashreplace")
