"""Which server processes run workflows, and when each was heard of."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Worker


def beat(db: Session, executor_id: str, *, version: str, now: datetime) -> None:
    """Say that this process is alive."""
    row = db.get(Worker, executor_id)
    if row is None:
        db.add(Worker(executor_id=executor_id, version=version, started_at=now, seen_at=now))
    else:
        row.version, row.seen_at = version, now


def begin(db: Session, executor_id: str, *, version: str, now: datetime) -> bool:
    """The same at the start of a process; whether its last life did not end in order."""
    has_died = db.get(Worker, executor_id) is not None
    beat(db, executor_id, version=version, now=now)
    db.flush()
    row = db.get(Worker, executor_id)
    assert row is not None
    row.started_at = now
    return has_died


def every(db: Session) -> Sequence[Worker]:
    """All that neither ended in order nor were taken over."""
    return db.scalars(select(Worker).order_by(Worker.executor_id)).all()


def lock(db: Session, executor_id: str) -> Worker | None:
    """The row, with no other survivor taking over from it until this transaction ends."""
    return db.get(Worker, executor_id, with_for_update=True, populate_existing=True)


def seen_since(db: Session, moment: datetime) -> int:
    found = db.scalar(select(func.count()).select_from(Worker).where(Worker.seen_at >= moment))
    return found or 0


def forget(db: Session, executor_id: str) -> None:
    """A process that ended in order, or one whose work was taken over."""
    db.execute(delete(Worker).where(Worker.executor_id == executor_id))
