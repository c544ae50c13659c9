"""One policy, new or known: written, tried out while it is written, and saved."""

from typing import Any

from nicegui import ui

from holdfast.app.control.assignments import AssignmentView, list_assignments
from holdfast.app.control.policies import (
    PolicyView,
    change_policy,
    create_policy,
    delete_policy,
    proposal,
    show_policy,
)
from holdfast.app.control.preview import preview_change
from holdfast.app.control.retention_trial import try_policy
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_, _
from holdfast.console import policy_preview, shown
from holdfast.console.asking import confirm, with_pin
from holdfast.console.here import zone_name
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.panels import Panel, acting
from holdfast.console.policy_fields import PolicyFields
from holdfast.console.policy_form import body_of, form_of
from holdfast.console.policy_preview import Outcome
from holdfast.console.tables import Column, Empty, Listing
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of, vault_names
from holdfast.fleet.roles import Right
from holdfast.fleet.virtual_machines import sources_text


@page("/policies/new", title=N_("New policy"), section="policies")
async def new_policy_page(visit: Visit, vault: str = "") -> None:
    names = await vault_names(visit)
    wanted = vault or next(iter(names), "")
    if not wanted:
        shown.empty(
            _("There is no vault yet"),
            _("A policy belongs to a vault: make one first."),
            action=_("Go to the vaults"),
            href="/vaults",
        )
        return
    if len(names) > 1:
        box = ui.select(names, label=_("Vault"), value=wanted).props("outlined dense")
        box.on_value_change(visit.doing(lambda: ui.navigate.to(f"/policies/new?vault={box.value}")))
    body = await visit.ask(proposal, wanted, zone=zone_name())
    await _Editor(visit, wanted, body, known=None).show()


@page("/policies/{policy_id}", title=N_("Policy"), section="policies")
async def policy_page(visit: Visit, policy_id: str) -> None:
    known = await visit.ask(show_policy, policy_id)
    with ui.element("div").classes("hf-row"):
        shown.subject(known.name)
        shown.link(
            (await vault_names(visit)).get(known.vault_id, known.vault_id),
            f"/vaults/{known.vault_id}",
        )
        ui.label(_("version {number}").format(number=known.version)).classes("hf-muted")
    await _Editor(visit, known.vault_id, known.body, known=known).show()
    await _assigned(visit, known)


class _Editor:
    def __init__(
        self, visit: Visit, vault: str, body: dict[str, Any], *, known: PolicyView | None
    ) -> None:
        self._visit, self._vault, self._body, self._known = visit, vault, body, known
        self._may = visit.may(Right.CHANGE_POLICIES, vault)

    async def show(self) -> None:
        with ui.element("div").classes("hf-halves"):
            with ui.element("div").classes("hf-stack"):
                self._fields = PolicyFields(form_of(self._body), self._visit.doing(self._changed))
                if self._may:
                    self._buttons()
            self._panel: Panel[Outcome] = Panel(
                self._load,
                lambda found: policy_preview.draw(self._visit, found),
                classes="hf-beside",
            )
        await self._panel.refresh()

    def _buttons(self) -> None:
        with ui.element("div").classes("hf-row"):
            ui.button(_("Save"), on_click=acting(self._visit, self._save)).props(
                "unelevated no-caps color=primary"
            )
            if self._known is not None:
                ui.button(_("Delete"), on_click=acting(self._visit, self._delete)).props(
                    "outline no-caps color=primary"
                )

    async def _changed(self) -> None:
        await self._panel.refresh()

    def _written(self) -> dict[str, Any]:
        return body_of(self._fields.written(), self._body)

    async def _load(self) -> Outcome:
        body = self._written()
        try:
            trial = await self._visit.ask(try_policy, self._vault, body)
            change = None
            if self._known is not None:
                change = await self._visit.ask(preview_change, self._known.id, body)
        except HoldfastError as err:
            return Outcome(wrong=err)
        return Outcome(trial=trial, change=change)

    async def _save(self) -> None:
        body = self._written()
        if self._known is None:
            made = await self._visit.ask(create_policy, self._vault, body)
            ui.navigate.to(f"/policies/{made.id}")
            return
        policy_id = self._known.id

        async def act(visit: Visit) -> PolicyView:
            return await visit.ask(change_policy, policy_id, body)

        changed = await with_pin(self._visit, act)
        if changed is not None:
            self._body = changed.body
            say(_("Saved; agents take it over at their next heartbeat"))
            await self._panel.refresh()

    async def _delete(self) -> None:
        assert self._known is not None
        is_sure = await confirm(
            _("Delete {policy}").format(policy=self._known.name),
            _("Only a policy that is assigned to nothing can be deleted."),
            yes=_("Delete"),
            is_dangerous=True,
        )
        if is_sure:
            await self._visit.ask(delete_policy, self._known.id)
            ui.navigate.to(f"/policies?vault={self._vault}")


async def _assigned(visit: Visit, known: PolicyView) -> None:
    with shown.card(_("What it protects")):
        await Listing(
            visit,
            name="assignments",
            columns=_columns(visit),
            load=lambda: all_of(visit, list_assignments, policy=known.id),
            empty=Empty(
                title=_("It protects nothing yet"),
                text=_("Assign it to folders or virtual machines on the page of a machine."),
                action=_("Go to the machines"),
                href=f"/machines?vault={known.vault_id}",
            ),
        ).show()


def _columns(visit: Visit) -> list[Column[AssignmentView]]:
    return [
        Column(
            name="machine",
            label=_("Machine"),
            value=lambda one: one.machine,
            href=lambda one: f"/machines/{one.machine_id}",
        ),
        Column(
            name="sources",
            label=_("Of it"),
            value=lambda one: sources_text(one.paths, one.vms),
        ),
        Column(
            name="next_run",
            label=_("Next run"),
            value=lambda one: one.next_runs[0] if one.next_runs else None,
            text=lambda one: _next(one, visit),
        ),
    ]


def _next(one: AssignmentView, visit: Visit) -> str:
    if one.is_paused:
        return _("paused")
    return shown.ago(one.next_runs[0], visit.plane.clock.now()) if one.next_runs else "-"
