"""Queries about the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    vault_id: str | None = None
    actor: str | None = None
    act: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def newest_first(
    db: Session, wanted: Filter, *, limit: int, before: int | None = None
) -> Sequence[AuditEntry]:
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    for name in ("vault_id", "actor", "act", "outcome"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(getattr(AuditEntry, name) == value)
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEntry.at < wanted.until)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return db.scalars(query).all()


def count_since(
    db: Session, act: str, since: datetime, *, most: int, address: str | None = None
) -> int:
    """How often an act was noted, counted no further than `most`."""
    query = select(AuditEntry.id).where(AuditEntry.act == act, AuditEntry.at >= since)
    if address is not None:
        query = query.where(AuditEntry.address == address)
    return len(db.scalars(query.limit(most)).all())
