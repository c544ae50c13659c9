"""Queries about approvals."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import or_, select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Approval


def newest_first(
    db: Session,
    *,
    limit: int,
    vaults: Collection[str] | None,
    open_at: datetime | None = None,
    before: tuple[datetime, str] | None = None,
) -> Sequence[Approval]:
    """Those of the vaults (None: of all); with `open_at` only what waits for a decision then."""
    query = select(Approval).order_by(Approval.asked_at.desc(), Approval.id.desc()).limit(limit)
    if vaults is not None:
        query = query.where(Approval.vault_id.in_(vaults))
    if open_at is not None:
        query = query.where(Approval.decision.is_(None), Approval.expires_at > open_at)
    if before is not None:
        at, id_ = before
        earlier = Approval.asked_at < at
        query = query.where(or_(earlier, (Approval.asked_at == at) & (Approval.id < id_)))
    return db.scalars(query).all()
