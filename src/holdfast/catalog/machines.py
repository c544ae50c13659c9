"""Queries about registered machines."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, select, tuple_

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Certificate, Machine, Point, ReadGrant, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    vault_id: str | None = None
    state: str | None = None
    name: str | None = None


def count_active(db: Session, vault_id: str) -> int:
    query = select(func.count()).where(Machine.vault_id == vault_id, Machine.state == "active")
    return db.scalar(query) or 0


def at_work() -> ColumnElement[bool]:
    """Registered, and not locked out: a machine that was revoked keeps its state and its data.

    A certificate that has merely ended was not taken back; that machine should be heard of.
    """
    held = exists().where(Certificate.machine_id == Machine.id, Certificate.revoked_at.is_(None))
    return and_(Machine.state == "active", held)


def is_at_work(db: Session, machine_id: str) -> bool:
    return db.scalar(select(Machine.id).where(Machine.id == machine_id, at_work())) is not None


def lock_vault(db: Session, vault_id: str) -> Vault | None:
    """The vault's row, held to the end of the transaction: who counts machines counts alone."""
    return db.get(Vault, vault_id, with_for_update=True)


def by_name(
    db: Session,
    wanted: Filter,
    *,
    limit: int,
    vaults: Collection[str] | None,
    after: tuple[str, str] | None,
) -> Sequence[Machine]:
    """Sorted by name and id; `vaults` are those the caller may read, None: all."""
    query = select(Machine).order_by(Machine.name, Machine.id).limit(limit)
    for name in ("vault_id", "state", "name"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(getattr(Machine, name) == value)
    if vaults is not None:
        query = query.where(Machine.vault_id.in_(vaults))
    if after is not None:
        query = query.where(tuple_(Machine.name, Machine.id) > after)
    return db.scalars(query).all()


def count_points(
    db: Session, machine_ids: Collection[str]
) -> dict[str, tuple[int, datetime | None]]:
    """How many points each machine told of, and when the newest was taken."""
    query = select(Point.machine_id, func.count(), func.max(Point.taken_at))
    found = db.execute(query.where(Point.machine_id.in_(machine_ids)).group_by(Point.machine_id))
    return {machine: (count, newest) for machine, count, newest in found}


def read_grants(db: Session, machine_id: str, now: datetime) -> Sequence[ReadGrant]:
    """Those that still hold."""
    query = select(ReadGrant).where(ReadGrant.machine_id == machine_id, ReadGrant.expires_at > now)
    return db.scalars(query.order_by(ReadGrant.granted_at)).all()


def read_grants_to(db: Session, reader_id: str, now: datetime) -> Sequence[ReadGrant]:
    """Whose recovery points a machine may read for a while."""
    query = select(ReadGrant).where(ReadGrant.reader_id == reader_id, ReadGrant.expires_at > now)
    return db.scalars(query.order_by(ReadGrant.granted_at)).all()
