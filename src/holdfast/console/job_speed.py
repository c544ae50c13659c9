"""How fast a job has been since somebody began to look at it, drawn and in words."""

from typing import TYPE_CHECKING

from nicegui import ui

from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.console.charts import LiveChart, Series
from holdfast.console.visiting import Visit

if TYPE_CHECKING:
    from datetime import datetime

_MIB = 1 << 20
_UNIT = "MiB/s"
# A quarter of an hour would be too long to read anything from.
_MOST_POINTS = 450
_LEAST_POINTS = 3


class SpeedChart:
    """Nothing is drawn before there is something to see; the words say what the lines show."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._rates: list[tuple[datetime, float | None]] = []
        self._chart: LiveChart | None = None
        self._place = ui.element("div").classes("hf-stack")

    def note(self, rate: float | None) -> None:
        if rate is None:
            return
        self._rates.append((self._visit.plane.clock.now(), rate / _MIB))
        del self._rates[:-_MOST_POINTS]
        if len(self._rates) < _LEAST_POINTS:
            return
        if self._chart is None:
            self._draw()
        else:
            self._chart.redraw(self._series())
        self._words.set_text(self._said())

    def _draw(self) -> None:
        title = _("Speed since this page was opened")
        with self._place:
            # Its table would be longer than anybody reads; the words say what it shows.
            self._chart = LiveChart(
                self._visit, title=title, unit=_UNIT, series=self._series(), has_figures=False
            )
            self._words = ui.label().classes("hf-muted")

    def _series(self) -> list[Series]:
        return [Series(name=_("Speed"), points=self._rates)]

    def _said(self) -> str:
        rates = [rate * _MIB for _when, rate in self._rates if rate is not None]
        return _("Since this page was opened: {mean} a second, at most {most}").format(
            mean=format_size(sum(rates) / len(rates)), most=format_size(max(rates))
        )
