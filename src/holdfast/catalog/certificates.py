"""Queries about machines' certificates."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Certificate


def of_machine(db: Session, machine_id: str) -> Sequence[Certificate]:
    """All that were ever given to it, the newest first."""
    query = select(Certificate).where(Certificate.machine_id == machine_id)
    return db.scalars(query.order_by(Certificate.issued_at.desc(), Certificate.fingerprint)).all()


def by_key(db: Session, key_hash: str) -> Sequence[Certificate]:
    return db.scalars(select(Certificate).where(Certificate.key_hash == key_hash)).all()


def newest_good(db: Session, machine_ids: Collection[str], now: datetime) -> dict[str, Certificate]:
    """For each machine the certificate that lasts longest, if one is good now."""
    query = select(Certificate).where(
        Certificate.machine_id.in_(machine_ids),
        Certificate.revoked_at.is_(None),
        Certificate.expires_at > now,
    )
    return {one.machine_id: one for one in db.scalars(query.order_by(Certificate.expires_at))}


def revoke(
    db: Session,
    machine_id: str,
    *,
    at: datetime,
    reason: str,
    except_key: str | None = None,
    except_fingerprint: str | None = None,
) -> None:
    """Take all back that are still good, but those named."""
    query = update(Certificate).where(
        Certificate.machine_id == machine_id, Certificate.revoked_at.is_(None)
    )
    if except_key is not None:
        query = query.where(Certificate.key_hash != except_key)
    if except_fingerprint is not None:
        query = query.where(Certificate.fingerprint != except_fingerprint)
    db.execute(query.values(revoked_at=at, reason=reason))
