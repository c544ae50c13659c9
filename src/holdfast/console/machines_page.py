"""Every registered machine: how it is, how safe it is, what is kept of it."""

from dataclasses import dataclass, replace
from typing import Any

from nicegui import ui

from holdfast.app.control.machine_views import MachineView, list_machines
from holdfast.app.control.safety_views import SafetyView, Wanted, list_safety
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.columns import ago_column, word_column
from holdfast.console.pages import page
from holdfast.console.safety_shown import safety_choice, safety_column, why_column
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.thing_words import HEALTH, SAFETY, wished, word
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of, vault_names

REFRESH = 60.0
_NO_FACTS: dict[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLine:
    machine: MachineView
    vault: str
    # None: it is not registered any more, so nobody judges it.
    safety: SafetyView | None


@page("/machines", title=N_("Machines"), section="machines")
async def machines_page(
    visit: Visit, vault: str = "", health: str = "", safety: str = "", name: str = ""
) -> None:
    with ui.element("div").classes("hf-row"):
        ui.label(
            _("Servers and KVM hosts with an agent, each with a repository of its own.")
        ).classes("hf-muted")
        ui.space()
        with ui.link(target="/vaults").classes("hf-button hf-button-main"):
            ui.label(_("Register a machine"))
    chosen = {
        "vault": (await vault_names(visit)).get(vault, vault),
        "health": wished(HEALTH, health),
        "safety": wished(SAFETY, safety),
    }
    listing = machine_listing(visit, wish=Wish(words=name, sort="name", chosen=chosen))
    await listing.show()
    visit.every(REFRESH, listing.refresh)


def machine_listing(
    visit: Visit, *, wish: Wish | None = None, vault: str | None = None
) -> Listing[MachineLine]:
    """Of one vault, or of all one may look into."""
    return Listing(
        visit,
        name="machines",
        columns=_columns(visit.plane.clock, has_vault=vault is None),
        load=lambda: machine_lines(visit, vault=vault),
        empty=Empty(
            title=_("No machine is registered yet"),
            text=_(
                "Download a credentials file from a vault, copy it to the machine, and run "
                "`holdfast register --credentials FILE` there. The passphrase it then asks for "
                "never leaves that machine."
            ),
            action=_("Go to the vaults"),
            href="/vaults",
        ),
        choices=_choices(has_vault=vault is None),
        wish=wish or Wish(sort="name"),
    )


async def machine_lines(visit: Visit, *, vault: str | None = None) -> list[MachineLine]:
    names = await vault_names(visit)
    machines = await all_of(visit, list_machines, vault=vault)
    judged = await all_of(visit, list_safety, wanted=Wanted(kind="machine", vault=vault))
    by_id = {one.id: one for one in judged}
    return [
        MachineLine(
            # Held as long as the page is open: what no list shows would be most of it.
            machine=replace(one, facts=_NO_FACTS),
            vault=names.get(one.vault_id, one.vault_id),
            safety=by_id.get(one.id),
        )
        for one in machines
    ]


def _columns(clock: Clock, *, has_vault: bool) -> list[Column[MachineLine]]:
    vault: Column[MachineLine] = Column(
        name="vault",
        label=_("Vault"),
        value=lambda one: one.vault,
        href=lambda one: f"/vaults/{one.machine.vault_id}",
    )
    return [
        Column(
            name="name",
            label=_("Machine"),
            value=lambda one: one.machine.name,
            href=lambda one: f"/machines/{one.machine.id}",
        ),
        safety_column(_judged),
        word_column("health", _("Agent"), lambda one: one.machine.health, HEALTH),
        *([vault] if has_vault else []),
        ago_column("newest_point", _("Newest point"), lambda one: one.machine.newest_point, clock),
        Column(
            name="points",
            label=_("Points"),
            value=lambda one: one.machine.points,
            href=lambda one: f"/points?machine={one.machine.id}" if one.machine.points else None,
            is_number=True,
        ),
        Column(
            name="bytes_stored",
            label=_("Stored"),
            value=lambda one: one.machine.bytes_stored,
            text=lambda one: shown.size(one.machine.bytes_stored),
            is_number=True,
        ),
        ago_column(
            "last_seen_at",
            _("Last heard"),
            lambda one: one.machine.last_seen_at,
            clock,
            is_minor=True,
        ),
        why_column(_judged),
    ]


def _choices(*, has_vault: bool) -> list[Choice[MachineLine]]:
    vault: Choice[MachineLine] = Choice(name="vault", label=_("Vault"), value=lambda one: one.vault)
    return [
        safety_choice(_judged),
        Choice(name="health", label=_("Agent"), value=lambda one: word(HEALTH, one.machine.health)),
        *([vault] if has_vault else []),
    ]


def _judged(one: MachineLine) -> SafetyView | None:
    return one.safety
