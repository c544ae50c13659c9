"""Queries about recovery points, as their machines told of them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Point

# SQLite and PostgreSQL take only so many values in one statement.
_AT_ONCE = 500


def of_machine(db: Session, machine_id: str) -> Sequence[Point]:
    """Newest first."""
    query = select(Point).where(Point.machine_id == machine_id)
    return db.scalars(query.order_by(Point.taken_at.desc(), Point.id.desc())).all()


def replace_all(db: Session, machine_id: str, told: Mapping[str, Point]) -> tuple[int, int]:
    """Leave exactly these, by their ids; how many are new, and how many are gone."""
    here = {point.id: point for point in of_machine(db, machine_id)}
    gone = sorted(here.keys() - told.keys())
    mine = Point.machine_id == machine_id
    for start in range(0, len(gone), _AT_ONCE):
        db.execute(delete(Point).where(mine, Point.id.in_(gone[start : start + _AT_ONCE])))
    for id_, point in told.items():
        known = here.get(id_)
        if known is None:
            db.add(point)
        elif point.bytes_total is not None or point.tags != known.tags:
            _update(known, point)
    return len(told.keys() - here.keys()), len(gone)


def _update(known: Point, told: Point) -> None:
    """A point never changes but for its tags; sizes are told by the backup alone."""
    known.tags = told.tags
    if told.bytes_total is not None:
        known.bytes_total, known.bytes_added = told.bytes_total, told.bytes_added
