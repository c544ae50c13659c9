"""A replication that is well, for tests that make one thing of it worse."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from holdfast.replication.cycles import Cycle, Outcome
from holdfast.replication.observed import Observed
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.states import Standing
from holdfast.replication.status import State

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADDRESS = SiteAddress(site="north", machine="m-1", host="north.example.org")


def settings(*, every: int = 300, **more: Any) -> ReplicationSettings:
    return ReplicationSettings(vm="u-1", name="web", to=ADDRESS, every=every, **more)


def cycle(due: datetime, outcome: Outcome = Outcome.SHIPPED, *, dirty: int = 1 << 20) -> Cycle:
    is_made = outcome in (Outcome.SHIPPED, Outcome.WAITING)
    return Cycle(
        due=due,
        begun=due,
        ended=due + timedelta(seconds=1),
        acked=due + timedelta(seconds=2) if outcome is Outcome.SHIPPED else None,
        outcome=outcome,
        generation=f"g{due.timestamp():.0f}" if is_made else "",
        dirty={"vda": dirty} if is_made else {},
        log_bytes=dirty if is_made else 0,
        shipped_bytes=dirty if outcome is Outcome.SHIPPED else 0,
        seconds=0.1 if outcome is Outcome.SHIPPED else 0.0,
    )


def cycles(*outcomes: Outcome, now: datetime = NOON, every: int = 300) -> tuple[Cycle, ...]:
    """One after another, the last one an interval ago."""
    count = len(outcomes)
    return tuple(
        cycle(now - timedelta(seconds=every * (count - number)), outcome)
        for number, outcome in enumerate(outcomes)
    )


def well(**changes: Any) -> Observed:
    base = Observed(
        settings=settings(),
        standing=Standing(state=State.REPLICATING),
        since=NOON - timedelta(days=1),
        cycles=cycles(*[Outcome.SHIPPED] * 12),
        latest_point="g1",
        latest_at=NOON - timedelta(minutes=5),
        latest_app_at=NOON - timedelta(minutes=30),
    )
    return replace(base, **changes)
