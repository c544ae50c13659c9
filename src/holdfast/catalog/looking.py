"""Questions a doctor asks of the server's state; nothing here changes it."""

from dataclasses import dataclass
from datetime import datetime

from alembic.runtime.migration import MigrationContext
from sqlalchemy import exc, func, select

from holdfast.catalog import usage
from holdfast.catalog.database import Database, Session
from holdfast.catalog.errors import DatabaseUnavailable
from holdfast.catalog.migrating import head, steps
from holdfast.catalog.tables import Job, Trashed, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Whose tables these are: good, older, newer or empty, and the step they are at."""

    state: str
    found: str


def tables_of(database: Database) -> Tables:
    with database.speaking():
        try:
            with database.engine.connect() as connection:
                found = MigrationContext.configure(connection).get_current_heads()
        except exc.DatabaseError as err:
            # Also what is no question of a moment: a file that is no database.
            reason = str(err.orig or err).partition("\n")[0]
            raise DatabaseUnavailable(database=str(database), reason=reason) from err
    script = steps()
    known = {revision.revision for revision in script.walk_revisions()}
    shown = ", ".join(found)
    if not found:
        return Tables(state="empty", found=shown)
    if set(found) - known:
        return Tables(state="newer", found=shown)
    return Tables(state="good" if found == (head(script),) else "older", found=shown)


def waiting_work(db: Session) -> int:
    """How many jobs of the server itself are not over."""
    open_ones = Job.state.in_(("waiting", "running"))
    query = select(func.count()).select_from(Job).where(Job.machine_id.is_(None), open_ones)
    return int(db.scalar(query) or 0)


def vaults(db: Session) -> list[tuple[Vault, int]]:
    """The vaults that are not deleted, with what their machines store."""
    stored = usage.by_vault()
    query = (
        select(Vault, stored.c.size)
        .outerjoin(stored, stored.c.vault_id == Vault.id)
        .where(Vault.deleted_at.is_(None))
        .order_by(Vault.name)
    )
    return [(vault, int(size or 0)) for vault, size in db.execute(query)]


def overdue_trash(db: Session, now: datetime) -> tuple[int, datetime | None]:
    """Deleted files whose days are over, and since when the first of them waits."""
    query = select(func.count(), func.min(Trashed.purge_at)).where(Trashed.purge_at <= now)
    count, oldest = db.execute(query).one()
    return int(count), oldest
