"""Queries about alerts, where they go, and what is silenced."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import (
    Alert,
    AlertSuppression,
    AlertTarget,
    Assignment,
    Job,
    Machine,
    Point,
    Vault,
)


def open_by_key(db: Session, key: str) -> Alert | None:
    return db.scalar(select(Alert).where(Alert.key == key, Alert.closed_at.is_(None)))


def open_like(db: Session, prefix: str) -> Sequence[Alert]:
    """Every open alert whose key begins so."""
    begins = Alert.key.startswith(prefix, autoescape=True)
    return db.scalars(select(Alert).where(begins, Alert.closed_at.is_(None))).all()


def unsent(db: Session, limit: int) -> Sequence[Alert]:
    waiting = Alert.sent_at.is_(None), Alert.suppressed_by.is_(None)
    return db.scalars(select(Alert).where(*waiting).order_by(Alert.first_at).limit(limit)).all()


def matching_suppression(
    db: Session, *, kind: str, vault_id: str | None, machine_id: str | None, now: datetime
) -> AlertSuppression | None:
    rule = AlertSuppression
    return db.scalar(
        select(rule)
        .where(
            or_(rule.kind.is_(None), rule.kind == kind),
            or_(rule.vault_id.is_(None), rule.vault_id == vault_id),
            or_(rule.machine_id.is_(None), rule.machine_id == machine_id),
            or_(rule.until.is_(None), rule.until > now),
        )
        .limit(1)
    )


def listed(
    db: Session, *, vaults: frozenset[str] | None, is_open: bool | None, after: str, limit: int
) -> Sequence[Alert]:
    """Newest first; `vaults` None is all of them, `after` the id of the last one seen."""
    query = select(Alert).order_by(Alert.first_at.desc(), Alert.id.desc()).limit(limit)
    if vaults is not None:
        query = query.where(Alert.vault_id.in_(vaults))
    if is_open is not None:
        query = query.where(Alert.closed_at.is_(None) if is_open else Alert.closed_at.is_not(None))
    last = db.get(Alert, after) if after else None
    if last:
        older = Alert.first_at < last.first_at
        same = (Alert.first_at == last.first_at) & (Alert.id < last.id)
        query = query.where(older | same)
    return db.scalars(query).all()


def count_open(db: Session) -> dict[str, int]:
    """How many are open, by severity."""
    query = select(Alert.severity, func.count()).where(Alert.closed_at.is_(None))
    rows = db.execute(query.group_by(Alert.severity))
    return {row[0]: row[1] for row in rows}


def targets(db: Session) -> Sequence[AlertTarget]:
    return db.scalars(select(AlertTarget).order_by(AlertTarget.name)).all()


def suppressions(db: Session) -> Sequence[AlertSuppression]:
    return db.scalars(select(AlertSuppression).order_by(AlertSuppression.id)).all()


def without_points_since(db: Session, moment: datetime) -> Sequence[tuple[Machine, datetime]]:
    """Protected machines whose last point, or else their registration, is before this moment."""
    newest = (
        select(Point.machine_id, func.max(Point.taken_at).label("at"))
        .group_by(Point.machine_id)
        .subquery()
    )
    protected = select(Assignment.machine_id).where(Assignment.is_paused.is_(False))
    last = func.coalesce(newest.c.at, Machine.registered_at)
    query = (
        select(Machine, newest.c.at)
        .outerjoin(newest, newest.c.machine_id == Machine.id)
        .where(Machine.state == "active", Machine.id.in_(protected), last < moment)
    )
    return [(machine, at or machine.registered_at) for machine, at in db.execute(query)]


def silent_since(db: Session, moment: datetime) -> Sequence[Machine]:
    silent = Machine.state == "active", Machine.last_seen_at < moment
    return db.scalars(select(Machine).where(*silent)).all()


def purged_before(db: Session, moment: datetime) -> list[Machine | Vault]:
    """What was deleted and will be gone for good by then."""
    machines = db.scalars(
        select(Machine).where(Machine.state == "deleted", Machine.purge_at < moment)
    )
    vaults = db.scalars(select(Vault).where(Vault.deleted_at.is_not(None), Vault.purge_at < moment))
    return [*machines, *vaults]


def was_told(db: Session, kind: str, vault_id: str | None, machine_id: str | None) -> bool:
    query = select(Alert.id).where(
        Alert.kind == kind, Alert.vault_id == vault_id, Alert.machine_id == machine_id
    )
    return db.scalar(query.limit(1)) is not None


def job_counts(db: Session, *, since: datetime) -> dict[tuple[str | None, str], int]:
    """How many jobs ended since then, by vault and state."""
    query = select(Job.vault_id, Job.state, func.count()).where(Job.ended_at >= since)
    return {(v, s): count for v, s, count in db.execute(query.group_by(Job.vault_id, Job.state))}
