"""What is wrong, by its causes: all of them, and one with everything that hangs on it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from nicegui import ui

from holdfast.app.control.alert_rules import AlertView, list_alerts
from holdfast.app.control.problem_grouping import Ref
from holdfast.app.control.problems import ProblemView, list_problems, show_problem
from holdfast.base.texts import N_, _, ngettext
from holdfast.console import shown
from holdfast.console.columns import ago_column
from holdfast.console.pages import page
from holdfast.console.problem_words import grave
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of

_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Something that hangs on a problem."""

    kind: str
    ref: Ref
    href: str


@page("/problems", title=N_("Problems"), section="overview")
async def problems_page(visit: Visit) -> None:
    listing = Listing(
        visit,
        name="problems",
        columns=_columns(visit),
        load=lambda: all_of(visit, list_problems),
        empty=Empty(
            title=_("Nothing is wrong."),
            text=_(
                "What goes wrong is told here by its cause: one broken link is one problem, with "
                "all that hangs on it."
            ),
            action=_("To the overview"),
            href="/",
        ),
        choices=[
            Choice(name="severity", label=_("Severity"), value=lambda one: grave(one.severity)[0])
        ],
        wish=Wish(sort=""),
    )
    await listing.show()
    visit.every(_SECONDS, listing.refresh)


@page("/problems/{problem_id}", title=N_("Problem"), section="overview")
async def problem_page(visit: Visit, problem_id: str) -> None:
    found = await visit.ask(show_problem, problem_id)
    word, tone = grave(found.severity)
    with shown.card():
        with ui.element("div").classes("hf-row"):
            shown.chip(word, tone)
            ui.label(_("since {time}").format(time=shown.when(found.since))).classes("hf-muted")
        shown.subject(found.sentence)
        if found.remedy:
            shown.prose(found.remedy).classes("hf-pre")
        if found.code:
            ui.label(found.code).classes("hf-code")
        _alerts(found)
    if not found.machines and not found.vms:
        return
    shown.heading(_("What hangs on it"))
    await _members(visit, found).show()


@page("/problems/{problem_id}/alerts", title=N_("Alerts"), section="overview")
async def problem_alerts_page(visit: Visit, problem_id: str) -> None:
    found = await visit.ask(show_problem, problem_id)
    shown.link(found.sentence, _place(found))

    mine = set(found.alerts)

    async def load() -> list[AlertView]:
        every = await all_of(visit, list_alerts, is_open=True)
        return [one for one in every if one.id in mine]

    listing = Listing(
        visit,
        name="alerts",
        columns=_alert_columns(visit),
        load=load,
        empty=Empty(title=_("No alert is open"), text=""),
        sort="since",
        is_descending=True,
    )
    await listing.show()


def _alerts(found: ProblemView) -> None:
    count = len(found.alerts)
    if count:
        text = ngettext("{count} alert tells of it", "{count} alerts tell of it", count)
        shown.link(text.format(count=count), f"{_place(found)}/alerts")


def _place(one: ProblemView) -> str:
    return f"/problems/{quote(one.id, safe='')}"


def _severity_column() -> Column[Any]:
    """Of a problem, or of an alert."""
    return Column(
        name="severity",
        label=_("Severity"),
        value=lambda one: grave(one.severity)[0],
        tone=lambda one: grave(one.severity)[1],
    )


def _alert_columns(visit: Visit) -> list[Column[AlertView]]:
    return [
        _severity_column(),
        Column(
            name="sentence",
            label=_("Alert"),
            value=lambda one: one.sentence,
            href=lambda one: f"/alerts/{one.id}",
        ),
        ago_column("since", _("Since"), lambda one: one.first_at, visit.plane.clock),
    ]


def _columns(visit: Visit) -> list[Column[ProblemView]]:
    return [
        _severity_column(),
        Column(
            name="problem",
            label=_("Problem"),
            value=lambda one: one.sentence,
            href=_place,
        ),
        Column(
            name="affected",
            label=_("Affects"),
            value=lambda one: one.machine_count + one.vm_count,
            text=lambda one: one.affected or "-",
        ),
        ago_column("since", _("Since"), lambda one: one.since, visit.plane.clock),
        Column(name="remedy", label=_("What to do"), value=lambda one: one.remedy, is_minor=True),
    ]


def _members(visit: Visit, found: ProblemView) -> Listing[Member]:
    some = [
        *(Member(kind=_("Machine"), ref=one, href=f"/machines/{one.id}") for one in found.machines),
        *(
            Member(kind=_("Virtual machine"), ref=one, href=f"/vms?name={quote(one.name)}")
            for one in found.vms
        ),
    ]

    async def load() -> list[Member]:
        return some

    return Listing(
        visit,
        name="affected",
        columns=[
            Column(
                name="name",
                label=_("Name"),
                value=lambda one: one.ref.name,
                href=lambda one: one.href,
            ),
            Column(name="kind", label=_("Kind"), value=lambda one: one.kind),
        ],
        load=load,
        empty=Empty(title="", text=""),
        choices=[Choice(name="kind", label=_("Kind"), value=lambda one: one.kind)],
        sort="name",
    )
