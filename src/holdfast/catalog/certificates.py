"""Queries about machines' certificates."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Certificate, Machine

# Asked for by each request of each machine: built once, and without objects around its row.
_SHOWN = (
    select(Machine.id, Machine.name, Machine.state, Certificate.expires_at, Certificate.revoked_at)
    .join(Certificate, Certificate.machine_id == Machine.id)
    .where(Certificate.fingerprint == bindparam("shown"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A certificate and the machine it was given to."""

    machine_id: str
    name: str
    state: str
    expires_at: datetime
    revoked_at: datetime | None


def shown(db: Session, fingerprint: str) -> Shown | None:
    for machine_id, name, state, expires_at, revoked_at in db.connection().execute(
        _SHOWN, {"shown": fingerprint}
    ):
        return Shown(
            machine_id=machine_id,
            name=name,
            state=state,
            expires_at=expires_at,
            revoked_at=revoked_at,
        )
    return None


def of_machine(db: Session, machine_id: str) -> Sequence[Certificate]:
    """All that were ever given to it, the newest first."""
    query = select(Certificate).where(Certificate.machine_id == machine_id)
    return db.scalars(query.order_by(Certificate.issued_at.desc(), Certificate.fingerprint)).all()


def by_key(db: Session, key_hash: str) -> Sequence[Certificate]:
    return db.scalars(select(Certificate).where(Certificate.key_hash == key_hash)).all()


def good_until(db: Session, machine_ids: Collection[str], now: datetime) -> dict[str, datetime]:
    """Until when each machine that has a good certificate now has one."""
    query = select(Certificate.machine_id, func.max(Certificate.expires_at)).where(
        Certificate.machine_id.in_(machine_ids),
        Certificate.revoked_at.is_(None),
        Certificate.expires_at > now,
    )
    return {row[0]: row[1] for row in db.execute(query.group_by(Certificate.machine_id))}


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
