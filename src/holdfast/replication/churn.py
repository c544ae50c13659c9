"""How fast a machine's disks change, as its cycles have measured it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from holdfast.replication.cycles import Cycle
from holdfast.replication.status import DiskChurn

HOUR = timedelta(hours=1)
# For the trend: what lasts shorter is no load, but a burst.
RECENT = timedelta(minutes=15)


def churn_of(
    cycles: Sequence[Cycle], now: datetime, *, window: timedelta = HOUR
) -> tuple[DiskChurn, ...]:
    """Bytes a second by disk, the busiest first; empty while there are no two cycles to tell by.

    What a cycle found was written since the one before, so that the first one of the window only
    says where the time begins.
    """
    taken = _taken(cycles, since=now - window)
    if len(taken) < 2:  # noqa: PLR2004  a time has two ends
        return ()
    seconds = (_instant(taken[-1]) - _instant(taken[0])).total_seconds()
    if seconds <= 0:
        # A clock was set back between them.
        return ()
    totals: dict[str, int] = {}
    for cycle in taken[1:]:
        for target, count in cycle.dirty.items():
            totals[target] = totals.get(target, 0) + count
    rates = [DiskChurn(target=t, dirty_bytes_per_second=n / seconds) for t, n in totals.items()]
    return tuple(sorted(rates, key=lambda each: (-each.dirty_bytes_per_second, each.target)))


def total(churn: Sequence[DiskChurn]) -> float:
    """Bytes a second over all disks."""
    return sum(each.dirty_bytes_per_second for each in churn)


def packing(cycles: Sequence[Cycle]) -> float:
    """Bytes in a log for each byte that was dirty: compression, zeros and what frames cost."""
    made = [cycle for cycle in cycles if cycle.generation and cycle.dirty_bytes]
    dirty = sum(cycle.dirty_bytes for cycle in made)
    return sum(cycle.log_bytes for cycle in made) / dirty if dirty else 1.0


def _taken(cycles: Sequence[Cycle], *, since: datetime) -> list[Cycle]:
    """Those that made a generation in the window, and the one before them."""
    made = [cycle for cycle in cycles if cycle.generation]
    early = [cycle for cycle in made if _instant(cycle) < since]
    return [*early[-1:], *(cycle for cycle in made if _instant(cycle) >= since)]


def _instant(cycle: Cycle) -> datetime:
    return cycle.begun or cycle.due
