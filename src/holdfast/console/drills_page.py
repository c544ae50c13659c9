"""Drills: which machines were proven to come back, when, and which never were."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from holdfast.app.control.drills import DrillRunView, DrillView, list_drills, list_runs
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.charts import Series, time_chart
from holdfast.console.forms import Form
from holdfast.console.pages import page
from holdfast.console.panels import Panel
from holdfast.console.recovery_orders import order_for
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.thing_words import CONSISTENCY, tone, word
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.roles import Right

_EVERY = 10.0
_MOST_RUNS = 500


@page("/drills", title=N_("Drills"), section="drills")
async def drills_page(visit: Visit, verdict: str = "", vm: str = "") -> None:
    ui.label(
        _(
            "A drill starts a machine from its replica, in isolation, looks whether it works, and "
            "removes it again. Only that proves that it would come back."
        )
    ).classes("hf-muted")

    async def load() -> list[DrillView]:
        return await visit.ask(list_drills)

    figures = Panel(load, _figures)
    await figures.refresh()
    rows = await load()
    if rows and visit.may_anywhere(Right.RUN_JOBS):
        _actions(visit, rows)
    said = word(words.VERDICT, verdict) if verdict else ""
    listing = Listing(
        visit,
        name="drills",
        columns=_columns(visit.plane.clock),
        load=load,
        empty=Empty(
            title=_("Nothing can be drilled yet"),
            text=_("A drill needs a replica at another site."),
            action=_("Replication"),
            href="/replications",
        ),
        choices=[
            Choice(name="verdict", label=_("Last drill"), value=_verdict),
            Choice(name="host", label=_("Host"), value=lambda row: row.machine),
        ],
        sort="at",
        wish=Wish(words=vm, chosen={"verdict": said} if said else {}, sort="at"),
    )
    await listing.show()
    past = ui.element("div").classes("hf-stack")

    async def look_back() -> None:
        """Once there is something to look back at; from then on it looks by itself."""
        if past.default_slot.children:
            return
        runs = await all_of(visit, list_runs, most=_MOST_RUNS)
        if runs:
            with past:
                await _past(visit, runs)

    async def again() -> None:
        await figures.refresh()
        await listing.refresh()
        await look_back()

    await look_back()
    visit.every(_EVERY, again)


async def _past(visit: Visit, runs: Sequence[DrillRunView]) -> None:
    with shown.card(_("How long machines took to come up")):
        time_chart(
            visit,
            title=_("Seconds until all checks had passed, of each drill"),
            unit="s",
            series=_trend(runs),
            kind="scatter",
        )
    shown.heading(_("Drills so far"))
    listing = Listing(
        visit,
        name="drill-runs",
        columns=run_columns(visit.plane.clock),
        load=lambda: all_of(visit, list_runs, most=_MOST_RUNS),
        empty=Empty(title=_("None"), text=""),
        choices=[
            Choice(name="verdict", label=_("Verdict"), value=_run_verdict),
            Choice(name="vm", label=_("Virtual machine"), value=lambda row: row.name),
        ],
        sort="begun",
        is_descending=True,
    )
    await listing.show()
    visit.every(_EVERY, listing.refresh)


def _trend(runs: Sequence[DrillRunView]) -> list[Series]:
    """Those that came up, by machine."""
    by_name: dict[str, list[DrillRunView]] = {}
    for one in reversed(runs):
        if one.seconds_to_up is not None:
            by_name.setdefault(one.name, []).append(one)
    return [
        Series(
            name=name,
            points=[(one.begun_at, round(one.seconds_to_up or 0, 1)) for one in some],
        )
        for name, some in sorted(by_name.items())
    ]


def _figures(rows: Sequence[DrillView]) -> None:
    if not rows:
        return
    with ui.element("div").classes("hf-grid").style(words.FIGURES):
        for name in ("passed", "objective-missed", "failed", "not-cleaned", "never"):
            count = sum(row.verdict == name for row in rows)
            label, colour = words.VERDICT[name]
            if count or name in ("passed", "never"):
                shown.figure(
                    _(label),
                    str(count),
                    tone=colour if count else "idle",
                    href=f"/drills?verdict={name}",
                )
        late = sum(row.is_overdue for row in rows)
        shown.figure(_("Overdue"), str(late), tone="bad" if late else "good")


def _verdict(row: DrillView) -> str:
    return word(words.VERDICT, row.verdict)


def _run_verdict(row: DrillRunView) -> str:
    return word(words.VERDICT, row.verdict)


def _columns(clock: Clock) -> list[Column[DrillView]]:
    return [
        Column(
            name="vm",
            label=_("Virtual machine"),
            value=lambda row: row.name,
            href=lambda row: f"/recovery/{row.vm}",
        ),
        Column(
            name="verdict",
            label=_("Last drill"),
            value=lambda row: row.verdict,
            text=_verdict,
            tone=lambda row: tone(words.VERDICT, row.verdict),
            href=lambda row: f"/drills/{row.run}" if row.run else None,
        ),
        Column(
            name="at",
            label=_("When"),
            value=lambda row: row.at,
            text=lambda row: words.unbroken(shown.ago(row.at, clock.now())),
        ),
        Column(
            name="passed",
            label=_("Last passed"),
            value=lambda row: row.passed_at,
            text=lambda row: words.unbroken(shown.ago(row.passed_at, clock.now())),
        ),
        Column(
            name="rto",
            label=_("Up after"),
            value=lambda row: row.seconds_to_up,
            text=lambda row: shown.duration(row.seconds_to_up),
            is_number=True,
        ),
        Column(
            name="rpo",
            label=_("Would have lost"),
            value=lambda row: row.rpo_seconds,
            text=lambda row: shown.duration(row.rpo_seconds),
            is_number=True,
            is_minor=True,
        ),
        Column(
            name="due",
            label=_("Next"),
            value=lambda row: row.due_at,
            text=lambda row: words.unbroken(_due(row, clock)),
            tone=lambda row: "bad" if row.is_overdue else None,
        ),
    ]


def _due(row: DrillView, clock: Clock) -> str:
    if row.due_at is None:
        return _("not scheduled")
    said = shown.ago(row.due_at, clock.now())
    return _("overdue: {when}").format(when=said) if row.is_overdue else said


def run_columns(clock: Clock) -> list[Column[DrillRunView]]:
    return [
        Column(
            name="begun",
            label=_("Begun"),
            value=lambda row: row.begun_at,
            text=lambda row: words.unbroken(shown.ago(row.begun_at, clock.now())),
            href=lambda row: f"/drills/{row.id}",
        ),
        Column(name="vm", label=_("Virtual machine"), value=lambda row: row.name),
        Column(
            name="verdict",
            label=_("Verdict"),
            value=lambda row: row.verdict,
            text=_run_verdict,
            tone=lambda row: tone(words.VERDICT, row.verdict),
            href=lambda row: f"/drills/{row.id}",
        ),
        Column(name="why", label=_("Why"), value=lambda row: row.reason),
        Column(
            name="rto",
            label=_("Up after"),
            value=lambda row: row.seconds_to_up,
            text=lambda row: shown.duration(row.seconds_to_up),
            is_number=True,
        ),
        Column(
            name="class",
            label=_("Consistency"),
            value=lambda row: row.consistency,
            text=lambda row: word(CONSISTENCY, row.consistency or None),
            is_minor=True,
        ),
        Column(name="host", label=_("Host"), value=lambda row: row.machine, is_minor=True),
        Column(name="who", label=_("By"), value=lambda row: row.who, is_minor=True),
    ]


def _actions(visit: Visit, rows: Sequence[DrillView]) -> None:
    async def run() -> None:
        await _run(visit, rows)

    with ui.element("div").classes("hf-row"):
        ui.button(_("Run a drill"), icon="fact_check", on_click=visit.doing(run)).props(
            "no-caps unelevated color=primary"
        )
        ui.label(
            _("By themselves, on the site's host: `holdfast drill schedule VM 'sun 03:00'`.")
        ).classes("hf-muted")


async def _run(visit: Visit, rows: Sequence[DrillView]) -> None:
    offered: dict[str, Any] = {f"{row.machine_id} {row.vm}": row for row in rows}
    text = _("It starts in isolation beside the replication, and is removed afterwards.")
    with Form(_("Run a drill"), yes=_("Run it"), text=text) as form:
        box = ui.select(
            {key: f"{row.name} ({row.machine})" for key, row in offered.items()},
            label=_("Virtual machine"),
            with_input=True,
        ).classes("w-full")
    if not await form.agreed() or not box.value:
        return
    row: DrillView = offered[box.value]
    made = await order_for(visit, row.vm, row.name, act="drill", arguments={}, host=row.machine_id)
    ui.navigate.to(f"/recovery/{row.vm}?job={made.id}")
