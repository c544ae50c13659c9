"""Every policy: when it runs, what it keeps, how much it protects."""

from dataclasses import dataclass

from nicegui import ui

from holdfast.app.control.policies import PolicyView, list_all_policies
from holdfast.base.texts import N_, _
from holdfast.console.columns import ago_column
from holdfast.console.pages import page
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of, vault_names
from holdfast.fleet.roles import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    policy: PolicyView
    vault: str


@page("/policies", title=N_("Policies"), section="policies")
async def policies_page(visit: Visit, vault: str = "", name: str = "") -> None:
    with ui.element("div").classes("hf-row"):
        ui.label(
            _("When to back up, what to keep, how to prove it; assigned to folders and machines.")
        ).classes("hf-muted")
        ui.space()
        if visit.may_anywhere(Right.CHANGE_POLICIES):
            target = f"/policies/new?vault={vault}" if vault else "/policies/new"
            with ui.link(target=target).classes("hf-button hf-button-main"):
                ui.label(_("New policy"))
    lines = await _lines(visit)
    chosen = {one.vault for one in lines if one.policy.vault_id == vault}
    listing = Listing(
        visit,
        name="policies",
        columns=_columns(visit),
        load=lambda: _lines(visit),
        empty=Empty(
            title=_("There is no policy yet"),
            text=_(
                "A policy says when backups run and how long their points are kept. While you "
                "write it, you see what it would keep."
            ),
            action=_("New policy"),
            href="/policies/new",
        ),
        choices=[Choice(name="vault", label=_("Vault"), value=lambda one: one.vault)],
        wish=Wish(words=name, sort="name", chosen={"vault": chosen.pop()} if chosen else {}),
    )
    await listing.show()


async def _lines(visit: Visit) -> list[PolicyLine]:
    names = await vault_names(visit)
    return [
        PolicyLine(policy=one, vault=names.get(one.vault_id, one.vault_id))
        for one in await all_of(visit, list_all_policies)
    ]


def _columns(visit: Visit) -> list[Column[PolicyLine]]:
    return [
        Column(
            name="name",
            label=_("Policy"),
            value=lambda one: one.policy.name,
            href=lambda one: f"/policies/{one.policy.id}",
        ),
        Column(
            name="vault",
            label=_("Vault"),
            value=lambda one: one.vault,
            href=lambda one: f"/vaults/{one.policy.vault_id}",
        ),
        Column(
            name="schedule",
            label=_("Schedule"),
            value=lambda one: f"{one.policy.body['schedule']} ({one.policy.body.get('zone')})",
        ),
        Column(name="retention", label=_("Keeps"), value=_keeps),
        Column(
            name="attached",
            label=_("Protects"),
            value=lambda one: one.policy.attached,
            href=lambda one: f"/policies/{one.policy.id}" if one.policy.attached else None,
            is_number=True,
        ),
        ago_column(
            "changed_at",
            _("Changed"),
            lambda one: one.policy.changed_at,
            visit.plane.clock,
            is_minor=True,
        ),
    ]


def _keeps(one: PolicyLine) -> str:
    return ", ".join(one.policy.body.get("retention") or ()) or _("everything")
