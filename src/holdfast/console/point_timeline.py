"""Recovery points along time: when each was taken, how much new data it brought, its class."""

from collections.abc import Sequence

from holdfast.app.control.point_lists import PointLine
from holdfast.base.texts import _
from holdfast.base.units import GIB, MIB
from holdfast.console import shown
from holdfast.console.charts import Series, time_chart
from holdfast.console.thing_words import CONSISTENCY, word
from holdfast.console.visiting import Visit

_FILES, _UNTOLD = "files", "untold"
_ORDER = (_FILES, "application", "filesystem", "crash", _UNTOLD)
# A shape for each class as well: colours alone tell some people nothing.
_SHAPES = ("circle", "diamond", "rect", "triangle", "pin")


def timeline(visit: Visit, points: Sequence[PointLine], *, title: str) -> None:
    unit, size = ("GiB", GIB) if _largest(points) >= GIB else ("MiB", MIB)
    with shown.card(title):
        groups = {kind: [one for one in points if kind_of(one) == kind] for kind in _ORDER}
        series = [
            Series(
                name=kind_text(kind),
                points=[(one.taken_at, _figure(one, size)) for one in reversed(found)],
            )
            for kind, found in groups.items()
            if found
        ]
        chart = time_chart(
            visit, title=_("New data of each point"), unit=unit, series=series, kind="scatter"
        )
        shapes = [shape for kind, shape in zip(_ORDER, _SHAPES, strict=True) if groups[kind]]
        for one, shape in zip(chart.options["series"], shapes, strict=True):
            one.update(symbol=shape, symbolSize=11)
        chart.options["legend"].update(show=True, top=0)
        chart.options["tooltip"] = {"trigger": "item"}


def kind_of(one: PointLine) -> str:
    """Of files, or the class of a virtual machine's point."""
    if one.vm is None:
        return _FILES
    return one.consistency or _UNTOLD


def kind_text(kind: str) -> str:
    if kind == _FILES:
        return _("Files")
    return _("Not told") if kind == _UNTOLD else word(CONSISTENCY, kind)


def _largest(points: Sequence[PointLine]) -> int:
    return max((one.bytes_added or 0 for one in points), default=0)


def _figure(one: PointLine, unit: int) -> float | None:
    return None if one.bytes_added is None else round(one.bytes_added / unit, 3)
