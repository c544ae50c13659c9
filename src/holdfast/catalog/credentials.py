"""Queries about vault credentials."""

from sqlalchemy import select, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Credentials, Vault


def next_serial(db: Session, vault_id: str) -> int:
    """Count up in the database itself: two who issue at once get two numbers."""
    query = (
        update(Vault)
        .where(Vault.id == vault_id)
        .values(credentials_serial=Vault.credentials_serial + 1)
        .returning(Vault.credentials_serial)
    )
    return db.execute(query).scalar_one()


def newest(db: Session, vault_id: str) -> Credentials | None:
    query = select(Credentials).where(Credentials.vault_id == vault_id)
    return db.scalars(query.order_by(Credentials.serial.desc()).limit(1)).first()


def lock(db: Session, credentials_id: str) -> Credentials:
    """The row as it is now, held to the end of the transaction."""
    row = db.get(Credentials, credentials_id, with_for_update=True, populate_existing=True)
    assert row is not None, "whoever asks has just seen it"
    return row


def count_use(db: Session, credentials_id: str) -> None:
    query = update(Credentials).where(Credentials.id == credentials_id)
    db.execute(query.values(used=Credentials.used + 1))
