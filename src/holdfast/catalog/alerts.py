"""Queries about alerts, where they go, and what is silenced."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, func, or_, select, update

from holdfast.catalog import usage
from holdfast.catalog.database import Session
from holdfast.catalog.machines import at_work
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

# The gravest first.
_RANK = case({"critical": 0, "error": 1, "warning": 2, "info": 3}, value=Alert.severity, else_=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    is_open: bool | None = None
    severity: str | None = None


class Standing(NamedTuple):
    """What is open, as far as it tells whether anything changed."""

    id: str
    vault_id: str | None
    machine_id: str | None
    fields: dict[str, Any]


def open_by_key(db: Session, key: str) -> Alert | None:
    return db.scalar(select(Alert).where(Alert.key == key, Alert.closed_at.is_(None)))


def open_of(db: Session, kind: str) -> Sequence[Alert]:
    query = select(Alert).where(Alert.kind == kind, Alert.closed_at.is_(None))
    return db.scalars(query).all()


def standing(db: Session, kind: str) -> list[Standing]:
    """All that is open of a kind, however many."""
    query = select(Alert.id, Alert.vault_id, Alert.machine_id, Alert.fields)
    query = query.where(Alert.kind == kind, Alert.closed_at.is_(None))
    return [Standing(*row) for row in db.execute(query)]


def close(db: Session, ids: Sequence[str], now: datetime) -> None:
    db.execute(
        update(Alert).where(Alert.id.in_(ids), Alert.closed_at.is_(None)).values(closed_at=now)
    )


def open_at(
    db: Session, kind: str, *, vault_id: str | None, machine_id: str | None
) -> Sequence[Alert]:
    query = select(Alert).where(
        Alert.kind == kind,
        Alert.vault_id == vault_id,
        Alert.machine_id == machine_id,
        Alert.closed_at.is_(None),
    )
    return db.scalars(query).all()


def open_on(db: Session, machine_id: str, kinds: Collection[str]) -> Sequence[Alert]:
    query = select(Alert).where(Alert.machine_id == machine_id, Alert.closed_at.is_(None))
    return db.scalars(query.where(Alert.kind.in_(kinds))).all()


def unsent(db: Session, *, since: datetime, limit: int) -> Sequence[Alert]:
    waiting = Alert.sent_at.is_(None), Alert.suppressed_by.is_(None), Alert.first_at >= since
    return db.scalars(select(Alert).where(*waiting).order_by(Alert.first_at).limit(limit)).all()


def note_taken(db: Session, ids: Sequence[str], target_id: str) -> None:
    for alert in db.scalars(select(Alert).where(Alert.id.in_(ids))):
        if target_id not in alert.sent_to:
            alert.sent_to = [*alert.sent_to, target_id]


def note_sent(db: Session, ids: Sequence[str], now: datetime) -> None:
    query = update(Alert).where(Alert.id.in_(ids), Alert.sent_at.is_(None))
    db.execute(query.values(sent_at=now).execution_options(synchronize_session=False))


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
    db: Session, wanted: Filter, *, vaults: frozenset[str] | None, after: str, limit: int
) -> Sequence[Alert]:
    """Newest first; `vaults` None is all of them, `after` the id of the last one seen."""
    newest = Alert.first_at.desc(), Alert.id.desc()
    query = select(Alert).where(*_wanted(wanted, vaults)).order_by(*newest).limit(limit)
    last = db.get(Alert, after) if after else None
    if last:
        older = Alert.first_at < last.first_at
        same = (Alert.first_at == last.first_at) & (Alert.id < last.id)
        query = query.where(older | same)
    return db.scalars(query).all()


def gravest(
    db: Session, wanted: Filter, *, vaults: frozenset[str] | None, limit: int
) -> Sequence[Alert]:
    """Of more than the limit the gravest, and of those the newest."""
    order = _RANK, Alert.first_at.desc(), Alert.id.desc()
    query = select(Alert).where(*_wanted(wanted, vaults)).order_by(*order)
    return db.scalars(query.limit(limit)).all()


def count(db: Session, wanted: Filter, *, vaults: frozenset[str] | None) -> int:
    query = select(func.count()).select_from(Alert).where(*_wanted(wanted, vaults))
    return db.scalar(query) or 0


def _wanted(wanted: Filter, vaults: frozenset[str] | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if vaults is not None:
        conditions.append(Alert.vault_id.in_(vaults))
    if wanted.is_open is not None:
        is_open = Alert.closed_at.is_(None)
        conditions.append(is_open if wanted.is_open else ~is_open)
    if wanted.severity is not None:
        conditions.append(Alert.severity == wanted.severity)
    return conditions


def targets(db: Session) -> Sequence[AlertTarget]:
    return db.scalars(select(AlertTarget).order_by(AlertTarget.name)).all()


def suppressions(db: Session) -> Sequence[AlertSuppression]:
    return db.scalars(select(AlertSuppression).order_by(AlertSuppression.id)).all()


def without_backup(db: Session, now: datetime) -> Sequence[tuple[Machine, datetime]]:
    """Protected machines whose last point is older than their vault says it may be.

    One without any point counts from the moment its protection began.
    """
    days = db.scalars(select(Vault.backup_within_days).where(Vault.backup_within_days > 0))
    return [
        one
        for limit in sorted(set(days))
        for one in _without_points_since(db, now - timedelta(days=limit), limit)
    ]


def _without_points_since(
    db: Session, moment: datetime, days: int
) -> Sequence[tuple[Machine, datetime]]:
    newest = (
        select(Point.machine_id, func.max(Point.taken_at).label("at"))
        .group_by(Point.machine_id)
        .subquery()
    )
    protected = (
        select(Assignment.machine_id, func.min(Assignment.created_at).label("at"))
        .where(Assignment.is_paused.is_(False))
        .group_by(Assignment.machine_id)
        .subquery()
    )
    query = (
        select(Machine, newest.c.at, protected.c.at)
        .join(protected, protected.c.machine_id == Machine.id)
        .join(Vault, Vault.id == Machine.vault_id)
        .outerjoin(newest, newest.c.machine_id == Machine.id)
        .where(at_work(), Vault.backup_within_days == days)
        .where(func.coalesce(newest.c.at, protected.c.at) < moment)
    )
    return [(machine, last or begun) for machine, last, begun in db.execute(query)]


def full_machines(db: Session) -> Sequence[Machine]:
    """Those that use nine tenths of their quota, or more."""
    is_near = Machine.bytes_stored >= Machine.quota_bytes // 10 * 9
    query = select(Machine).where(Machine.quota_bytes.is_not(None), at_work())
    return db.scalars(query.where(is_near)).all()


def full_vaults(db: Session) -> Sequence[tuple[Vault, int]]:
    """The same for vaults, with how many bytes each holds."""
    stored = usage.by_vault()
    query = (
        select(Vault, stored.c.size)
        .join(stored, stored.c.vault_id == Vault.id)
        .where(Vault.quota_bytes.is_not(None), Vault.deleted_at.is_(None))
        .where(stored.c.size >= Vault.quota_bytes // 10 * 9)
    )
    return [(vault, int(size)) for vault, size in db.execute(query)]


def facts_of_machines(db: Session) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Id, vault, name and facts of each machine at work."""
    query = select(Machine.id, Machine.vault_id, Machine.name, Machine.facts)
    for row in db.execute(query.where(at_work())):
        yield row[0], row[1], row[2], row[3]


