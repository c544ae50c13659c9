"""Machines as people see them: where they are, how they are, what is kept of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import certificates as certificate_rows
from holdfast.catalog import machines as machine_rows
from holdfast.catalog.database import Session
from holdfast.catalog.machines import Filter
from holdfast.catalog.tables import Machine
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right

# Ten heartbeats missed.
SILENT_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineView:
    id: str
    name: str
    vault_id: str
    state: str
    # "ok", "silent", "never-seen", "no-certificate", or the state of one that is not active
    health: str
    registered_at: datetime
    last_seen_at: datetime | None
    agent_version: str
    certificate_ends: datetime | None
    is_activated: bool
    points: int
    newest_point: datetime | None
    bytes_stored: int
    files_stored: int
    quota_bytes: int | None
    # Bytes a second, through the gateway.
    limit_rate: int | None
    deleted_at: datetime | None
    purge_at: datetime | None
    facts: dict[str, Any]


def list_machines(
    plane: Plane,
    actor: Actor,
    window: Window,
    *,
    vault: str | None = None,
    state: str | None = None,
    name: str | None = None,
) -> Page[MachineView]:
    """Sorted by name; of one vault, or of all the caller may look into."""
    parts = window.parts(2)
    with plane.database.read() as db:
        vault_id = any_vault(db, vault).id if vault else None
        if vault_id is not None:
            require(db, actor, Right.READ, vault_id)
        rows = machine_rows.by_name(
            db,
            Filter(vault_id=vault_id, state=state, name=name),
            limit=window.one_more,
            vaults=readable_vaults(db, actor) if vault_id is None else None,
            after=(parts[0], parts[1]) if parts else None,
        )
        views = _views(plane, db, rows[: window.limit])
    return make_page(rows, window, key=lambda row: [row.name, row.id], view=lambda r: views[r.id])


def show_machine(plane: Plane, actor: Actor, machine_id: str) -> MachineView:
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.READ)
        return _views(plane, db, [machine])[machine.id]


def view_of(plane: Plane, db: Session, machine: Machine) -> MachineView:
    return _views(plane, db, [machine])[machine.id]


def machine_for(db: Session, actor: Actor, machine_id: str, right: Right) -> Machine:
    """The machine, if the caller has the right on its vault."""
    machine = db.get(Machine, machine_id)
    if machine is None:
        # An administrator is told that it is not there; for all others it could be.
        require(db, actor, right, None)
        raise NotThere(what=_("machine"), name=machine_id)
    require(db, actor, right, machine.vault_id)
    return machine


def is_silent(machine: Machine, now: datetime) -> bool:
    """Its heartbeats have stopped, or never came."""
    return machine.last_seen_at is None or now - machine.last_seen_at > SILENT_AFTER


def _views(plane: Plane, db: Session, rows: "list[Machine] | Any") -> dict[str, MachineView]:
    now, ids = plane.clock.now(), [row.id for row in rows]
    certificates = certificate_rows.good_until(db, ids, now)
    points = machine_rows.count_points(db, ids)
    return {
        row.id: _view(row, certificates.get(row.id), points.get(row.id, (0, None)), now)
        for row in rows
    }


def _view(
    row: Machine,
    certificate_ends: datetime | None,
    points: tuple[int, datetime | None],
    now: datetime,
) -> MachineView:
    return MachineView(
        id=row.id,
        name=row.name,
        vault_id=row.vault_id,
        state=row.state,
        health=_health(row, certificate_ends, now),
        registered_at=row.registered_at,
        last_seen_at=row.last_seen_at,
        agent_version=row.agent_version,
        certificate_ends=certificate_ends,
        is_activated=row.key_fingerprint is not None,
        points=points[0],
        newest_point=points[1],
        bytes_stored=row.bytes_stored,
        files_stored=row.files_stored,
        quota_bytes=row.quota_bytes,
        limit_rate=row.limit_rate,
        deleted_at=row.deleted_at,
        purge_at=row.purge_at,
        facts=row.facts,
    )


def _health(row: Machine, certificate_ends: datetime | None, now: datetime) -> str:
    if row.state != "active":
        return row.state
    if certificate_ends is None:
        return "no-certificate"
    if row.last_seen_at is None:
        return "never-seen"
    return "silent" if is_silent(row, now) else "ok"
