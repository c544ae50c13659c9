"""Whether a lock must be honoured. Every doubt is decided for the one who may still be working.

Wall clocks cannot be trusted: a clock that is ahead makes a fresh lock look old, one that was set
forward makes its holder look younger than its lock. So no lock of a process we cannot see goes by
wall time alone. A living holder renews its lock every five minutes, under a new name; that can be
watched with a clock that never jumps. The rules, first match wins:

- its process is known to have ended (same host): dead at once
- watched for longer than the stale time without a renewal: dead, whatever the clocks say
- it looks stale by wall time, or its process number belongs to a younger process, and it was
  watched for longer than one renewal takes: dead
- anything else, above all a lock from the future: honoured

That its process runs does not make a lock immortal: one who works under a lock renews it, or has
stopped by then. What is left is a file whose writing seemed to have failed, and it must not keep
an agent that runs for months from ever pruning.
"""

from datetime import timedelta
from enum import Enum

# restic's numbers: a holder renews this often, stops when it could not for so long, and is
# presumed dead after the last one.
RENEWED_EVERY = timedelta(minutes=5)
HOLDER_STOPS = timedelta(minutes=22, seconds=30)
STALE = timedelta(minutes=30)
# One renewal, and time for a slow storage to show it.
WATCH = timedelta(minutes=7)


class Process(Enum):
    """What this machine knows of the process that wrote a lock."""

    GONE = "gone"
    ALIVE = "alive"
    # Its number is in use by a process that seems to have started later.
    REPLACED = "replaced"
    # On another host, in another container, or not to be told apart.
    UNKNOWN = "unknown"


class Verdict(Enum):
    HONOUR = "honour"
    # Probably dead: watching it for a while will tell.
    WATCH = "watch"
    DEAD = "dead"


def judge_lock(process: Process, *, age: timedelta, unchanged: timedelta) -> Verdict:
    """Decide on a lock by its process, its age by wall time and how long we saw it unrenewed."""
    if process is Process.GONE:
        return Verdict.DEAD
    if unchanged >= STALE:
        return Verdict.DEAD
    if process is Process.REPLACED or age > STALE:
        return Verdict.DEAD if unchanged >= WATCH else Verdict.WATCH
    return Verdict.HONOUR
