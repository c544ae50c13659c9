"""How many bytes and files of each machine are stored."""

from sqlalchemy import func, select, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine


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


def of_vault(db: Session, vault_id: str) -> int:
    query = select(func.sum(Machine.bytes_stored)).where(Machine.vault_id == vault_id)
    return int(db.scalar(query) or 0)
