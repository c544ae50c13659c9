"""Queries about deleted files that can still come back, and about repositories to be removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, ReadGrant, Trashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    machine_id: str
    since: datetime | None = None
    lease_id: str | None = None


def hidden_names(db: Session, machine_id: str) -> set[str]:
    return set(db.scalars(select(Trashed.name).where(Trashed.machine_id == machine_id)))


def page(db: Session, wanted: Filter, *, limit: int, after: str | None) -> Sequence[Trashed]:
    query = _matching(wanted).order_by(Trashed.name).limit(limit)
    if after is not None:
        query = query.where(Trashed.name > after)
    return db.scalars(query).all()


def _matching(wanted: Filter) -> Select[Trashed]:
    query = select(Trashed).where(Trashed.machine_id == wanted.machine_id)
    if wanted.since is not None:
        query = query.where(Trashed.deleted_at >= wanted.since)
    if wanted.lease_id is not None:
        query = query.where(Trashed.lease_id == wanted.lease_id)
    return query


def totals(db: Session, vault_id: str) -> list[tuple[str, int, int, datetime]]:
    """Machine, files, bytes, and when the first of them is purged."""
    query = (
        select(
            Trashed.machine_id,
            func.count(),
            func.sum(Trashed.size),
            func.min(Trashed.purge_at),
        )
        .join(Machine, Machine.id == Trashed.machine_id)
        .where(Machine.vault_id == vault_id)
        .group_by(Trashed.machine_id)
        .order_by(Trashed.machine_id)
    )
    return [(one, int(files), int(size), first) for one, files, size, first in db.execute(query)]


def take_back(db: Session, wanted: Filter, names: Sequence[str] | None) -> list[str]:
    """Remove the rows of files that nobody is removing yet; the names of those."""
    query = _matching(wanted).where(Trashed.purging_at.is_(None))
    if names is not None:
        query = query.where(Trashed.name.in_(names))
    found = db.scalars(query.with_for_update()).all()
    for row in found:
        db.delete(row)
    return [row.name for row in found]


def claim_due(
    db: Session, *, now: datetime, given_up: datetime, limit: int, without: Sequence[str] = ()
) -> list[tuple[str, str, int]]:
    """Files to remove for good, from now on ours: machine, name, size.

    One claimed before `given_up` belonged to a process that is gone.
    """
    free = or_(Trashed.purging_at.is_(None), Trashed.purging_at < given_up)
    query = (
        select(Trashed)
        .where(Trashed.purge_at <= now, free, Trashed.machine_id.not_in(without))
        .order_by(Trashed.purge_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = db.scalars(query).all()
    for row in rows:
        row.purging_at = now
    return [(row.machine_id, row.name, row.size) for row in rows]


def release(db: Session, machine_id: str, names: Sequence[str]) -> None:
    """What was claimed and could not be removed is for the next who tries."""
    db.execute(update(Trashed).where(*_named(machine_id, names)).values(purging_at=None))


def forget(db: Session, machine_id: str, names: Sequence[str]) -> list[int]:
    """The rows of removed files go; the sizes of those that were still there."""
    query = delete(Trashed).where(*_named(machine_id, names)).returning(Trashed.size)
    return list(db.scalars(query))


def _named(machine_id: str, names: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return Trashed.machine_id == machine_id, Trashed.name.in_(names)


def forget_all(db: Session, machine_id: str) -> None:
    db.execute(delete(Trashed).where(Trashed.machine_id == machine_id))


def machines_due(db: Session, now: datetime) -> list[str]:
    """Machines whose repository's days are over."""
    query = select(Machine.id).where(
        Machine.state.in_(("deleted", "purged")), Machine.purge_at <= now
    )
    return list(db.scalars(query))


def reader_grant(db: Session, machine_id: str, reader_id: str, now: datetime) -> ReadGrant | None:
    query = select(ReadGrant).where(
        ReadGrant.machine_id == machine_id,
        ReadGrant.reader_id == reader_id,
        ReadGrant.expires_at > now,
    )
    return db.scalar(query.limit(1))