def silent_since(db: Session, moment: datetime) -> Sequence[Machine]:
    return db.scalars(select(Machine).where(at_work(), Machine.last_seen_at < moment)).all()


def purged_before(db: Session, moment: datetime) -> list[Machine | Vault]:
    """What was deleted and will be gone for good by then."""
    machines = db.scalars(
        select(Machine).where(Machine.state == "deleted", Machine.purge_at < moment)
    )
    vaults = db.scalars(select(Vault).where(Vault.deleted_at.is_not(None), Vault.purge_at < moment))
    return [*machines, *vaults]


def was_told(
    db: Session,
    kind: str,
    vault_id: str | None,
    machine_id: str | None,
    until: datetime | None,
) -> bool:
    """Whether it was told of this very date: what is deleted anew later is news again."""
    query = select(Alert.fields).where(
        Alert.kind == kind, Alert.vault_id == vault_id, Alert.machine_id == machine_id
    )
    return any(fields.get("until") == str(until) for fields in db.scalars(query))


def job_counts(db: Session, *, since: datetime) -> dict[tuple[str | None, str], int]:
    """How many jobs ended since then, by vault and state."""
    query = select(Job.vault_id, Job.state, func.count()).where(Job.ended_at >= since)
    return {(v, s): count for v, s, count in db.execute(query.group_by(Job.vault_id, Job.state))}
