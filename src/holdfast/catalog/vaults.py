"""Queries about vaults."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select, text

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Trashed, Vault


def lock_all(db: Session) -> None:
    """Nobody else makes or changes a vault before this transaction ends; SQLite has one writer."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("LOCK TABLE vaults IN SHARE ROW EXCLUSIVE MODE"))


def by_name(db: Session, name: str) -> Vault | None:
    return db.scalar(select(Vault).where(Vault.name == name))


def places(db: Session) -> Sequence[tuple[str, str]]:
    """Name and location of every vault, deleted ones too."""
    return [(name, place) for name, place in db.execute(select(Vault.name, Vault.location))]


def all_by_name(
    db: Session,
    *,
    limit: int,
    among: Collection[str] | None,
    with_deleted: bool = False,
    after: str | None = None,
) -> Sequence[Vault]:
    """Those whose ids are among these; None: all."""
    query = select(Vault).order_by(Vault.name).limit(limit)
    if among is not None:
        query = query.where(Vault.id.in_(among))
    if not with_deleted:
        query = query.where(Vault.deleted_at.is_(None))
    if after is not None:
        query = query.where(Vault.name > after)
    return db.scalars(query).all()


def due_for_purge(db: Session, now: datetime) -> Sequence[Vault]:
    query = select(Vault).where(Vault.deleted_at.is_not(None), Vault.purge_at <= now)
    return db.scalars(query.order_by(Vault.purge_at)).all()


def machines_in(db: Session, vault_id: str, *, state: str | None = None) -> int:
    query = select(func.count()).select_from(Machine).where(Machine.vault_id == vault_id)
    if state is not None:
        query = query.where(Machine.state == state)
    return db.scalar(query) or 0


def trashed_in(db: Session, vault_id: str) -> int:
    """How many files of its machines lie in the trash."""
    query = select(func.count()).select_from(Trashed)
    query = query.join(Machine, Machine.id == Trashed.machine_id)
    return db.scalar(query.where(Machine.vault_id == vault_id)) or 0
