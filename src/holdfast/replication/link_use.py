"""What a replication needs of its link, what the link gives it, and what that can come to."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from holdfast.replication import churn as churning
from holdfast.replication.cycles import Cycle, throughput
from holdfast.replication.observed import Observed
from holdfast.replication.rpo import achievable, limit_at, pieces_of

_JUST = timedelta(minutes=10)


def need_of(seen: Observed, now: datetime) -> float:
    """Bytes a second its logs come to, as they go over the wire."""
    written = churning.total(churning.churn_of(seen.cycles, now))
    return written * churning.packing(seen.cycles)


def link_of(seen: Observed) -> float | None:
    """Bytes a second it can send now; None: it has not sent enough to know."""
    measured = measured_of(seen)
    if seen.limit is None or measured is None:
        return measured
    return min(measured, float(seen.limit))


def measured_of(seen: Observed) -> float | None:
    """What the link carried, whatever is allowed now."""
    return seen.throughput or throughput(seen.cycles) or None


def speed_of(seen: Observed, now: datetime, *, least: int = 0) -> float | None:
    """Bytes a second of what is under way, or of logs of at least this size that were just sent."""
    if seen.throughput is not None:
        return seen.throughput
    just = [
        cycle
        for cycle in seen.cycles
        if cycle.acked is not None and now - cycle.acked < _JUST and cycle.shipped_bytes >= least
    ]
    return throughput(just) if just else None


def limit_ends(seen: Observed, now: datetime) -> datetime | None:
    """Until when at least what may be sent now is what it is."""
    if seen.limit is None:
        return None
    return limit_at(seen.settings.limits, now, seen.zone)[1]


def achievable_of(seen: Observed, now: datetime) -> float | None:
    """The greatest RPO of the day to come; None while there is nothing to reckon with."""
    link = measured_of(seen)
    if link is None or not churning.churn_of(seen.cycles, now):
        return None
    return achievable(
        churn=need_of(seen, now),
        link=link,
        every=float(seen.settings.every),
        overhead=_overhead(seen.cycles),
        pieces=pieces_of(seen.settings.limits, now, seen.zone),
    )


def _overhead(cycles: Sequence[Cycle]) -> float:
    """What a step takes at the source, in the mean."""
    times = [
        (cycle.ended - cycle.begun).total_seconds()
        for cycle in cycles
        if cycle.generation and cycle.ended is not None and cycle.begun is not None
    ]
    return max(0.0, sum(times) / len(times)) if times else 0.0
