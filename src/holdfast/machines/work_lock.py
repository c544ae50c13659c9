"""A lock that says who is at work: the kernel frees it however that process ends."""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """As it has written itself down; it may not have done so yet."""

    pid: object = "?"
    work: str = "?"
    age: str


@contextlib.contextmanager
def work_lock(
    file: str, clock: Clock, *, work: str, refused: Callable[[Holder], HoldfastError]
) -> Iterator[None]:
    """Hold it, or raise what `refused` makes of who does."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refused(_holder(descriptor, clock)) from None
        said = {"pid": os.getpid(), "work": work, "since": clock.now().isoformat()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(said).encode(), 0)
        yield
    finally:
        # The file stays: whoever removed it could remove another one's lock.
        os.close(descriptor)


def is_held(file: str) -> bool:
    """Whether some process holds it now; nothing is made or written, and nobody is named."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _holder(descriptor: int, clock: Clock) -> Holder:
    with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
        said = json.loads(os.pread(descriptor, 4096, 0))
        age = max(timedelta(0), clock.now() - datetime.fromisoformat(said["since"]))
        shown = format_duration(age.total_seconds())
        return Holder(pid=said["pid"], work=said["work"], age=shown)
    return Holder(age=format_duration(0))
