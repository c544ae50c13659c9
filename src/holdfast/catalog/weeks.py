"""Queries about a stretch of time: what ended, what failed, how far behind replicas were."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, func, or_, select

from holdfast.catalog import overview
from holdfast.catalog.database import Session
from holdfast.catalog.tables import (
    Alert,
    Job,
    Machine,
    Point,
    ReplicationSample,
)

Vaults = Collection[str] | None
_GOOD = ("done", "warnings")
_BAD = ("failed", "lost")
_NORMAL = "normal"
# What is wrong in more ways than that nobody reads through.
_MOST_FAILURES = 5_000
_MOST_ALERTS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    begin: datetime
    end: datetime


class Place(NamedTuple):
    """What did or did not go well: the same work on the same thing."""

    machine_id: str | None
    kind: str
    source: str


def counts(db: Session, span: Span, vaults: Vaults) -> dict[tuple[str, str], int]:
    """How many jobs ended, by kind and state."""
    query = select(Job.kind, Job.state, func.count()).where(*_ended(span, vaults))
    return {(kind, state): n for kind, state, n in db.execute(query.group_by(Job.kind, Job.state))}


def proving(db: Session, span: Span, vaults: Vaults) -> dict[str, int]:
    """How many jobs ended, by kind, of which those of some kinds show that something comes back."""
    query = select(Job.kind, func.count()).where(*_ended(span, vaults), *overview.proving())
    return {row[0]: row[1] for row in db.execute(query.group_by(Job.kind))}


def failures(db: Session, span: Span, vaults: Vaults) -> Sequence[Row[tuple[Any, ...]]]:
    """Jobs that failed or were lost, the newest first, with `machine`."""
    query = (
        select(
            *(Job.id, Job.machine_id, Job.kind, Job.source, Job.state, Job.ended_at),
            *(Job.error, Job.finding),
            Machine.name.label("machine"),
        )
        .outerjoin(Machine, Machine.id == Job.machine_id)
        .where(*_ended(span, vaults), Job.state.in_(_BAD))
    )
    return db.execute(query.order_by(Job.ended_at.desc(), Job.id).limit(_MOST_FAILURES)).all()


def last_good(db: Session, since: datetime, vaults: Vaults) -> dict[Place, datetime]:
    """When each work was done well last, of those that were done since."""
    query = select(Job.machine_id, Job.kind, Job.source, func.max(Job.ended_at))
    query = query.where(Job.ended_at >= since, Job.state.in_(_GOOD), *_of(Job.vault_id, vaults))
    rows = db.execute(query.group_by(Job.machine_id, Job.kind, Job.source))
    return {Place(row[0], row[1], row[2]): row[3] for row in rows if row[3] is not None}


def added(
    db: Session, span: Span, vaults: Vaults, *, limit: int
) -> list[tuple[str, str, int, int]]:
    """Machines whose points added most: id, name, bytes and how many points."""
    size = func.sum(Point.bytes_added)
    query = (
        select(Machine.id, Machine.name, size, func.count())
        .join(Point, Point.machine_id == Machine.id)
        .where(Point.taken_at >= span.begin, Point.taken_at < span.end)
        .where(Point.bytes_added.is_not(None), *_of(Machine.vault_id, vaults))
        .group_by(Machine.id, Machine.name)
        .order_by(size.desc(), Machine.name)
        .limit(limit)
    )
    return [(row[0], row[1], int(row[2] or 0), row[3]) for row in db.execute(query)]


def points_taken(db: Session, span: Span, vaults: Vaults) -> int:
    query = select(func.count()).select_from(Point).join(Machine, Machine.id == Point.machine_id)
    query = query.where(Point.taken_at >= span.begin, Point.taken_at < span.end)
    return db.scalar(query.where(*_of(Machine.vault_id, vaults))) or 0


class Behind(NamedTuple):
    """A replication over a stretch of time, by its samples."""

    replication_id: str
    worst: float | None
    # Seconds that samples stand for, and of those in which it was not well, or not heard of.
    seconds: int
    unwell: int


def behind(db: Session, span: Span) -> dict[str, Behind]:
    """By replication; samples of a minute and of an hour are weighed by how long they stand for."""
    one = ReplicationSample
    seconds = func.sum(one.seconds)
    is_within = (one.at >= span.begin, one.at < span.end)
    query = select(one.replication_id, func.max(one.rpo_seconds), seconds).where(*is_within)
    is_unwell = or_(one.health != _NORMAL, one.is_heard.is_(False))
    unwell = select(one.replication_id, seconds).where(*is_within, is_unwell)
    bad = {row[0]: int(row[1] or 0) for row in db.execute(unwell.group_by(one.replication_id))}
    rows = db.execute(query.group_by(one.replication_id))
    return {row[0]: Behind(row[0], row[1], int(row[2] or 0), bad.get(row[0], 0)) for row in rows}


def alerts_of(
    db: Session, span: Span, vaults: Vaults, *, kinds: Collection[str]
) -> Sequence[Alert]:
    """Those of these kinds that were first seen then, the oldest first."""
    query = select(Alert).where(Alert.first_at >= span.begin, Alert.first_at < span.end)
    query = query.where(Alert.kind.in_(kinds), *_of(Alert.vault_id, vaults))
    return db.scalars(query.order_by(Alert.first_at, Alert.id).limit(_MOST_ALERTS)).all()


def _ended(span: Span, vaults: Vaults) -> list[ColumnElement[bool]]:
    within = [Job.ended_at >= span.begin, Job.ended_at < span.end]
    return [*within, *_of(Job.vault_id, vaults)]


def _of(column: Any, vaults: Vaults) -> list[ColumnElement[bool]]:
    return [] if vaults is None else [column.in_(vaults)]
