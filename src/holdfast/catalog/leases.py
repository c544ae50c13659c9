"""Queries about leases: who may delete what retain or prune no longer needs."""

from datetime import datetime

from sqlalchemy import select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Lease, Machine


def active(db: Session, machine_id: str, now: datetime) -> Lease | None:
    query = select(Lease).where(
        Lease.machine_id == machine_id, Lease.released_at.is_(None), Lease.expires_at > now
    )
    return db.scalar(query.order_by(Lease.granted_at.desc()).limit(1))


def lock_machine(db: Session, machine_id: str) -> Machine | None:
    """The machine, with no second lease given to it until this transaction ends."""
    return db.get(Machine, machine_id, with_for_update=True, populate_existing=True)
