"""Queries about pages that were made at hosts and are kept here."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import defer

from holdfast.catalog.database import Session
from holdfast.catalog.tables import KeptReport


def newest_first(
    db: Session,
    *,
    vaults: Collection[str] | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[KeptReport]:
    """Without their pages."""
    query = select(KeptReport).options(defer(KeptReport.page))
    if vaults is not None:
        query = query.where(KeptReport.vault_id.in_(vaults))
    if before is not None:
        query = query.where(tuple_(KeptReport.kept_at, KeptReport.id) < before)
    query = query.order_by(KeptReport.kept_at.desc(), KeptReport.id.desc())
    return db.scalars(query.limit(limit)).all()


def keep_newest(db: Session, vault_id: str, kind: str, *, most: int) -> None:
    query = select(KeptReport.id).where(KeptReport.vault_id == vault_id, KeptReport.kind == kind)
    query = query.order_by(KeptReport.kept_at.desc(), KeptReport.id.desc()).offset(most)
    old = db.scalars(query).all()
    if old:
        db.execute(delete(KeptReport).where(KeptReport.id.in_(old)))
