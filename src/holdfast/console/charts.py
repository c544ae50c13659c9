"""Charts, each with its figures as a table beneath, for those who do not see it."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import ui

from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.parts import Part
from holdfast.console.plain_tables import Cell, moment_cell, plain_table
from holdfast.console.visiting import Visit

_PALETTE = ("#2f7ed8", "#d9822b", "#3d9970", "#a347ba", "#c23b4b", "#6b7785")
# Readable on the surfaces of both lights.
# In no language: the drawing library knows months by their English names.
_MOMENTS = {
    "year": "{yyyy}",
    "month": "{yyyy}-{MM}",
    "day": "{MM}-{dd}",
    "hour": "{HH}:{mm}",
    "minute": "{HH}:{mm}",
    "second": "{HH}:{mm}:{ss}",
    "millisecond": "{HH}:{mm}:{ss}",
    "none": "{yyyy}-{MM}-{dd}",
}
_INK = "#7a8797"
_MOST_ROWS = 60
_BAR_PIXELS, _ROOM_PIXELS = 30, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    name: str
    # None: nothing is known of that time.
    points: Sequence[tuple[datetime, float | None]]


def time_chart(
    visit: Visit, *, title: str, unit: str, series: Sequence[Series], kind: str = "line"
) -> ui.echart:
    """`kind`: line or scatter. `unit` is written at the axis."""
    chart = _drawn(title, _time_options(visit, unit=unit, series=series, kind=kind))
    with _folded():
        _time_figures(unit, series)
    return chart


class LiveChart:
    """Lines that go on while they are looked at, and their figures with them."""

    def __init__(
        self,
        visit: Visit,
        *,
        title: str,
        unit: str,
        series: Sequence[Series],
        has_figures: bool = True,
    ) -> None:
        self._visit, self._unit = visit, unit
        self._chart = _drawn(title, self._options(series))
        self._figures: Part[Sequence[Series]] | None = None
        if has_figures:
            with _folded():
                draw = functools.partial(_time_figures, unit)
                # Of what was shown already nothing is moved: somebody may be reading it.
                self._figures = Part(draw, pick=_time_rows)
                self._figures.show(series)

    def redraw(self, series: Sequence[Series]) -> None:
        self._chart.options.update(self._options(series))
        self._chart.update()
        if self._figures is not None:
            self._figures.show(series)

    def _options(self, series: Sequence[Series]) -> dict[str, Any]:
        return _time_options(self._visit, unit=self._unit, series=series, kind="line")


def bar_chart(
    visit: Visit, *, title: str, unit: str, bars: Sequence[tuple[str, float]]
) -> ui.echart:
    """Lying bars, so that their names can be read."""
    options = _base(visit) | {
        "xAxis": _axis(unit),
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [name for name, _value in bars],
            "axisLabel": {"color": _INK},
        },
        "grid": {"left": 8, "right": 32, "top": 8, "bottom": 24, "containLabel": True},
        "series": [{"type": "bar", "data": [value for _name, value in bars], "barMaxWidth": 22}],
    }
    rows = [[Cell(name), _figure(value)] for name, value in bars]
    chart = _drawn(title, options)
    chart.style(f"height: {_BAR_PIXELS * len(bars) + _ROOM_PIXELS}px")
    with _folded():
        plain_table("figures", [_("Name"), unit], rows)
    return chart


def _drawn(title: str, options: dict[str, Any]) -> ui.echart:
    chart = ui.echart(options).classes("hf-chart")
    chart.props["role"], chart.props["aria-label"] = "img", title
    return chart


def _folded() -> ui.expansion:
    """For the same as the chart above, as a table."""
    return ui.expansion(_("The figures of this chart")).classes("hf-figures-of")


def _time_figures(unit: str, series: Sequence[Series]) -> None:
    head = [_("Time"), *(f"{one.name} ({unit})" if unit else one.name for one in series)]
    plain_table("figures", head, _time_rows(series))


def _time_options(
    visit: Visit, *, unit: str, series: Sequence[Series], kind: str
) -> dict[str, Any]:
    is_empty = not any(one.points for one in series)
    return _base(visit) | {
        "title": {
            "show": is_empty,
            "text": _("Nothing was measured in this time."),
            "left": "center",
            "top": "middle",
            "textStyle": {"color": _INK, "fontSize": 14, "fontWeight": "normal"},
        },
        "xAxis": {"type": "time", "axisLabel": {"color": _INK, "formatter": _MOMENTS}},
        "yAxis": _axis(unit),
        "legend": {"show": len(series) > 1, "top": 0, "right": 0, "textStyle": {"color": _INK}},
        "series": [
            {
                "type": kind,
                "name": one.name,
                "showSymbol": False,
                "data": [[when.timestamp() * 1000, value] for when, value in one.points],
            }
            for one in series
        ],
    }


def _base(visit: Visit) -> dict[str, Any]:
    return {
        "color": list(_PALETTE),
        "animation": False,
        "grid": {"left": 56, "right": 16, "top": 32, "bottom": 32},
        "tooltip": {"trigger": "axis"},
        "aria": {"enabled": True},
        "useUTC": False,
        "lang": visit.lang,
    }


def _axis(unit: str) -> dict[str, Any]:
    return {
        "type": "value",
        "name": unit,
        "nameTextStyle": {"color": _INK},
        "axisLabel": {"color": _INK},
        "splitLine": {"lineStyle": {"color": _INK, "opacity": 0.25}},
        "min": 0,
    }


def _time_rows(series: Sequence[Series]) -> list[list[Cell]]:
    """The newest ones: a table of a day's minutes is read by nobody."""
    moments = sorted({when for one in series for when, _value in one.points}, reverse=True)
    found = [dict(one.points) for one in series]
    return [
        [moment_cell(when, shown.when(when)), *(_figure(one.get(when)) for one in found)]
        for when in moments[:_MOST_ROWS]
    ]


def _figure(value: float | None) -> Cell:
    return Cell("-" if value is None else f"{value:g}", is_number=True, value=value)
