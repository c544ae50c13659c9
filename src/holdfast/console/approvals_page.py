"""Approvals: dangerous acts that wait for a second person's word."""

from nicegui import ui

from holdfast.app.control.approvals import (
    ApprovalFacts,
    decide_approval,
    list_approvals,
    show_approval,
)
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.approval_words import names_text, request_facts
from holdfast.console.asking import confirm
from holdfast.console.columns import ago_column
from holdfast.console.job_parts import as_told
from holdfast.console.pages import page
from holdfast.console.shown import Tone
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.audit_acts import act_text
from holdfast.fleet.roles import Right

_SECONDS = 5.0
_STATES = {
    "waiting": N_("waiting"),
    "approved": N_("approved"),
    "refused": N_("refused"),
    "used": N_("used"),
    "expired": N_("expired"),
}
_TONES: dict[str, Tone] = {"waiting": "busy", "approved": "good", "refused": "bad"}


@page("/approvals", title=N_("Approvals"), section="approvals")
async def approvals_page(visit: Visit, state: str = "") -> None:
    """`state` as the API knows it."""
    listing = Listing(
        visit,
        name="approvals",
        columns=_columns(visit),
        load=lambda: all_of(visit, list_approvals),
        empty=Empty(
            title=_("Nothing waits for approval"),
            text=_(
                "In a vault with approval by a second person a dangerous act shows here first, and "
                "is done only after somebody else has agreed to exactly that."
            ),
        ),
        choices=[Choice(name="state", label=_("State"), value=_state)],
        wish=Wish(
            sort="since",
            is_descending=True,
            chosen={"state": _(_STATES[state])} if state in _STATES else {},
        ),
    )
    await listing.show()
    visit.every(_SECONDS, listing.refresh)


def _columns(visit: Visit) -> list[Column[ApprovalFacts]]:
    clock = visit.plane.clock
    return [
        Column(
            name="act",
            label=_("Act"),
            value=lambda one: act_text(one.act),
            href=lambda one: f"/approvals/{one.id}",
        ),
        Column(name="on", label=_("On"), value=names_text),
        Column(
            name="state",
            label=_("State"),
            value=_state,
            tone=lambda one: _TONES.get(one.state, "idle"),
        ),
        Column(name="vault", label=_("Vault"), value=lambda one: one.vault),
        Column(name="by", label=_("Asked by"), value=lambda one: one.asked_by),
        ago_column("since", _("Asked for"), lambda one: one.asked_at, clock),
        ago_column("until", _("Good until"), lambda one: one.expires_at, clock, is_minor=True),
        Column(
            name="decided", label=_("Decided by"), value=lambda one: one.decided_by, is_minor=True
        ),
    ]


@page("/approvals/{approval_id}", title=N_("Approval"), section="approvals")
async def approval_page(visit: Visit, approval_id: str) -> None:
    found = await visit.ask(show_approval, approval_id)
    act = act_text(found.act)
    shown.name_tab(f"{act}, {found.vault}")
    with shown.card():
        with ui.element("div").classes("hf-row"):
            shown.chip(_state(found), _TONES.get(found.state, "idle"))
            ui.label(act).classes("hf-strong")
        shown.facts(
            [
                *request_facts(found),
                (_("Vault"), found.vault, f"/vaults/{found.vault_id}"),
                (_("Asked by"), found.asked_by),
                (_("Asked for"), shown.when(found.asked_at)),
                (_("Good until"), shown.when(found.expires_at)),
                *_decision(found),
            ]
        )
        as_told(_("The request, word for word"), found.request)
        _what_next(visit, found)


def _what_next(visit: Visit, found: ApprovalFacts) -> None:
    if found.state == "approved" and found.asked_by == visit.me.name:
        text = _("It is approved. Do the same again: it is good for exactly that, once.")
        ui.label(text).classes("hf-strong")
    if found.state != "waiting":
        return
    if found.asked_by == visit.me.name:
        ui.label(_("You asked for it, so somebody else has to decide it.")).classes("hf-muted")
        return
    _decide(visit, found)


def _decide(visit: Visit, found: ApprovalFacts) -> None:
    async def approve() -> None:
        title = _("Approve '{act}' in {vault}?").format(act=act_text(found.act), vault=found.vault)
        text = _("{name} may then do exactly this, once, until it expires.")
        if await confirm(title, text.format(name=found.asked_by), yes=_("Approve")):
            await decide(approve=True)

    async def refuse() -> None:
        await decide(approve=False)

    async def decide(*, approve: bool) -> None:
        await visit.ask(decide_approval, found.id, approve=approve)
        ui.navigate.to(f"/approvals/{found.id}")

    may = visit.may(Right.DECIDE_APPROVALS, found.vault_id)
    with ui.element("div").classes("hf-row"):
        button = ui.button(_("Approve"), on_click=visit.doing(approve))
        button.props("unelevated no-caps color=primary").set_enabled(may)
        button = ui.button(_("Refuse"), on_click=visit.doing(refuse))
        button.props("outline no-caps color=primary").set_enabled(may)
        if not may:
            ui.label(_("Contributors of the vault decide this.")).classes("hf-muted")


def _decision(found: ApprovalFacts) -> list[tuple[str, str]]:
    if found.decided_by is None:
        return []
    return [(_("Decided by"), found.decided_by), (_("Decided"), shown.when(found.decided_at))]


def _state(one: ApprovalFacts) -> str:
    return _(_STATES[one.state]) if one.state in _STATES else one.state
