"""Drills: which machines were proven to come back, when, and which never were."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from nicegui import ui

from holdfast.app.control.drills import DrillRunView, DrillView, list_drills, list_runs
from holdfast.base.clock import Clock
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.charts import Series, time_chart
from holdfast.console.columns import ago_column, time_column, vm_column, word_column
from holdfast.console.drill_schedule import key_of, schedule_drills
from holdfast.console.forms import Form
from holdfast.console.narrowed import narrowed, only_these
from holdfast.console.one_look import OneLook
from holdfast.console.pages import page
from holdfast.console.panels import Panel
from holdfast.console.recovery_orders import order_for
from holdfast.console.tables import Choice, Column, Empty, Listing, Wish
from holdfast.console.thing_words import CONSISTENCY, wished, word
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.roles import Right

_EVERY = 10.0
_MOST_RUNS = 500
Judged = TypeVar("Judged", DrillView, DrillRunView)


@page("/drills", title=N_("Drills"), section="drills")
async def drills_page(
    visit: Visit, verdict: str = "", vm: str = "", schedule: str = "", *, overdue: bool = False
) -> None:
    ui.label(
        _(
            "A drill starts a machine from its replica, in isolation, looks whether it works, and "
            "removes it again. Only that proves that it would come back."
        )
    ).classes("hf-muted")

    async def load() -> list[DrillView]:
        return await visit.ask(list_drills)

    look = OneLook(load)
    figures = Panel(look.anew, _figures)
    await figures.refresh()
    rows = await look.last()
    may = bool(rows) and visit.may_anywhere(Right.RUN_JOBS)
    if may:
        _actions(visit, look)
    said = wished(words.VERDICT, verdict)
    listing = Listing(
        visit,
        name="drills",
        columns=_columns(visit.plane.clock, may=may),
        load=_overdue(look) if overdue else look.last,
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
    runs = OneLook(lambda: all_of(visit, list_runs, most=_MOST_RUNS))

    async def look_back() -> None:
        """Once there is something to look back at; from then on it looks by itself."""
        if past.default_slot.children:
            return
        if await runs.anew():
            with past:
                await _past(visit, runs)

    async def again() -> None:
        await figures.refresh()
        await listing.refresh()
        await look_back()

    await look_back()
    visit.every(_EVERY, again)
    if may and schedule:

        async def begin() -> None:
            await schedule_drills(visit, rows, schedule)

        # Once the page is there: it is not to wait for what is answered in a dialog.
        ui.timer(0, visit.doing(begin), once=True)


def _overdue(look: OneLook[DrillView]) -> Callable[[], Awaitable[list[DrillView]]]:
    narrowed(only_these(_("Overdue")), "/drills")

    async def load() -> list[DrillView]:
        return [row for row in await look.last() if row.is_overdue]

    return load


async def _past(visit: Visit, runs: OneLook[DrillRunView]) -> None:
    with shown.card(_("How long machines took to come up")):
        time_chart(
            visit,
            title=_("Seconds until all checks had passed, of each drill"),
            unit="s",
            series=_trend(await runs.last()),
            kind="scatter",
        )
    shown.heading(_("Drills so far"))
    listing = Listing(
        visit,
        name="drill-runs",
        columns=run_columns(visit.plane.clock),
        load=runs.last,
        empty=Empty(title=_("None"), text=""),
        choices=[
            Choice(name="verdict", label=_("Verdict"), value=_verdict),
            Choice(name="vm", label=_("Virtual machine"), value=lambda row: row.name),
        ],
        sort="begun",
        is_descending=True,
    )
    await listing.show()

    async def again() -> None:
        await runs.anew()
        await listing.refresh()

    visit.every(_EVERY, again)


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
        tone: shown.Tone = "bad" if late else "good"
        shown.figure(_("Overdue"), str(late), tone=tone, href="/drills?overdue=true")


def _verdict(row: Judged) -> str:
    return word(words.VERDICT, row.verdict)


def _columns(clock: Clock, *, may: bool) -> list[Column[DrillView]]:
    return [
        vm_column(lambda row: f"/recovery/{row.vm}"),
        word_column(
            "verdict",
            _("Last drill"),
            lambda row: row.verdict,
            words.VERDICT,
            href=lambda row: f"/drills/{row.run}" if row.run else None,
        ),
        ago_column("at", _("When"), lambda row: row.at, clock),
        ago_column("passed", _("Last passed"), lambda row: row.passed_at, clock),
        time_column("rto", _("Up after"), lambda row: row.seconds_to_up),
        time_column("rpo", _("Would have lost"), lambda row: row.rpo_seconds, is_minor=True),
        Column(
            name="due",
            label=_("Schedule"),
            value=lambda row: row.due_at,
            text=lambda row: _schedule(row, clock),
            tone=lambda row: "bad" if row.is_overdue else None,
            href=_way_to_schedule if may else None,
        ),
    ]


def _schedule(row: DrillView, clock: Clock) -> str:
    """When, by which clocks, and how long until then."""
    if not row.schedule:
        return words.unbroken(_("not scheduled"))
    said = row.schedule if row.zone == "UTC" else f"{row.schedule} ({row.zone})"
    return f"{said}, {words.unbroken(_due(row, clock))}"


def _way_to_schedule(row: DrillView) -> str:
    return f"/drills?schedule={quote(key_of(row))}"


def _due(row: DrillView, clock: Clock) -> str:
    if row.due_at is None:
        return "-"
    said = shown.ago(row.due_at, clock.now())
    return _("overdue: {when}").format(when=said) if row.is_overdue else said


def run_columns(clock: Clock) -> list[Column[DrillRunView]]:
    return [
        ago_column(
            "begun",
            _("Begun"),
            lambda row: row.begun_at,
            clock,
            href=lambda row: f"/drills/{row.id}",
        ),
        vm_column(),
        word_column(
            "verdict",
            _("Verdict"),
            lambda row: row.verdict,
            words.VERDICT,
            href=lambda row: f"/drills/{row.id}",
        ),
        Column(name="why", label=_("Why"), value=lambda row: row.reason),
        time_column("rto", _("Up after"), lambda row: row.seconds_to_up),
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


def _actions(visit: Visit, look: OneLook[DrillView]) -> None:
    async def run() -> None:
        await _run(visit, await look.last())

    async def schedule() -> None:
        await schedule_drills(visit, await look.last())

    with ui.element("div").classes("hf-row"):
        ui.button(_("Run a drill"), icon="fact_check", on_click=visit.doing(run)).props(
            "no-caps unelevated color=primary"
        )
        ui.button(_("Set a schedule"), icon="event", on_click=visit.doing(schedule)).props(
            "outline no-caps color=primary"
        )


async def _run(visit: Visit, rows: Sequence[DrillView]) -> None:
    offered: dict[str, Any] = {key_of(row): row for row in rows}
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
