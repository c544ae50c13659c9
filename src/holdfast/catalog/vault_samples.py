"""How much vaults held: a sample each hour, and of what is older the last one of each day."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Vault, VaultSample

HOUR, DAY = 3600, 86400


class Noted(NamedTuple):
    """What a forecast needs of a sample."""

    at: datetime
    seconds: int
    bytes_stored: int
    disk_free: int | None
    disk_total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A vault with what all its machines store now."""

    vault: Vault
    size: int
    files: int
    machines: int


def held(db: Session, *, among: Collection[str] | None = None) -> list[Held]:
    """The vaults that are not deleted, sorted by name; None: all of them."""
    active = func.count().filter(Machine.state == "active")
    stored = (
        select(
            Machine.vault_id,
            func.sum(Machine.bytes_stored).label("size"),
            func.sum(Machine.files_stored).label("files"),
            active.label("machines"),
        )
        .group_by(Machine.vault_id)
        .subquery()
    )
    query = (
        select(Vault, stored.c.size, stored.c.files, stored.c.machines)
        .outerjoin(stored, stored.c.vault_id == Vault.id)
        .where(Vault.deleted_at.is_(None))
        .order_by(Vault.name)
    )
    if among is not None:
        query = query.where(Vault.id.in_(among))
    return [
        Held(vault=row[0], size=int(row[1] or 0), files=int(row[2] or 0), machines=row[3] or 0)
        for row in db.execute(query)
    ]


def add(db: Session, samples: Sequence[dict[str, Any]]) -> None:
    """One that is there already stays as it is: two servers may look at once."""
    if samples:
        dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
        statement = dialect.insert(VaultSample).on_conflict_do_nothing()
        db.connection().execute(statement, list(samples))


def since(
    db: Session, moment: datetime, *, among: Collection[str] | None = None
) -> dict[str, list[Noted]]:
    """By vault, the oldest first."""
    one = VaultSample
    columns = (one.vault_id, one.at, one.seconds, one.bytes_stored, one.disk_free, one.disk_total)
    query = select(*columns).where(one.at >= moment).order_by(one.at)
    if among is not None:
        query = query.where(one.vault_id.in_(among))
    found: dict[str, list[Noted]] = {}
    for row in db.execute(query):
        found.setdefault(row[0], []).append(Noted(*row[1:]))
    return found


def thin(db: Session, before: datetime) -> int:
    """Of the oldest day with hours that ends before, leave the last of each vault; how many went."""
    is_hour = VaultSample.seconds == HOUR
    oldest = db.scalar(select(func.min(VaultSample.at)).where(is_hour, VaultSample.at < before))
    if oldest is None:
        return 0
    begin = oldest.replace(hour=0, minute=0, second=0, microsecond=0)
    end = begin + timedelta(seconds=DAY)
    if end > before:
        return 0
    within = (is_hour, VaultSample.at >= begin, VaultSample.at < end)
    last = select(VaultSample.vault_id, func.max(VaultSample.at)).where(*within)
    gone = 0
    for vault_id, at in db.execute(last.group_by(VaultSample.vault_id)).all():
        mine = (*within, VaultSample.vault_id == vault_id)
        done = db.connection().execute(delete(VaultSample).where(*mine, VaultSample.at != at))
        db.execute(update(VaultSample).where(*mine).values(seconds=DAY))
        gone += done.rowcount
    db.expunge_all()
    # A day with one sample each has lost none, and is done all the same.
    return gone or 1


def forget(db: Session, before: datetime) -> int:
    done = db.connection().execute(delete(VaultSample).where(VaultSample.at < before))
    return done.rowcount
