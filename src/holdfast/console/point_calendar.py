"""A month of recovery points: how many each day has, how much new data, of what class."""

import calendar
from collections.abc import Awaitable, Callable
from datetime import date

from nicegui import ui

from holdfast.app.control.point_lists import Calendar, CalendarDay
from holdfast.base.texts import N_, _, ngettext
from holdfast.console import shown
from holdfast.console.thing_words import CONSISTENCY, word
from holdfast.console.visiting import Visit

_DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
# With the year: months alone are words of other meanings as well.
_MONTHS = (
    N_("January {year}"),
    N_("February {year}"),
    N_("March {year}"),
    N_("April {year}"),
    N_("May {year}"),
    N_("June {year}"),
    N_("July {year}"),
    N_("August {year}"),
    N_("September {year}"),
    N_("October {year}"),
    N_("November {year}"),
    N_("December {year}"),
)
Choose = Callable[[date], Awaitable[None]]


def month_text(first: date) -> str:
    return _(_MONTHS[first.month - 1]).format(year=first.year)


def day_text(day: date) -> str:
    return _("{day} {month}").format(day=day.day, month=month_text(day))


class MonthGrid:
    """Days with points are buttons; which one is chosen is shown without drawing all anew."""

    def __init__(self, visit: Visit, found: Calendar, *, today: date, choose: Choose) -> None:
        self._visit, self._today, self._choose = visit, today, choose
        self._days = {one.day: one for one in found.days}
        self._buttons: dict[date, ui.element] = {}
        self._draw(found.first)

    def mark(self, chosen: date | None) -> None:
        for day, button in self._buttons.items():
            button.props["aria-pressed"] = "true" if day == chosen else "false"
            button.update()

    def _draw(self, first: date) -> None:
        with ui.element("table").classes("hf-calendar") as table:
            table.props["aria-label"] = month_text(first)
            with ui.element("thead"), ui.element("tr"):
                for name in _DAYS:
                    ui.element("th").props("scope=col")._text = _(name)  # noqa: SLF001  its way to a text
            with ui.element("tbody"):
                for week in calendar.Calendar().monthdatescalendar(first.year, first.month):
                    with ui.element("tr"):
                        for day in week:
                            self._cell(day, is_outside=day.month != first.month)

    def _cell(self, day: date, *, is_outside: bool) -> None:
        with ui.element("td") as cell:
            if is_outside:
                cell.classes("hf-outside")
                return
            if day == self._today:
                cell.classes("hf-today")
            found = self._days.get(day)
            if found is None:
                with ui.element("div").classes("hf-day"):
                    ui.label(str(day.day)).classes("hf-day-number")
                return
            self._buttons[day] = self._button(found)

    def _button(self, found: CalendarDay) -> ui.element:
        async def chosen() -> None:
            await self._choose(found.day)

        count = ngettext("{count} point", "{count} points", found.points)
        said = count.format(count=found.points)
        with ui.element("button").classes("hf-day").props("type=button aria-pressed=false") as made:
            ui.label(str(found.day.day)).classes("hf-day-number")
            # Of what somebody who does not see the page would miss around the number.
            ui.label(f"{month_text(found.day)}: {said}").classes("hf-unseen")
            with ui.element("div").classes("hf-day-count").props("aria-hidden=true"):
                ui.label(str(found.points))
            ui.label(shown.size(found.bytes_added)).classes("hf-day-size")
            ui.label(self._classes(found)).classes("hf-unseen")
            ui.tooltip(self._said(found))
        made.on("click", self._visit.doing(chosen))
        return made

    def _classes(self, found: CalendarDay) -> str:
        return ", ".join(
            f"{count} {word(CONSISTENCY, name)}" for name, count in found.classes.items()
        )

    def _said(self, found: CalendarDay) -> str:
        count = ngettext("{count} point", "{count} points", found.points)
        new = _("{size} new").format(size=shown.size(found.bytes_added))
        told = [count.format(count=found.points), new, self._classes(found)]
        return f"{day_text(found.day)}: {', '.join(filter(None, told))}"
