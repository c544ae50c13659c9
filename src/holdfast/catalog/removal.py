"""A vault's rows, gone for good: with its machines, and with all that belongs to those."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Column, delete, select, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Table, Vault


def machine_ids(db: Session, vault_id: str) -> Sequence[str]:
    query = select(Machine.id).where(Machine.vault_id == vault_id)
    return db.scalars(query.order_by(Machine.id)).all()


def remove_vault(db: Session, vault_id: str) -> None:
    """Jobs stay, as history that is nobody's; the audit log stays as it is."""
    machines = select(Machine.id).where(Machine.vault_id == vault_id)
    for column in _columns_to(Machine):
        if column.nullable:
            db.execute(update(column.table).where(column.in_(machines)).values({column: None}))
        else:
            db.execute(delete(column.table).where(column.in_(machines)))
    for column in _columns_to(Vault):
        if column.nullable:
            db.execute(update(column.table).where(column == vault_id).values({column: None}))
        else:
            db.execute(delete(column.table).where(column == vault_id))
    db.execute(delete(Vault).where(Vault.id == vault_id))


def _columns_to(table: type[Table]) -> "Iterator[Column[str]]":
    """Whatever refers to this table, those first that others do not refer to."""
    for one in reversed(Table.metadata.sorted_tables):
        for column in one.columns:
            if column.references(table.__table__.columns["id"]):
                yield column
