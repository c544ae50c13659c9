"""Virtual machines: told by the agents of their hosts, shown to people."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.machine_views import machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.policy_errors import VmsNotUnderstood
from holdfast.app.control.replication_moves import Seen, notice
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import vms as vm_rows
from holdfast.catalog.tables import Machine, Vm
from holdfast.catalog.vms import Hosted
from holdfast.fleet.messages import VmsTold, VmTold
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right

MOST_VMS = 5_000
_LONGEST = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class VmView:
    uuid: str
    name: str
    # running, paused, off, …; none: it could not be looked at.
    state: str | None
    # whole, partly or not; and the best its points can be.
    protectable: str | None
    consistency: str | None
    # Codes of what is against it, the worst first.
    remarks: list[str]
    protected_since: datetime | None
    # Of its newest point.
    point_at: datetime | None
    point_class: str | None
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedVm:
    """A virtual machine in a list over hosts."""

    machine_id: str
    machine: str
    # "active"; of a host that left nothing new is heard.
    machine_state: str
    vault_id: str
    vm: VmView


def take_vms(plane: Plane, actor: Actor, told: VmsTold) -> None:
    """Every virtual machine of the host that tells; those not named are gone."""
    if actor.kind != "machine":
        raise NotAllowed(actor=str(actor), right="tell-vms", object="machine")
    if len(told.vms) > MOST_VMS:
        raise VmsNotUnderstood(reason=_("more than {most} machines").format(most=MOST_VMS))
    now = plane.clock.now()
    rows = {one.uuid: _row(actor.id, one, now) for one in told.vms}
    with plane.database.write() as db:
        machine, known = db.get_one(Machine, actor.id), vm_rows.uuids_of(db, actor.id)
        vm_rows.replace_all(db, actor.id, rows)
        db.flush()
        notice(plane, db, actor, machine, Seen(here=rows.keys(), gone=known - rows.keys()))


def list_vms(plane: Plane, actor: Actor, machine_id: str, window: Window) -> Page[VmView]:
    """Those of a host, sorted by name."""
    parts = window.parts(2)
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.READ)
        after = (parts[0], parts[1]) if parts else None
        rows = vm_rows.of_machine(db, machine.id, limit=window.one_more, after=after)
    return make_page(rows, window, key=lambda row: [row.name, row.uuid], view=_view)


def list_all_vms(
    plane: Plane, actor: Actor, window: Window, *, vault: str | None = None
) -> Page[HostedVm]:
    """Sorted by name; on the hosts of one vault, or of all the caller may look into."""
    parts = window.parts(3)
    with plane.database.read() as db:
        vault_id = any_vault(db, vault).id if vault else None
        if vault_id is not None:
            require(db, actor, Right.READ, vault_id)
        found = vm_rows.over_hosts(
            db,
            vault_id=vault_id,
            vaults=readable_vaults(db, actor),
            limit=window.one_more,
            after=(parts[0], parts[1], parts[2]) if parts else None,
        )
    return make_page(found, window, key=_place, view=_hosted)


def show_vm(plane: Plane, actor: Actor, machine_id: str, uuid: str) -> HostedVm:
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.READ)
        row = db.get(Vm, (machine.id, uuid))
        if row is None:
            raise NotThere(what=_("virtual machine"), name=uuid)
        return _hosted(Hosted(row, machine))


def _place(one: Hosted) -> list[str]:
    return [one.vm.name, one.vm.uuid, one.vm.machine_id]


def _hosted(one: Hosted) -> HostedVm:
    return HostedVm(
        machine_id=one.host.id,
        machine=one.host.name,
        machine_state=one.host.state,
        vault_id=one.host.vault_id,
        vm=_view(one.vm),
    )


def _row(machine_id: str, told: VmTold, now: datetime) -> Vm:
    facts: dict[str, Any] = msgspec.to_builtins(told)
    uuid, name = facts.pop("uuid"), facts.pop("name")
    if not all(0 < len(text) <= _LONGEST and "\0" not in text for text in (uuid, name)):
        raise VmsNotUnderstood(reason=_("'{id}' is no id").format(id=ascii(uuid[:80])[1:-1]))
    return Vm(machine_id=machine_id, uuid=uuid, name=name, facts=facts, told_at=now)


def _view(row: Vm) -> VmView:
    told = msgspec.convert({**row.facts, "uuid": row.uuid, "name": row.name}, VmTold)
    return VmView(
        uuid=told.uuid,
        name=told.name,
        state=told.state,
        protectable=told.protectable,
        consistency=told.consistency,
        remarks=told.remarks,
        protected_since=told.protected_since,
        point_at=told.point_at,
        point_class=told.point_class,
        told_at=row.told_at,
    )
