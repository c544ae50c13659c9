"""Counts of what the state holds, for metrics."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from holdfast.catalog import workers
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Alert, Job, Machine

Rows = list[tuple[tuple[str, ...], int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    jobs: Rows
    machines: Rows
    alerts: Rows
    machines_seen: int
    workers: int
    bytes_stored: int


def count(db: Session, *, machines_since: datetime, workers_since: datetime) -> Figures:
    jobs = db.execute(select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state))
    machines = db.execute(select(Machine.state, func.count()).group_by(Machine.state))
    is_open = Alert.closed_at.is_(None)
    alerts = db.execute(
        select(Alert.severity, func.count()).where(is_open).group_by(Alert.severity)
    )
    seen = select(func.count()).select_from(Machine).where(Machine.last_seen_at >= machines_since)
    stored = db.scalar(select(func.sum(Machine.bytes_stored)))
    return Figures(
        jobs=[((kind, state), number) for kind, state, number in jobs],
        machines=[((state,), number) for state, number in machines],
        alerts=[((severity,), number) for severity, number in alerts],
        machines_seen=db.scalar(seen) or 0,
        workers=workers.seen_since(db, workers_since),
        bytes_stored=int(stored or 0),
    )
