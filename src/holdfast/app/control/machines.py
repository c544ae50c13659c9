"""What people, and the machine itself, do to a registered machine."""

from datetime import timedelta
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.access import require
from holdfast.app.control.alerting import close_of_left, tell_of_act
from holdfast.app.control.certificates import take_back
from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.machine_names import good_host_name
from holdfast.app.control.machine_views import MachineView, machine_for, view_of
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.registration_errors import (
    DataImmutable,
    MachineNotRegistered,
    MachinePurged,
)
from holdfast.app.control.replaying import done_before, note_done
from holdfast.app.control.stepping_up import require_step_up
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Vault
from holdfast.fleet.roles import Right


def rename_machine(plane: Plane, actor: Actor, machine_id: str, name: str) -> MachineView:
    with plane.database.write() as db:
        machine = machine_for(db, actor, machine_id, Right.REGISTER)
        former, machine.name = machine.name, good_host_name(name)
        detail = {"from": former, "to": machine.name}
        _note(plane, db, actor, machine, act="machine-rename", detail=detail)
        return view_of(plane, db, machine)


def limit_machine(
    plane: Plane,
    actor: Actor,
    machine_id: str,
    *,
    quota_bytes: int | None = None,
    limit_rate: int | None = None,
) -> MachineView:
    """Bound what it stores, and how fast it moves it; None stays as it is, 0 is no bound."""
    wanted = {"quota_bytes": quota_bytes, "limit_rate": limit_rate}
    changes = {name: value or None for name, value in wanted.items() if value is not None}
    with plane.database.write() as db:
        machine = machine_for(db, actor, machine_id, Right.CHANGE_PROTECTION)
        former = {name: getattr(machine, name) for name in changes}
        if former != changes:
            for name, value in changes.items():
                setattr(machine, name, value)
            detail = {"from": former, "to": changes}
            _note(plane, db, actor, machine, act="machine-limit", detail=detail)
        return view_of(plane, db, machine)


def revoke_machine(plane: Plane, actor: Actor, machine_id: str) -> MachineView:
    """Lock it out at once; credentials that replace it bring it back, to the same repository."""
    with plane.database.write() as db:
        machine = machine_for(db, actor, machine_id, Right.REGISTER)
        if done_before(db, actor) is None:
            take_back(plane, db, machine, reason="revoked")
            close_of_left(db, plane, machine, reason="revoked")
            _note(plane, db, actor, machine, act="machine-revoke")
            note_done(db, actor)
        return view_of(plane, db, machine)


def leave(plane: Plane, actor: Actor) -> None:
    """The machine unregisters itself; its recovery points stay. Once more is fine."""
    with plane.database.write() as db:
        machine = db.get(Machine, actor.id) if actor.kind == "machine" else None
        if machine is None:
            raise NotAllowed(actor=str(actor), right="leave", object="machine")
        _retire(plane, db, actor, machine)


def unregister_machine(
    plane: Plane, actor: Actor, machine_id: str, *, delete_data: bool
) -> MachineView:
    """End its registration; with its data deleted too, that can be undone for some days."""
    with plane.database.write() as db:
        machine = machine_for(db, actor, machine_id, Right.UNREGISTER)
        if done_before(db, actor) is not None:
            return view_of(plane, db, machine)
        if delete_data:
            _delete(plane, db, actor, machine)
        elif machine.state == "deleted":
            raise MachineNotRegistered(machine=machine.id, state=machine.state)
        else:
            _retire(plane, db, actor, machine)
        note_done(db, actor)
        return view_of(plane, db, machine)


def undelete_machine(plane: Plane, actor: Actor, machine_id: str) -> MachineView:
    """Its recovery points are back; it stays unregistered until it registers again."""
    now = plane.clock.now()
    with plane.database.write() as db:
        machine = machine_for(db, actor, machine_id, Right.UNDELETE)
        if machine.state != "deleted":
            return view_of(plane, db, machine)
        if machine.purge_at is not None and machine.purge_at <= now:
            ended = f"{machine.purge_at:%Y-%m-%d %H:%M} UTC"
            raise MachinePurged(machine=machine.id, ended=ended)
        machine.state, machine.deleted_at, machine.purge_at = "unregistered", None, None
        _note(plane, db, actor, machine, act="machine-undelete")
        return view_of(plane, db, machine)


def reset_key(plane: Plane, actor: Actor, machine_id: str) -> MachineView:
    """Let the machine come with another repository key than the one it was registered with."""
    with plane.database.write() as db:
        machine = machine_for(db, actor, machine_id, Right.CHANGE_PROTECTION)
        if done_before(db, actor) is not None:
            # Its PIN or approval is used up, and the machine may have come with its new key.
            return view_of(plane, db, machine)
        vault, request = db.get(Vault, machine.vault_id), {"machine": machine.id}
        require_step_up(plane, db, actor, "machine-reset-key", vault, request)
        former, machine.key_fingerprint = machine.key_fingerprint, None
        _note(plane, db, actor, machine, act="machine-reset-key", detail={"from": former})
        note_done(db, actor)
        return view_of(plane, db, machine)


def _delete(plane: Plane, db: Session, actor: Actor, machine: Machine) -> None:
    vault = db.get(Vault, machine.vault_id)
    assert vault is not None, "a machine's vault is there as long as the machine"
    require(db, actor, Right.DELETE_DATA, vault.id)
    if vault.immutability != "off" and not vault.is_lab:
        raise DataImmutable(vault=vault.name, state=vault.immutability, machine=machine.id)
    if machine.state == "deleted":
        # The day it goes stays the one promised at first.
        return
    request = {"machine": machine.id, "delete_data": True}
    require_step_up(plane, db, actor, "machine-delete", vault, request)
    take_back(plane, db, machine, reason="deleted")
    close_of_left(db, plane, machine, reason="deleted")
    machine.state, machine.deleted_at = "deleted", plane.clock.now()
    machine.purge_at = machine.deleted_at + timedelta(days=_days_kept(vault))
    tell_of_act(
        db,
        plane,
        "data-deleted",
        actor=actor.name,
        about=machine.name,
        vault_id=vault.id,
        machine_id=machine.id,
        until=machine.purge_at,
    )
    detail = {"purge_at": machine.purge_at.isoformat()}
    _note(plane, db, actor, machine, act="machine-delete", detail=detail)


def _days_kept(vault: Vault) -> int:
    return 0 if vault.is_lab or vault.soft_delete == "off" else vault.soft_delete_days


def _retire(plane: Plane, db: Session, actor: Actor, machine: Machine) -> None:
    if machine.state == "active":
        machine.state = "unregistered"
        _note(plane, db, actor, machine, act="machine-unregister")
    take_back(plane, db, machine, reason="unregistered")
    close_of_left(db, plane, machine, reason="unregistered")


def _note(
    plane: Plane,
    db: Session,
    actor: Actor,
    machine: Machine,
    *,
    act: str,
    detail: dict[str, Any] | None = None,
) -> None:
    audit.note(
        db, plane, actor, act=act, vault_id=machine.vault_id, object=machine.id, detail=detail
    )
