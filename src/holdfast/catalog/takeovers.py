"""Queries about what is taken over from server processes that died."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Setting, Worker

_PREFIX = "takeovers:"


def workers(db: Session) -> Sequence[Worker]:
    return db.scalars(select(Worker).order_by(Worker.executor_id)).all()


def lock_worker(db: Session, executor_id: str) -> Worker | None:
    """The row, with no other survivor taking over from it until this transaction ends."""
    return db.get(Worker, executor_id, with_for_update=True, populate_existing=True)


def count_takeover(db: Session, workflow_id: str) -> int:
    """Once more; how often it was."""
    row = db.get(Setting, _PREFIX + workflow_id, with_for_update=True)
    if row is None:
        db.add(Setting(key=_PREFIX + workflow_id, value={"count": 1}))
        return 1
    row.value = {"count": int(row.value["count"]) + 1}
    return int(row.value["count"])


def forget_takeovers(db: Session, workflow_ids: Sequence[str]) -> None:
    keys = [_PREFIX + one for one in workflow_ids]
    db.execute(delete(Setting).where(Setting.key.in_(keys)))
