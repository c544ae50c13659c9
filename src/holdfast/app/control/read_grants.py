"""Read grants: for some hours, one machine restores from the recovery points of another."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control import audit
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.machine_views import machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.registration import GATEWAY
from holdfast.app.control.registration_errors import (
    MachineNotRegistered,
    ReaderIsItself,
    WrongVault,
)
from holdfast.app.control.replaying import id_for, made_before
from holdfast.base.texts import _
from holdfast.catalog import machines as machine_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, ReadGrant
from holdfast.fleet.roles import Right

MOST_HOURS = 24 * 14


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadGrantView:
    id: str
    machine_id: str
    # What people call it.
    machine: str
    reader_id: str
    granted_by: str
    granted_at: datetime
    expires_at: datetime
    # Below the server's address: what the reader opens.
    gateway_path: str


def allow_reader(
    plane: Plane, actor: Actor, machine_id: str, *, reader_id: str, hours: float
) -> ReadGrantView:
    """Both have to be of one vault, and the reader has to be registered."""
    now = plane.clock.now()
    with plane.database.write() as db:
        machine = machine_for(db, actor, machine_id, Right.RESTORE)
        reader = machine_for(db, actor, reader_id, Right.RESTORE)
        same = {"machine_id": machine.id, "reader_id": reader.id}
        before = made_before(plane, db, actor, table=ReadGrant, same=same, at="granted_at")
        if before is not None:
            return _view(before, machine)
        _require_pair(machine, reader)
        grant = ReadGrant(
            **same,
            id=id_for(actor),
            granted_by=str(actor),
            granted_at=now,
            expires_at=now + timedelta(hours=min(hours, MOST_HOURS)),
        )
        db.add(grant)
        audit.note(
            db,
            plane,
            actor,
            act="reader-allow",
            vault_id=machine.vault_id,
            object=machine.id,
            detail={"reader": reader.id, "expires_at": grant.expires_at.isoformat()},
        )
        return _view(grant, machine)


def list_readers(plane: Plane, actor: Actor, machine_id: str) -> list[ReadGrantView]:
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.READ)
        rows = machine_rows.read_grants(db, machine.id, plane.clock.now())
        return [_view(row, machine) for row in rows]


def end_reader(plane: Plane, actor: Actor, machine_id: str, grant_id: str) -> None:
    """The grant ends now; one that is over already is fine."""
    now = plane.clock.now()
    with plane.database.write() as db:
        machine = machine_for(db, actor, machine_id, Right.RESTORE)
        grant = db.get(ReadGrant, grant_id)
        if grant is None or grant.machine_id != machine.id:
            raise NotThere(what=_("read grant"), name=grant_id)
        if grant.expires_at > now:
            end_grant(plane, db, actor, grant)


def end_grant(plane: Plane, db: Session, actor: Actor, grant: ReadGrant) -> None:
    """What reads by it now is refused the next time it asks for something."""
    grant.expires_at = plane.clock.now()
    audit.note(
        db,
        plane,
        actor,
        act="reader-end",
        vault_id=db.get_one(Machine, grant.machine_id).vault_id,
        object=grant.machine_id,
        detail={"reader": grant.reader_id},
    )


def readable_by(plane: Plane, actor: Actor) -> list[ReadGrantView]:
    """Whose recovery points the machine that asks may read for a while."""
    with plane.database.read() as db:
        reader = db.get(Machine, actor.id) if actor.kind == "machine" else None
        if reader is None:
            raise NotAllowed(actor=str(actor), right="read", object="machine")
        rows = machine_rows.read_grants_to(db, reader.id, plane.clock.now())
        return [_view(row, db.get_one(Machine, row.machine_id)) for row in rows]


def _require_pair(machine: Machine, reader: Machine) -> None:
    if machine.id == reader.id:
        raise ReaderIsItself(machine=machine.id)
    if machine.vault_id != reader.vault_id:
        raise WrongVault(machine=reader.id, registered=reader.vault_id, wanted=machine.vault_id)
    if machine.state == "deleted":
        raise MachineNotRegistered(machine=machine.id, state=machine.state)
    if reader.state != "active":
        raise MachineNotRegistered(machine=reader.id, state=reader.state)


def _view(row: ReadGrant, machine: Machine) -> ReadGrantView:
    return ReadGrantView(
        id=row.id,
        machine_id=row.machine_id,
        machine=machine.name,
        reader_id=row.reader_id,
        granted_by=row.granted_by,
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        gateway_path=GATEWAY.format(vault=machine.vault_id, machine=row.machine_id),
    )
