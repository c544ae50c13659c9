"""The audit log: who did what, when, from where, and what was refused."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nicegui import ui

from holdfast.app.control.audit import DENIED, DONE, FAILED, Entry, list_entries
from holdfast.app.control.errors import NotAllowed
from holdfast.base.texts import N_, _
from holdfast.catalog.audit import Filter
from holdfast.console.columns import ago_column
from holdfast.console.pages import page
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.visiting import Visit
from holdfast.fleet.audit_acts import act_shown, act_text
from holdfast.fleet.paging import MOST, Window
from holdfast.fleet.roles import Right

if TYPE_CHECKING:
    from nicegui.events import ValueChangeEventArguments

    from holdfast.console.shown import Tone

_DAY = 24
_EVER = 0
_LONGEST_DETAIL = 120
_OUTCOMES = {DONE: N_("done"), DENIED: N_("refused"), FAILED: N_("failed")}
_TONES: "dict[str, Tone]" = {DONE: "good", DENIED: "bad", FAILED: "bad"}


@page("/audit", title=N_("Audit"), section="audit")
async def audit_page(
    visit: Visit, vault: str = "", actor: str = "", act: str = "", outcome: str = ""
) -> None:
    """Filled in as the API knows them; without `vault` it is about everything there is."""
    log = _Log(visit, vault or _own_vault(visit), actor=actor, act=act)
    await log.show(_(_OUTCOMES[outcome]) if outcome in _OUTCOMES else "")


class _Log:
    def __init__(self, visit: Visit, vault: str, *, actor: str, act: str) -> None:
        self._visit, self._vault = visit, vault
        self._actor, self._act = actor, act
        self._hours = 30 * _DAY
        self._listing: Listing[Entry]

    async def show(self, outcome: str) -> None:
        with ui.element("div").classes("hf-row"):
            self._which_vault()
            self._period()
        self._told = ui.label().classes("hf-muted")
        self._listing = Listing(
            self._visit,
            name="audit",
            columns=_columns(self._visit),
            load=self._load,
            empty=Empty(
                title=_("Nothing was noted in this time"),
                text=_(
                    "Every act of a person, a machine or the server itself is written down here "
                    "in the moment it is done, and so is what was refused to whom."
                ),
            ),
            choices=[
                Choice(name="act", label=_("Act"), value=lambda one: act_text(one.act)),
                Choice(name="outcome", label=_("Outcome"), value=_outcome),
                Choice(name="actor", label=_("Done by"), value=lambda one: one.actor),
            ],
            wish=Wish(
                sort="at",
                is_descending=True,
                chosen={"outcome": outcome} if outcome else {},
            ),
        )
        await self._listing.show()

    def _which_vault(self) -> None:
        """Everything together is for administrators; others see the vaults they watch over."""
        vaults = {
            one.vault_id: one.vault
            for one in self._visit.me.roles
            if self._visit.may(Right.READ_AUDIT, one.vault_id)
        }
        if self._visit.may(Right.READ_AUDIT):
            vaults = {"": _("all"), **vaults}
        if self._vault not in vaults:
            vaults[self._vault] = self._vault
        box = ui.select(vaults, label=_("Vault"), value=self._vault).props("outlined dense")
        box.classes("hf-choice hf-narrow").on_value_change(self._visit.doing(self._change_vault))

    def _period(self) -> None:
        periods = {
            _DAY: _("The last day"),
            30 * _DAY: _("The last 30 days"),
            365 * _DAY: _("The last year"),
            _EVER: _("As far back as it goes"),
        }
        box = ui.select(periods, label=_("Time"), value=self._hours).props("outlined dense")
        box.classes("hf-choice hf-narrow").on_value_change(self._visit.doing(self._change_period))

    async def _change_vault(self, event: "ValueChangeEventArguments[Any]") -> None:
        self._vault = event.value
        await self._listing.refresh()

    async def _change_period(self, event: "ValueChangeEventArguments[Any]") -> None:
        self._hours = event.value
        await self._listing.refresh()

    async def _load(self) -> Sequence[Entry]:
        now = self._visit.plane.clock.now()
        wanted = Filter(
            vault_id=self._vault or None,
            actor=self._actor or None,
            act=self._act or None,
            since=now - timedelta(hours=self._hours) if self._hours else None,
        )
        found = await self._visit.ask(list_entries, wanted, Window(limit=MOST))
        cut = _("The newest {count} of this time are listed; the API and the CLI list all.")
        self._told.set_text(cut.format(count=f"{len(found.items):,}") if found.next else "")
        return found.items


def _own_vault(visit: Visit) -> str:
    """Nothing is everything; whoever may not see that begins with a vault of their own."""
    if visit.may(Right.READ_AUDIT):
        return ""
    own = (one.vault_id for one in visit.me.roles if visit.may(Right.READ_AUDIT, one.vault_id))
    found = next(own, None)
    if found is None:
        raise NotAllowed(
            actor=visit.me.name, right=Right.READ_AUDIT.value, object=_("any of its vaults")
        )
    return found


def _columns(visit: Visit) -> list[Column[Entry]]:
    clock = visit.plane.clock
    return [
        ago_column("at", _("When"), lambda one: one.at, clock),
        Column(name="actor", label=_("Done by"), value=lambda one: one.actor),
        Column(
            name="act",
            label=_("Act"),
            value=lambda one: one.act,
            text=lambda one: act_shown(one.act),
        ),
        Column(name="object", label=_("On what"), value=lambda one: one.object),
        Column(
            name="outcome",
            label=_("Outcome"),
            value=_outcome,
            tone=lambda one: _TONES.get(one.outcome, "idle"),
        ),
        Column(name="address", label=_("From"), value=lambda one: one.address, is_minor=True),
        Column(
            name="detail",
            label=_("Details"),
            value=_detail,
            text=lambda one: _detail(one)[:_LONGEST_DETAIL],
            is_minor=True,
        ),
    ]


def _outcome(entry: Entry) -> str:
    return _(_OUTCOMES[entry.outcome]) if entry.outcome in _OUTCOMES else entry.outcome


def _detail(entry: Entry) -> str:
    if not entry.detail:
        return ""
    return ", ".join(f"{name}: {_plain(value)}" for name, value in entry.detail.items())


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
