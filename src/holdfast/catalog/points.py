"""Queries about recovery points, as their machines told of them."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Text, case, cast, delete, select, tuple_

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Point

# SQLite and PostgreSQL take only so many values in one statement.
_AT_ONCE = 500
# How the writer of a point marks its class; `machines.points.Consistency` has the names.
CLASS_MARK = "class:"
_OF_ITS_MACHINE = Machine.id == Point.machine_id
CLASSES = ("application", "filesystem", "crash")


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFilter:
    """Which points of which machines; None restricts nothing."""

    vault_id: str | None = None
    machine_id: str | None = None
    # A mark the points bear, as "vm:UUID".
    mark: str | None = None
    since: datetime | None = None
    before: datetime | None = None


class Placed(NamedTuple):
    """A point, and whose it is."""

    point: Point
    machine: str
    vault_id: str


class Glance(NamedTuple):
    """As little of a point as a calendar shows."""

    taken_at: datetime
    bytes_added: int | None
    # Empty: of files, or told by a machine that does not say.
    consistency: str


def over_machines(
    db: Session,
    wanted: PointFilter,
    *,
    vaults: Collection[str] | None,
    limit: int,
    before: tuple[datetime, str, str] | None = None,
) -> list[Placed]:
    """Newest first; `vaults` are those the caller may read, None: all. `before`: the last one seen."""
    place = (Point.taken_at, Point.id, Point.machine_id)
    query = select(Point, Machine.name, Machine.vault_id).join(Machine, _OF_ITS_MACHINE)
    query = (
        query.where(*_conditions(wanted, vaults))
        .order_by(*(one.desc() for one in place))
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(*place) < before)
    return [Placed(*row) for row in db.execute(query)]


def glances(
    db: Session, wanted: PointFilter, *, vaults: Collection[str] | None, limit: int
) -> list[Glance]:
    """Newest first, and no more of each than is looked at."""
    query = select(Point.taken_at, Point.bytes_added, _class()).join(Machine, _OF_ITS_MACHINE)
    query = query.where(*_conditions(wanted, vaults)).order_by(Point.taken_at.desc()).limit(limit)
    return [Glance(*row) for row in db.execute(query)]


def _conditions(
    wanted: PointFilter, vaults: Collection[str] | None
) -> Iterator[ColumnElement[bool]]:
    if wanted.vault_id is not None:
        yield Machine.vault_id == wanted.vault_id
    if wanted.machine_id is not None:
        yield Point.machine_id == wanted.machine_id
    if wanted.mark is not None:
        yield _bears(wanted.mark)
    if wanted.since is not None:
        yield Point.taken_at >= wanted.since
    if wanted.before is not None:
        yield Point.taken_at < wanted.before
    if vaults is not None:
        yield Machine.vault_id.in_(vaults)


def _bears(mark: str) -> ColumnElement[bool]:
    """Tags are a JSON list: one of them is there as it is written in JSON."""
    return cast(Point.tags, Text).contains(json.dumps(mark), autoescape=True)


def _class() -> ColumnElement[str]:
    return case(*((_bears(f"{CLASS_MARK}{name}"), name) for name in CLASSES), else_="")


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
