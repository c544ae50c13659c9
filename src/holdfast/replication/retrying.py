"""What is tried again after a failure, when, and what a person must look at first.

1, 2, 4, 8 and 10 minutes, then every 30; a success begins it anew. What no waiting mends is not
tried again until somebody says `resume` or `resync`: a machine that is gone, a certificate that is
not accepted, a replica that somebody has written to.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from holdfast.base.errors import HoldfastError, Retry
from holdfast.fleet.retrying import LADDER, wait_after

# Their classes say `never`, since a command that is typed again at once fails again; in a process
# that runs for months, room is made and daemons come back.
PASSING = frozenset(
    {
        # A disk that fails is mended, or replaced.
        "disk-request-failed",
        "disk-server-ended",
        "hypervisor-failed",
        "hypervisor-full",
        "image-tool-failed",
        "image-unreadable",
        "vm-backup-not-ending",
        "vm-checkpoint-missing",
        # Unplugged between a look at the machine and its step.
        "vm-disk-missing",
        "vm-image-not-here",
        "vm-no-backup-running",
        "vm-not-running",
        "vm-scratch-unusable",
        "vm-tracking-lost",
        "vm-wrong-state",
    }
)
# While somebody waits for it at the other end: it may be mended by now.
HURRIED = (timedelta(seconds=5),)
# Never again by itself, whatever its class says.
HOPELESS = frozenset({"host-refused", "vm-half-restored", "vm-missing"})
# The machine was switched on or off meanwhile: looked at anew it is no failure, unless it stays so.
CHANGED = frozenset({"vm-not-running", "vm-started", "vm-went-away"})
_CHANGES = 3
_CHANGED_WAIT = timedelta(seconds=2)
# The code of what is no error of ours; it may be a full file system as well as a mistake in here.
UNEXPECTED = "unexpected-error"


class Tries(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Failures in a row; of none, all is empty."""

    failures: int = 0
    since: datetime | None = None
    code: str = ""
    sentence: str = ""
    next_at: datetime | None = None
    # Nothing more is tried until somebody says so.
    is_over: bool = False


NO_FAILURE = Tries()


def is_hopeless(error: BaseException) -> bool:
    """Whether no waiting can mend it."""
    if not isinstance(error, HoldfastError) or error.code in PASSING:
        return False
    return error.retry is Retry.NEVER or error.code in HOPELESS


def after_failure(
    tries: Tries, error: BaseException, now: datetime, *, waits: Sequence[timedelta] = LADDER
) -> Tries:
    """One failure more; `now` is when it was seen."""
    over = is_hopeless(error)
    tried = Tries(
        failures=tries.failures + 1,
        since=tries.since or now,
        code=error.code if isinstance(error, HoldfastError) else UNEXPECTED,
        sentence=str(error) or type(error).__name__,
        is_over=over,
    )
    next_at = None if over else now + _wait(tried, waits)
    return msgspec.structs.replace(tried, next_at=next_at)


def is_change(tries: Tries) -> bool:
    """Whether it rather is a machine that has just been switched on or off."""
    return tries.code in CHANGED and tries.failures <= _CHANGES


def _wait(tries: Tries, waits: Sequence[timedelta]) -> timedelta:
    return _CHANGED_WAIT if is_change(tries) else wait_after(tries.failures, waits)


def may_try(tries: Tries, now: datetime, *, waits: Sequence[timedelta] = LADDER) -> bool:
    """Whether the time has come; a clock that was set back does not make a wait longer."""
    if tries.is_over:
        return False
    if tries.next_at is None or now >= tries.next_at:
        return True
    return tries.next_at - now > _wait(tries, waits)
