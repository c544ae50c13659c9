"""How many bytes and files of each machine are stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Subquery, case, exists, func, select, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Trashed, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    size: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a vault holds; of its machines, those at work are counted."""

    size: int = 0
    files: int = 0
    machines: int = 0


def add(db: Session, machine_id: str, *, size: int, files: int) -> None:
    """Counted in the database, so that servers which add at once both count."""
    db.execute(
        update(Machine)
        .where(Machine.id == machine_id)
        .values(bytes_stored=Machine.bytes_stored + size, files_stored=Machine.files_stored + files)
    )


def set_to(db: Session, machine_id: str, *, size: int, files: int) -> None:
    values = {"bytes_stored": size, "files_stored": files}
    db.execute(update(Machine).where(Machine.id == machine_id).values(**values))


def of_machine(db: Session, machine_id: str) -> int:
    return db.scalar(select(Machine.bytes_stored).where(Machine.id == machine_id)) or 0


def of_vault(db: Session, vault_id: str) -> Stored:
    """What all machines of the vault stored."""
    query = select(func.sum(Machine.bytes_stored), func.sum(Machine.files_stored))
    size, files = db.execute(query.where(Machine.vault_id == vault_id)).one()
    return Stored(size=int(size or 0), files=int(files or 0))


def of_vaults(db: Session, vault_ids: Collection[str]) -> dict[str, Held]:
    """Of those that have machines: asked at once, however many there are."""
    at_work = func.sum(case((Machine.state == "active", 1), else_=0))
    size, files = func.sum(Machine.bytes_stored), func.sum(Machine.files_stored)
    query = select(Machine.vault_id, size, files, at_work).where(Machine.vault_id.in_(vault_ids))
    return {
        vault: Held(size=int(size), files=int(files), machines=int(machines))
        for vault, size, files, machines in db.execute(query.group_by(Machine.vault_id))
    }


def by_vault() -> Subquery:
    """Of each vault with machines, `vault_id` and `size`: to be joined with."""
    query = select(Machine.vault_id, func.sum(Machine.bytes_stored).label("size"))
    return query.group_by(Machine.vault_id).subquery()


def stored(db: Session, machine_id: str) -> Stored:
    query = select(Machine.bytes_stored, Machine.files_stored).where(Machine.id == machine_id)
    size, files = db.execute(query).one()
    return Stored(size=size, files=files)


def settle(db: Session, machine_id: str, *, before: Stored, now: Stored) -> bool:
    """Correct the count, unless it moved meanwhile or files are just being removed for good."""
    purging = exists().where(Trashed.machine_id == machine_id, Trashed.purging_at.is_not(None))
    found = db.execute(
        update(Machine)
        .where(
            Machine.id == machine_id,
            Machine.bytes_stored == before.size,
            Machine.files_stored == before.files,
            ~purging,
        )
        .values(bytes_stored=now.size, files_stored=now.files)
        .returning(Machine.id)
    )
    return found.first() is not None


def machines(db: Session) -> Sequence[str]:
    """Those whose files are there, in vaults that are there."""
    query = select(Machine.id).join(Vault, Vault.id == Machine.vault_id)
    return db.scalars(query.where(Machine.state != "purged", Vault.deleted_at.is_(None))).all()
