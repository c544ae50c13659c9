"""Every virtual machine of every host: how safe it is, and of what class its points are."""

from dataclasses import dataclass

from nicegui import ui

from holdfast.app.control.safety_views import SafetyView, Wanted, list_safety
from holdfast.app.control.vms import HostedVm, VmView, list_all_vms, list_vms
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.columns import ago_column, word_column
from holdfast.console.pages import page
from holdfast.console.safety_shown import safety_choice, safety_column, why_column
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.thing_words import (
    CONSISTENCY,
    EXTENT,
    RUN_STATE,
    SAFETY,
    wished,
    word,
)
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of, vault_names

REFRESH = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VmLine:
    machine_id: str
    machine: str
    vault: str
    vm: VmView
    # None: its host has left, so nobody judges it.
    safety: SafetyView | None


@page("/vms", title=N_("Virtual machines"), section="vms")
async def vms_page(
    visit: Visit, vault: str = "", state: str = "", safety: str = "", name: str = ""
) -> None:
    ui.label(
        _("As the agents of their hosts saw them last; a host that is away shows what it had.")
    ).classes("hf-muted")
    chosen = {
        "vault": (await vault_names(visit)).get(vault, vault),
        "state": wished(RUN_STATE, state),
        "safety": wished(SAFETY, safety),
    }
    listing = Listing(
        visit,
        name="vms",
        columns=_columns(visit.plane.clock, has_host=True),
        load=lambda: _all(visit),
        empty=Empty(
            title=_("No virtual machine is known yet"),
            text=_(
                "Register a KVM host: its agent tells of every machine that libvirt runs there. "
                "What to protect of them is chosen here."
            ),
            action=_("Register a host"),
            href="/vaults",
        ),
        choices=_choices(has_host=True),
        wish=Wish(words=name, sort="name", chosen=chosen),
    )
    await listing.show()
    visit.every(REFRESH, listing.refresh)


async def vm_listing(visit: Visit, *, machine: str) -> None:
    """Of one host; nothing at all where it has none."""
    if not await all_of(visit, list_vms, machine, most=1):
        return
    with shown.card(_("Its virtual machines")):
        listing = Listing(
            visit,
            name="vms",
            columns=_columns(visit.plane.clock, has_host=False),
            load=lambda: _of_host(visit, machine),
            empty=Empty(title=_("No virtual machine"), text=_("Its host has none any more.")),
            choices=_choices(has_host=False),
        )
        await listing.show()
    visit.every(REFRESH, listing.refresh)


async def _all(visit: Visit) -> list[VmLine]:
    names, judged = await vault_names(visit), await _safeties(visit)
    found: list[HostedVm] = await all_of(visit, list_all_vms)
    return [
        VmLine(
            machine_id=one.machine_id,
            machine=one.machine,
            vault=names.get(one.vault_id, one.vault_id),
            vm=one.vm,
            safety=judged.get((one.machine_id, one.vm.uuid)),
        )
        for one in found
    ]


async def _of_host(visit: Visit, machine: str) -> list[VmLine]:
    found: list[VmView] = await all_of(visit, list_vms, machine)
    judged = await _safeties(visit) if found else {}
    return [
        VmLine(
            machine_id=machine,
            machine="",
            vault="",
            vm=one,
            safety=judged.get((machine, one.uuid)),
        )
        for one in found
    ]


async def _safeties(visit: Visit) -> dict[tuple[str, str], SafetyView]:
    found = await all_of(visit, list_safety, wanted=Wanted(kind="vm"))
    return {(one.machine_id, one.id): one for one in found}


def _columns(clock: Clock, *, has_host: bool) -> list[Column[VmLine]]:
    host: Column[VmLine] = Column(
        name="machine",
        label=_("Host"),
        value=lambda one: one.machine,
        href=lambda one: f"/machines/{one.machine_id}",
    )
    return [
        Column(
            name="name",
            label=_("Virtual machine"),
            value=lambda one: one.vm.name,
            href=lambda one: f"/vms/{one.machine_id}/{one.vm.uuid}",
        ),
        safety_column(_judged),
        word_column("state", _("State"), lambda one: one.vm.state, RUN_STATE),
        *([host] if has_host else []),
        ago_column("point_at", _("Newest point"), lambda one: one.vm.point_at, clock),
        word_column("point_class", _("Class"), lambda one: one.vm.point_class, CONSISTENCY),
        Column(
            name="protectable",
            label=_("Can be protected"),
            value=lambda one: word(EXTENT, one.vm.protectable),
            is_minor=True,
        ),
        why_column(_judged),
    ]


def _choices(*, has_host: bool) -> list[Choice[VmLine]]:
    vault: Choice[VmLine] = Choice(name="vault", label=_("Vault"), value=lambda one: one.vault)
    return [
        safety_choice(_judged),
        Choice(name="state", label=_("State"), value=lambda one: word(RUN_STATE, one.vm.state)),
        *([vault] if has_host else []),
    ]


def _judged(one: VmLine) -> SafetyView | None:
    return one.safety
