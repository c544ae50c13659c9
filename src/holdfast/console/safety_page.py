"""The list behind the figures of the overview: each machine, how safe it is, and why."""

from typing import Annotated

from fastapi import Query
from nicegui import ui

from holdfast.app.control.safety_views import SafetyView, Wanted, list_safety
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.columns import ago_column
from holdfast.console.narrowed import narrowed, only_these
from holdfast.console.pages import page
from holdfast.console.safety_shown import safety_choice, safety_column, why_column
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.thing_words import SAFETY, proven_text, wished, word
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of

_SECONDS = 15.0
_PROVEN = {"true": True, "false": False}


@page("/safety", title=N_("How safe everything is"), section="overview")
async def safety_page(
    visit: Visit,
    safety: Annotated[list[str] | None, Query()] = None,
    kind: str = "",
    vault: str = "",
    proven: str = "",
) -> None:
    """As the API takes them; `safety` several times as well."""
    states = safety or []
    wanted = Wanted(kind=kind or None, vault=vault or None, is_proven=_PROVEN.get(proven))
    ui.label(
        _(
            "Protected is what has a policy or a replica, and a point as fresh as its vault asks "
            "for. What speaks against it stands beside it."
        )
    ).classes("hf-muted")
    # One alone is chosen in the list, where it can be changed.
    several = states if len(states) > 1 else []
    if several:
        narrowed(only_these(", ".join(word(SAFETY, one) for one in several)), "/safety")

    async def load() -> list[SafetyView]:
        found = await all_of(visit, list_safety, wanted=wanted)
        return [one for one in found if not several or one.safety in several]

    listing = Listing(
        visit,
        name="safety",
        columns=_columns(visit.plane.clock),
        load=load,
        empty=Empty(
            title=_("Nothing fits"),
            text=_("No machine and no virtual machine is like that, or none is registered yet."),
            action=_("Get started"),
            href="/start",
        ),
        choices=_choices(),
        wish=Wish(
            sort="name", chosen={"safety": "" if several else wished(SAFETY, "".join(states))}
        ),
    )
    await listing.show()
    visit.every(_SECONDS, listing.refresh)


def _columns(clock: Clock) -> list[Column[SafetyView]]:
    return [
        Column(name="name", label=_("Name"), value=lambda one: one.name, href=_place),
        Column(name="kind", label=_("Kind"), value=_kind),
        safety_column(_itself),
        why_column(_itself, is_minor=False),
        ago_column("point_at", _("Newest point"), lambda one: one.point_at, clock),
        Column(
            name="rpo_seconds",
            label=_("Behind"),
            value=lambda one: one.rpo_seconds,
            text=lambda one: shown.duration(one.rpo_seconds),
            is_number=True,
        ),
        Column(
            name="proven_at",
            label=_("Proven"),
            value=lambda one: one.proven_at,
            text=lambda one: proven_text(one, clock.now()),
        ),
        Column(
            name="vault",
            label=_("Vault"),
            value=lambda one: one.vault,
            href=lambda one: f"/vaults/{one.vault_id}",
            is_minor=True,
        ),
    ]


def _choices() -> list[Choice[SafetyView]]:
    return [
        safety_choice(_itself),
        Choice(name="kind", label=_("Kind"), value=_kind),
        Choice(name="vault", label=_("Vault"), value=lambda one: one.vault),
    ]


def _kind(one: SafetyView) -> str:
    return _("Virtual machine") if one.kind == "vm" else _("Machine")


def _place(one: SafetyView) -> str:
    return f"/vms/{one.machine_id}/{one.id}" if one.kind == "vm" else f"/machines/{one.id}"


def _itself(one: SafetyView) -> SafetyView:
    return one
