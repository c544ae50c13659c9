"""How far behind replications were: a sample each minute, and of what is older one each hour."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from holdfast.catalog.database import Session
from holdfast.catalog.tables import ReplicationSample

MINUTE, HOUR = 60, 3600
# From good to bad: of an hour the worst is kept.
_HEALTHS = ("normal", "warning", "critical")


def add(db: Session, samples: Sequence[dict[str, Any]]) -> None:
    """One that is there already stays as it is: two servers may look at once."""
    if samples:
        dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
        statement = dialect.insert(ReplicationSample).on_conflict_do_nothing()
        db.connection().execute(statement, list(samples))


def since(db: Session, replication_id: str, moment: datetime) -> Sequence[ReplicationSample]:
    """The oldest first."""
    query = select(ReplicationSample).where(
        ReplicationSample.replication_id == replication_id, ReplicationSample.at >= moment
    )
    return db.scalars(query.order_by(ReplicationSample.at)).all()


def thin(db: Session, before: datetime) -> int:
    """Make one sample of each minute's of the oldest hour that ends before; how many there were."""
    is_minute = ReplicationSample.seconds == MINUTE
    oldest = db.scalar(
        select(func.min(ReplicationSample.at)).where(is_minute, ReplicationSample.at < before)
    )
    if oldest is None:
        return 0
    begin = oldest.replace(minute=0, second=0, microsecond=0)
    end = begin + timedelta(seconds=HOUR)
    if end > before:
        return 0
    within = (is_minute, ReplicationSample.at >= begin, ReplicationSample.at < end)
    found = db.scalars(select(ReplicationSample).where(*within)).all()
    hours = merged(found, begin)
    db.execute(delete(ReplicationSample).where(*within))
    db.execute(insert(ReplicationSample), hours)
    # The session may still hold the minute at the full hour under the key of the hour.
    db.expunge_all()
    return len(found)


def forget(db: Session, before: datetime) -> int:
    done = db.connection().execute(delete(ReplicationSample).where(ReplicationSample.at < before))
    return done.rowcount


def merged(samples: Iterable[ReplicationSample], begin: datetime) -> list[dict[str, Any]]:
    """The worst of each replication within an hour."""
    of: dict[str, list[ReplicationSample]] = defaultdict(list)
    for one in samples:
        of[one.replication_id].append(one)
    return [_worst(replication, found, begin) for replication, found in sorted(of.items())]


def _worst(
    replication_id: str, samples: Sequence[ReplicationSample], begin: datetime
) -> dict[str, Any]:
    behind = [one.rpo_seconds for one in samples if one.rpo_seconds is not None]
    return {
        "replication_id": replication_id,
        "at": begin,
        "seconds": HOUR,
        "rpo_seconds": max(behind, default=None),
        "queue_bytes": max(one.queue_bytes for one in samples),
        "health": max((one.health for one in samples), key=_rank),
        "is_heard": all(one.is_heard for one in samples),
    }


def _rank(health: str) -> int:
    return _HEALTHS.index(health) if health in _HEALTHS else len(_HEALTHS)
