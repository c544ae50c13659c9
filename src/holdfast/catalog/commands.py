"""Queries about commands: work offered to machines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, or_, select, text, update

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Command

# Any number will do, as long as nothing else locks by it.
_LOCK = 7_031_104


# Asked for by each machine each minute: built once, and without objects around its rows.
_OPEN = (
    select(*Command.__table__.c)
    .where(
        Command.machine_id == bindparam("one"),
        Command.id > bindparam("after"),
        Command.taken_at.is_(None),
        or_(Command.expires_at.is_(None), Command.expires_at > bindparam("now")),
    )
    .order_by(Command.id)
)


def add(db: Session, command: Command) -> None:
    """Numbers become visible in their order: whoever has seen one has missed none before it."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    db.add(command)
    db.flush()


def open_for(
    db: Session, machine_id: str, *, after: int, now: datetime
) -> Sequence[Row[tuple[Any, ...]]]:
    """Rows with the names of `Command`."""
    wanted = {"one": machine_id, "after": after, "now": now}
    return db.connection().execute(_OPEN, wanted).all()


def newest(db: Session) -> int:
    return db.scalar(select(func.max(Command.id))) or 0


def machines_since(db: Session, after: int) -> tuple[int, frozenset[str]]:
    """The newest number, and whom those after `after` are for."""
    query = select(Command.id, Command.machine_id).where(Command.id > after)
    found = db.execute(query).all()
    return max((number for number, _ in found), default=after), frozenset(m for _, m in found)


def take(db: Session, number: int, machine_id: str, now: datetime) -> bool:
    """Mark it taken, once; whether there is such a command."""
    mine = (Command.id == number, Command.machine_id == machine_id)
    db.execute(update(Command).where(*mine, Command.taken_at.is_(None)).values(taken_at=now))
    return db.scalar(select(Command.id).where(*mine)) is not None


def withdraw(db: Session, job_id: str) -> bool:
    """Take back the offers nobody took; whether there were any."""
    done = db.execute(
        delete(Command)
        .where(Command.job_id == job_id, Command.taken_at.is_(None))
        .returning(Command.id)
    )
    return bool(done.all())


def deadline(db: Session, job_id: str) -> datetime | None:
    """When the offer of this job, if it still waits to be taken, is over."""
    query = select(Command.expires_at).where(Command.job_id == job_id, Command.kind != "cancel")
    return db.scalar(query.order_by(Command.id.desc()).limit(1))
