"""Queries about what is taken over from server processes that died."""

from collections.abc import Sequence

from sqlalchemy import select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Worker


def workers(db: Session) -> Sequence[Worker]:
    return db.scalars(select(Worker).order_by(Worker.executor_id)).all()


def lock_worker(db: Session, executor_id: str) -> Worker | None:
    """The row, with no other survivor taking over from it until this transaction ends."""
    return db.get(Worker, executor_id, with_for_update=True, populate_existing=True)
