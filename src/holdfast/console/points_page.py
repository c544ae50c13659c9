"""Recovery points on a calendar, along time, and in a list: of everything, or of one thing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from nicegui import ui

from holdfast.app.control.machine_views import show_machine
from holdfast.app.control.point_lists import (
    Calendar,
    PointLine,
    PointWanted,
    list_all_points,
    points_calendar,
)
from holdfast.app.control.vms import show_vm
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.here import zone_name
from holdfast.console.machine_work import point_place
from holdfast.console.pages import page
from holdfast.console.panels import Panel
from holdfast.console.point_calendar import MonthGrid, day_text, month_text
from holdfast.console.point_timeline import kind_of, kind_text, timeline
from holdfast.console.tables import Choice, Column, Empty, Listing
from holdfast.console.thing_words import CONSISTENCY, tone
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of, vault_names
from holdfast.fleet.local_time import read_zone

_MOST = 5000
_MOST_HOURS = 31 * 24
_YEARS = range(1990, 9000)
Month = tuple[Calendar, list[PointLine]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    vault: str = ""
    machine: str = ""
    vm: str = ""

    def wanted(self, since: datetime, before: datetime | None = None) -> PointWanted:
        return PointWanted(
            vault=self.vault or None,
            machine=self.machine or None,
            vm=self.vm or None,
            since=since,
            before=before,
        )


@page("/points", title=N_("Recovery points"), section="restore")
async def points_page(
    visit: Visit, vault: str = "", machine: str = "", vm: str = "", month: str = "", hours: int = 0
) -> None:
    """`month` as in 2026-11; without it, this one. `hours`: only what was taken so lately."""
    scope = _Scope(vault=vault, machine=machine, vm=vm)
    await _narrowed(visit, scope)
    if 0 < hours <= _MOST_HOURS:
        await _latest(visit, scope, hours)
    else:
        await _Points(visit, scope, month).show()


async def _latest(visit: Visit, scope: _Scope, hours: int) -> None:
    """What a figure of the last hours is made of, by the hour and not by the day."""

    async def load() -> list[PointLine]:
        wanted = scope.wanted(visit.plane.clock.now() - timedelta(hours=hours))
        return await all_of(visit, list_all_points, wanted, most=_MOST)

    with ui.element("div").classes("hf-row"):
        shown.heading(_("Points of the last {hours} hours").format(hours=hours))
        shown.link(_("All recovery points"), "/points")
    await _listing(visit, scope, load, text="").show()


async def _narrowed(visit: Visit, scope: _Scope) -> None:
    """Whose points these are, and the way to all others."""
    with ui.element("div").classes("hf-row"):
        if scope.machine and scope.vm:
            found = await visit.ask(show_vm, scope.machine, scope.vm)
            ui.label(_("Of the virtual machine"))
            shown.link(found.vm.name, f"/vms/{scope.machine}/{scope.vm}")
        elif scope.machine:
            ui.label(_("Of the machine"))
            name = (await visit.ask(show_machine, scope.machine)).name
            shown.link(name, f"/machines/{scope.machine}")
        elif scope.vault:
            ui.label(_("Of the vault"))
            name = (await vault_names(visit)).get(scope.vault, scope.vault)
            shown.link(name, f"/vaults/{scope.vault}")
        else:
            ui.label(_("Of every machine you may look at.")).classes("hf-muted")
            return
        shown.link(_("All recovery points"), "/points")


class _Points:
    def __init__(self, visit: Visit, scope: _Scope, month: str) -> None:
        self._visit, self._scope, self._zone = visit, scope, zone_name()
        now = visit.plane.clock.now()
        self._today = now.astimezone(read_zone(self._zone)).date()
        self._first = _first_of(month) or self._today.replace(day=1)
        self._day: date | None = None
        self._grid: MonthGrid | None = None
        self._rows: list[PointLine] = []
        # There are more in this month than are listed at once.
        self._is_cut = False

    async def show(self) -> None:
        self._steps()
        self._panel: Panel[Month] = Panel(self._load, self._draw)
        await self._panel.refresh()
        self._heading = ui.element("h2").classes("hf-heading").props("aria-live=polite")
        self._cut = ui.label(
            _(
                "Only the newest {count} are listed here; a day of the calendar lists all of its own."
            ).format(count=_MOST)
        ).classes("hf-muted")
        text = _(
            "A backup makes one each time it runs. The arrows above the calendar lead to other months."
        )
        self._listing = _listing(self._visit, self._scope, self._chosen, text=text)
        await self._listing.show()
        self._say()

    def _steps(self) -> None:
        with ui.element("div").classes("hf-row"):
            for icon, label, months in (
                ("chevron_left", _("Earlier month"), -1),
                ("chevron_right", _("Later month"), 1),
            ):
                ui.button(
                    icon=icon, on_click=self._visit.doing(lambda by=months: self._turn(by))
                ).props("outline dense color=primary").props["aria-label"] = label
            self._month = ui.label(month_text(self._first)).classes("hf-strong")
            self._whole = ui.button(
                _("Whole month"), on_click=self._visit.doing(lambda: self._choose(None))
            ).props("flat no-caps")
            self._whole.set_visibility(False)

    async def _load(self) -> Month:
        last = _month_after(self._first) - timedelta(days=1)
        begin, end = self._moment(self._first), self._moment(last + timedelta(days=1))
        wanted = self._scope.wanted(begin, end)
        found = await self._visit.ask(
            points_calendar, wanted, first=self._first, last=last, zone=self._zone
        )
        self._rows = await all_of(self._visit, list_all_points, wanted, most=_MOST)
        self._is_cut = found.points > len(self._rows)
        return found, self._rows

    def _draw(self, month: Month) -> None:
        found, rows = month
        with ui.element("div").classes("hf-halves"):
            with shown.card(_("By day")):
                self._grid = MonthGrid(self._visit, found, today=self._today, choose=self._choose)
            timeline(self._visit, rows, title=_("Along time"))

    async def _choose(self, day: date | None) -> None:
        self._day = None if day == self._day else day
        if self._grid:
            self._grid.mark(self._day)
        self._whole.set_visibility(self._day is not None)
        self._say()
        await self._listing.refresh()

    async def _turn(self, months: int) -> None:
        self._first = (
            _month_after(self._first)
            if months > 0
            else (self._first - timedelta(days=1)).replace(day=1)
        )
        self._day = None
        self._month.set_text(month_text(self._first))
        self._whole.set_visibility(False)
        await self._panel.refresh()
        self._say()
        await self._listing.refresh()

    def _say(self) -> None:
        when = day_text(self._day) if self._day else month_text(self._first)
        self._heading._text = _("Points of {when}").format(when=when)  # noqa: SLF001  its way to a text
        self._heading.update()
        self._cut.set_visibility(self._is_cut and self._day is None)

    async def _chosen(self) -> list[PointLine]:
        if self._day is None:
            return self._rows
        begin, end = self._moment(self._day), self._moment(self._day + timedelta(days=1))
        if self._is_cut:
            wanted = self._scope.wanted(begin, end)
            return await all_of(self._visit, list_all_points, wanted, most=_MOST)
        return [one for one in self._rows if begin <= one.taken_at < end]

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=read_zone(self._zone)).astimezone(UTC)


def _listing(
    visit: Visit, scope: _Scope, load: Callable[[], Awaitable[list[PointLine]]], *, text: str
) -> Listing[PointLine]:
    return Listing(
        visit,
        name="points",
        columns=_columns(has_machine=not scope.machine),
        load=load,
        empty=Empty(title=_("No recovery point in this time"), text=text),
        choices=[Choice(name="class", label=_("Class"), value=lambda one: kind_text(kind_of(one)))],
        sort="taken_at",
        is_descending=True,
    )


def _columns(*, has_machine: bool) -> list[Column[PointLine]]:
    machine: Column[PointLine] = Column(
        name="machine",
        label=_("Machine"),
        value=lambda one: one.machine,
        href=lambda one: f"/machines/{one.machine_id}",
    )
    return [
        Column(
            name="taken_at",
            label=_("Taken"),
            value=lambda one: one.taken_at,
            text=lambda one: shown.when(one.taken_at),
            href=point_place,
        ),
        *([machine] if has_machine else []),
        Column(name="paths", label=_("Of"), value=lambda one: ", ".join(one.paths)),
        Column(
            name="class",
            label=_("Class"),
            value=lambda one: kind_text(kind_of(one)),
            tone=lambda one: tone(CONSISTENCY, one.consistency) if one.vm else None,
        ),
        Column(
            name="bytes_added",
            label=_("New data"),
            value=lambda one: one.bytes_added,
            text=lambda one: shown.size(one.bytes_added),
            is_number=True,
        ),
        Column(
            name="bytes_total",
            label=_("Size"),
            value=lambda one: one.bytes_total,
            text=lambda one: shown.size(one.bytes_total),
            is_number=True,
            is_minor=True,
        ),
    ]


def _first_of(month: str) -> date | None:
    try:
        found = date.fromisoformat(f"{month}-01")
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def _month_after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
