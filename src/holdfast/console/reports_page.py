"""All reports: how the week went, how long there is room, drills, and what the planner found."""

from nicegui import ui

from holdfast.app.control import drills
from holdfast.app.control.alert_rules import TargetView, list_targets
from holdfast.app.control.drills import DrillRunView
from holdfast.app.control.reports import keeping, words
from holdfast.app.control.reports.capacity import Capacity, forecast
from holdfast.app.control.reports.keeping import KeptView
from holdfast.app.control.reports.weekly import weekly
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.columns import ago_column
from holdfast.console.pages import page
from holdfast.console.panels import acting
from holdfast.console.plain_tables import Cell, moment_cell, plain_table, time_cell
from holdfast.console.report_parts import rooms, zone_of
from holdfast.console.report_week_page import figures, verdict
from holdfast.console.tables import Column, Empty, Listing
from holdfast.console.visiting import Visit
from holdfast.console.weekdays import weekdays
from holdfast.console.whole_lists import all_of, vault_names
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Right
from holdfast.recovery.drills.drill import DrillVerdict
from holdfast.recovery.drills.wording import verdict_text
from holdfast.replication.planner.bandwidth import format_bandwidth

_FEW = 5


@page("/reports", title=N_("Reports"), section="reports")
async def reports_page(visit: Visit) -> None:
    week = await visit.ask(weekly)
    ui.label(
        _("What you can show around: each report can be taken along as one file, or be printed.")
    ).classes("hf-muted")
    shown.heading(_("The last seven days"))
    verdict(visit, week, href="/reports/weekly")
    figures(week)
    await _mails(visit)
    _room(visit, await visit.ask(forecast))
    await _drills(visit)
    await _plans(visit)


async def _mails(visit: Visit) -> None:
    found = [one for one in await visit.ask(list_targets) if one.weekly_on]
    with shown.card(_("Sent each week")):
        if not found:
            ui.label(
                _(
                    "Nobody gets the weekly summary yet. It comes by mail, chat or any other way "
                    "that alerts go."
                )
            )
            shown.link(_("Say where alerts and summaries go"), "/alerts")
            return
        rows = [
            [
                _place(one),
                Cell(weekdays()[str(one.weekly_on)]),
                Cell(one.summary_at),
                Cell(one.summary_zone),
            ]
            for one in found
        ]
        plain_table("summaries", [_("To"), _("Day"), _("At"), _("Time zone")], rows)


def _place(one: TargetView) -> Cell:
    return Cell(one.name, href=f"/alert-targets/{one.id}")


def _room(visit: Visit, found: Capacity) -> None:
    with shown.card(_("How long there is room")):
        if not found.vaults:
            ui.label(_("There is no vault yet.")).classes("hf-muted")
            return
        rooms(visit, found)
        shown.link(_("Drawn, with what is ahead"), "/reports/capacity")


async def _drills(visit: Visit) -> None:
    found = await visit.ask(drills.list_runs, Window(limit=_FEW))
    with shown.card(_("Drill reports")):
        if not found.items:
            ui.label(
                _(
                    "No drill was run yet: it starts a replica, looks whether it works, and cleans up."
                )
            )
            shown.link(_("See what could be drilled"), "/drills")
            return
        head = [_("Machine"), _("When"), _("How it went"), _("Time to recover")]
        plain_table("drill-reports", head, [_drill(visit, one) for one in found.items])
        shown.link(_("All drills and their reports"), "/drills")


def _drill(visit: Visit, one: DrillRunView) -> list[Cell]:
    known = {verdict.value for verdict in DrillVerdict}
    text = verdict_text(DrillVerdict(one.verdict)) if one.verdict in known else one.verdict
    is_good = one.verdict == DrillVerdict.PASSED.value
    return [
        Cell(one.name, href=f"/drills/{one.id}"),
        moment_cell(one.begun_at, words.minute(one.begun_at, zone_of(visit))),
        Cell(text, tone="good" if is_good else "bad"),
        time_cell(one.seconds_to_up),
    ]


async def _plans(visit: Visit) -> None:
    names = await vault_names(visit)
    shown.heading(_("Reports of the planner"))
    listing = Listing(
        visit,
        name="reports",
        columns=_columns(visit, names),
        load=lambda: all_of(visit, keeping.list_kept),
        empty=Empty(
            title=_("Nothing was sent here yet"),
            text=_(
                "On a host with virtual machines, `holdfast planner profile` looks at what they "
                "write, and `holdfast planner report --send VAULT` keeps what replicating them "
                "needs here."
            ),
        ),
        sort="made_at",
        is_descending=True,
    )
    await listing.show()
    found = await all_of(visit, keeping.list_kept)
    if found:
        _take(visit, found)


def _take(visit: Visit, found: list[KeptView]) -> None:
    """A report is a page of somebody else's: it is handed over as a file, never shown as ours."""
    named = {one.id: f"{one.title}, {words.minute(one.made_at, zone_of(visit))}" for one in found}
    with ui.element("div").classes("hf-row"):
        box = ui.select(named, label=_("Report"), value=found[0].id)
        box.props("dense outlined options-dense").classes("hf-narrow")

        async def download() -> None:
            content = await visit.ask(keeping.kept_page, str(box.value))
            ui.download.content(content.encode(), "holdfast-plan.html")

        async def drop() -> None:
            agreed = await confirm(
                _("Remove this report?"),
                _("It is gone from here; the host it was made on can make it anew."),
                yes=_("Remove it"),
            )
            if agreed:
                await visit.ask(keeping.drop_report, str(box.value))
                ui.navigate.to("/reports")

        take = ui.button(_("Take it along"), icon="download", on_click=visit.doing(download))
        take.props("outline no-caps color=primary")
        away = ui.button(_("Remove"), on_click=acting(visit, drop)).props("flat no-caps")
        away.set_enabled(visit.may_anywhere(Right.CHANGE_POLICIES))


def _columns(visit: Visit, names: dict[str, str]) -> list[Column[KeptView]]:
    return [
        Column(name="title", label=_("Report"), value=lambda one: one.title),
        ago_column("made_at", _("Made"), lambda one: one.made_at, visit.plane.clock),
        Column(
            name="vault",
            label=_("Vault"),
            value=lambda one: names.get(one.vault_id, ""),
            href=lambda one: f"/vaults/{one.vault_id}",
        ),
        Column(
            name="machines",
            label=_("Machines"),
            value=lambda one: one.facts.get("machines"),
            is_number=True,
        ),
        Column(
            name="bandwidth",
            label=_("Bandwidth needed"),
            value=lambda one: one.facts.get("bandwidth"),
            text=_bandwidth,
            is_number=True,
        ),
        Column(name="kept_by", label=_("Sent by"), value=lambda one: one.kept_by, is_minor=True),
    ]


def _bandwidth(one: KeptView) -> str:
    known = one.facts.get("bandwidth")
    return format_bandwidth(known) if isinstance(known, int | float) else words.NOTHING
