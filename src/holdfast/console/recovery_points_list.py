"""The points a machine can be started from: on a line of time, and as a list."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

from holdfast.app.control.recovery_points import RecoveryPointView
from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.tables import Choice, Column, Empty, Listing
from holdfast.console.thing_words import CONSISTENCY, tone, word
from holdfast.console.visiting import Visit

_INK = "#7a8797"
_COLOURS = {"application": "#2e8b57", "filesystem": "#2f7ed8", "crash": "#c27a10"}
Load = Callable[[], Awaitable[list[RecoveryPointView]]]


async def show_points(visit: Visit, vm: str, load: Load) -> Listing[RecoveryPointView]:
    found = await load()
    if found:
        _timeline(found)
    listing = Listing(
        visit,
        name="recovery-points",
        columns=_columns(vm, visit.plane.clock),
        load=load,
        empty=Empty(
            title=_("No recovery point is known"),
            text=_(
                "Points appear when the first copy is done; agents of an older version do not "
                "tell of them."
            ),
        ),
        choices=[
            Choice(
                name="class",
                label=_("Consistency"),
                value=lambda row: word(CONSISTENCY, row.consistency),
            ),
            Choice(name="site", label=_("Site"), value=lambda row: row.site),
        ],
        sort="taken",
        is_descending=True,
        per_page=10,
    )
    await listing.show()
    return listing


def _columns(vm: str, clock: Clock) -> list[Column[RecoveryPointView]]:
    return [
        Column(
            name="taken",
            label=_("Taken"),
            value=lambda row: row.taken_at,
            text=lambda row: shown.when(row.taken_at),
        ),
        Column(
            name="age",
            label=_("Age"),
            value=lambda row: (clock.now() - row.taken_at).total_seconds(),
            text=lambda row: words.unbroken(shown.ago(row.taken_at, clock.now())),
        ),
        Column(
            name="class",
            label=_("Consistency"),
            value=lambda row: row.consistency,
            text=lambda row: word(CONSISTENCY, row.consistency),
            tone=lambda row: tone(CONSISTENCY, row.consistency),
        ),
        Column(name="remarks", label=_("Remarks"), value=_remarks),
        Column(name="site", label=_("Site"), value=lambda row: row.site, is_minor=True),
        Column(
            name="point",
            label=_("Point"),
            value=lambda row: row.generation,
            text=lambda row: row.generation[:16],
            is_minor=True,
        ),
        Column(
            name="test",
            label=_("Try it"),
            value=lambda row: "" if row.is_spoiled else _("Test"),
            href=lambda row: (
                None if row.is_spoiled else f"/recovery/{vm}/test?point={row.generation}"
            ),
        ),
    ]


def _remarks(row: RecoveryPointView) -> str:
    said = []
    if row.is_newest:
        said.append(_("newest"))
    if row.is_running:
        said.append(_("runs from it"))
    if row.tested_at:
        said.append(_("tested {when}").format(when=shown.when(row.tested_at)))
    if row.is_spoiled:
        said.append(_("was written to"))
    if row.why:
        said.append(row.why)
    return ", ".join(said)


def _timeline(points: Sequence[RecoveryPointView]) -> None:
    """A mark each; the list beneath has the same in words."""
    with shown.card():
        chart = ui.echart(_options(points)).classes("hf-chart").style("height:110px")
        chart.props["role"] = "img"
        chart.props["aria-label"] = _("Recovery points on a line of time; the list has the same.")


def _options(points: Sequence[RecoveryPointView]) -> dict[str, Any]:
    classes = [name for name in _COLOURS if any(one.consistency == name for one in points)]
    return {
        "animation": False,
        "aria": {"enabled": True},
        "grid": {"left": 16, "right": 16, "top": 34, "bottom": 28},
        "legend": {"show": True, "top": 0, "left": 0, "textStyle": {"color": _INK}},
        "xAxis": {"type": "time", "axisLabel": {"color": _INK, "hideOverlap": True}},
        "yAxis": {"type": "value", "show": False, "min": 0, "max": 2},
        "series": [
            {
                "type": "scatter",
                "name": word(CONSISTENCY, name),
                "symbolSize": 13,
                "itemStyle": {"color": _COLOURS[name]},
                "data": [
                    [_milliseconds(one.taken_at), 1] for one in points if one.consistency == name
                ],
            }
            for name in classes
        ],
    }


def _milliseconds(when: datetime) -> float:
    return when.timestamp() * 1000
