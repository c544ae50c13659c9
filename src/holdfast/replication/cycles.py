"""What is remembered of the cycles of one replication: enough to judge the last hours by.

A cycle is kept when what was taken in it is at the other site within two intervals. One whose turn
came while another still ran, whose data went with a later one, or that failed, is missed. Pauses that a person has asked for are not in it at all.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

# At 30 seconds, two hours; at a quarter of an hour, more than a day.
MOST = 256
_OLDEST = timedelta(days=2)
# A clock that was so far ahead when something ran was wrong then.
_IMPLAUSIBLE = timedelta(hours=1)
# Fewer say nothing about a share.
LEAST_JUDGED = 4
WINDOW = timedelta(hours=1)
# At a quarter of an hour, an hour has four of them; three hours judge better.
_LEAST_CYCLES = 12


class Outcome(StrEnum):
    RUNNING = "running"
    # In the spool, and not yet acknowledged.
    WAITING = "waiting"
    SHIPPED = "shipped"
    # Its data went with that of a later cycle; no point of its instant is there.
    MERGED = "merged"
    FAILED = "failed"
    # Never begun: another one still ran, or this machine slept.
    MISSED = "missed"


# The holder of the record was killed in the middle.
INTERRUPTED = "interrupted"


class Cycle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`due` names it; a generation is what was made in it."""

    due: datetime
    begun: datetime | None = None
    # Spooled, failed, or found to be missed.
    ended: datetime | None = None
    acked: datetime | None = None
    outcome: Outcome = Outcome.RUNNING
    generation: str = ""
    code: str = ""
    # The code of what it had to wait for, as a backup of the same machine.
    delayed: str = ""
    # Bytes by disk, as read; a log may hold less, since zeros are none, and it is compressed.
    dirty: dict[str, int] = {}
    log_bytes: int = 0
    # On the wire, and how long that took.
    shipped_bytes: int = 0
    seconds: float = 0.0

    @property
    def dirty_bytes(self) -> int:
        return sum(self.dirty.values())

    def is_missed(self, now: datetime, every: timedelta) -> bool:
        """One that is there, or may still come, is missed when that takes two intervals."""
        if self.outcome in (Outcome.RUNNING, Outcome.WAITING, Outcome.SHIPPED):
            return (self.acked or now) - self.due > 2 * every
        return True


def pruned(cycles: Iterable[Cycle], now: datetime) -> tuple[Cycle, ...]:
    """The newest of them, the oldest first, none from a time that cannot be."""
    first, last = now - _OLDEST, now + _IMPLAUSIBLE
    return tuple(cycle for cycle in cycles if first <= cycle.due <= last)[-MOST:]


def window_of(cycles: Sequence[Cycle], now: datetime, every: timedelta) -> tuple[Cycle, ...]:
    """Those of the last hour, or as long as twelve intervals take."""
    since = now - max(WINDOW, _LEAST_CYCLES * every)
    return tuple(cycle for cycle in cycles if cycle.due >= since)


def missed_share(cycles: Sequence[Cycle], now: datetime, every: timedelta) -> float:
    """Of the window; none while there are too few to judge by."""
    seen = window_of(cycles, now, every)
    if len(seen) < LEAST_JUDGED:
        return 0.0
    return missed_in(seen, now, every) / len(seen)


def missed_in(cycles: Iterable[Cycle], now: datetime, every: timedelta) -> int:
    return sum(cycle.is_missed(now, every) for cycle in cycles)


def last_success(cycles: Iterable[Cycle]) -> datetime | None:
    return max((cycle.acked for cycle in cycles if cycle.acked is not None), default=None)


def well_until(cycles: Iterable[Cycle], since: datetime, latest_at: datetime | None) -> datetime:
    """The last success; before there is one, when it began, or the newest point that is there."""
    return max(filter(None, (last_success(cycles), since, latest_at)))


def log_sizes(cycles: Iterable[Cycle]) -> tuple[float, int]:
    """The mean and the greatest of the logs that were made."""
    sizes = [cycle.log_bytes for cycle in cycles if cycle.generation]
    return (sum(sizes) / len(sizes), max(sizes)) if sizes else (0.0, 0)


def throughput(cycles: Iterable[Cycle]) -> float:
    """Bytes a second while something was sent; 0 when nothing was."""
    sent = [(cycle.shipped_bytes, cycle.seconds) for cycle in cycles if cycle.seconds > 0]
    seconds = sum(each for _bytes, each in sent)
    return sum(size for size, _seconds in sent) / seconds if seconds else 0.0
