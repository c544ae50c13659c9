"""Commands: work offered to a machine until it says that it took it."""

from datetime import datetime
from typing import Any

from holdfast.app.control.errors import NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.base.texts import _
from holdfast.catalog import commands as command_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Command, Job
from holdfast.fleet import messages

CANCEL = "cancel"


def offer(db: Session, job: Job, *, now: datetime, expires_at: datetime) -> None:
    """The job itself, to its machine."""
    _add(db, job, kind=job.kind, now=now, expires_at=expires_at)


def offer_cancel(db: Session, job: Job, *, now: datetime) -> None:
    _add(db, job, kind=CANCEL, now=now, expires_at=None)


def open_commands(plane: Plane, actor: Actor, *, after: int) -> messages.Commands:
    """What this machine has not taken yet, beyond number `after`."""
    with plane.database.read() as db:
        rows = command_rows.open_for(db, actor.id, after=after, now=plane.clock.now())
        return messages.Commands(commands=[_message(row) for row in rows])


def take_command(plane: Plane, actor: Actor, number: int) -> None:
    """Saying it twice is fine."""
    with plane.database.write() as db:
        if not command_rows.take(db, number, actor.id, plane.clock.now()):
            raise NotThere(what=_("command"), name=number)


def _add(db: Session, job: Job, *, kind: str, now: datetime, expires_at: datetime | None) -> None:
    assert job.machine_id is not None
    command = Command(
        machine_id=job.machine_id,
        job_id=job.id,
        kind=kind,
        arguments=job.arguments,
        offered_at=now,
        expires_at=expires_at,
    )
    command_rows.add(db, command)


def _message(row: Any) -> messages.Command:
    return messages.Command(
        number=row.id,
        job_id=row.job_id,
        kind=row.kind,
        arguments=row.arguments,
        offered_at=row.offered_at,
        expires_at=row.expires_at,
    )


def newest_command(plane: Plane) -> int:
    with plane.database.read() as db:
        return command_rows.newest(db)


def told_since(plane: Plane, number: int) -> tuple[int, frozenset[str]]:
    """The newest number, and the machines that commands after `number` are for."""
    with plane.database.read() as db:
        return command_rows.machines_since(db, number)
