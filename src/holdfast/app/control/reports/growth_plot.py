"""What a vault held and what it will hold, as inline SVG in two widths. Pure.

The band is where it lies four times in five; what is drawn stands in a table beside it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape

from holdfast.app.control.reports.capacity import VaultCapacity
from holdfast.base.units import format_size
from holdfast.replication.planner.plots import NARROW, WIDE, steps

STYLE = """
.band { fill: var(--line); opacity: .55; stroke: none; }
.ahead { fill: none; stroke: var(--second); stroke-width: 1.5; stroke-dasharray: 3 3; }
.legend .band { background: var(--line); } .legend .ahead { height: 0;
  border-top: 2px dotted var(--second); vertical-align: middle; }
"""
_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 78, 12, 16, 30, 230
# A fan that opens wider than this would press the rest to the floor.
_WIDEST = 3.0
_Point = tuple[datetime, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    width: int
    begin: datetime
    end: datetime
    most: float

    def x(self, at: datetime) -> float:
        long = (self.end - self.begin).total_seconds() or 1.0
        share = (at - self.begin).total_seconds() / long
        return round(_LEFT + share * (self.width - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        room = _HEIGHT - _TOP - _BOTTOM
        return round(_HEIGHT - _BOTTOM - min(value, self.most) / (self.most * 1.04) * room, 1)

    def line(self, points: Sequence[_Point]) -> str:
        return " ".join(f"{self.x(at)},{self.y(value)}" for at, value in points)


def growth_plot(view: VaultCapacity, zone: tzinfo | None, *, title: str, description: str) -> str:
    """Empty when there is but one moment to show."""
    if len(view.history) + len(view.ahead) < 2:  # noqa: PLR2004  a line has two ends
        return ""
    return "".join(
        _plot(view, zone, width, title=title, description=description) for width in (WIDE, NARROW)
    )


def shown_limit(view: VaultCapacity) -> float | None:
    """The limit that is drawn: one far above would press the rest to the floor."""
    top = _highest(view)
    near = [float(one.limit) for one in view.limits if one.of == "quota" and one.limit <= 2 * top]
    return min(near, default=None)


def _highest(view: VaultCapacity) -> float:
    known = [float(one.size) for one in view.history] + [float(one.expected) for one in view.ahead]
    highest = max(known, default=0.0) or 1.0
    return min(max([highest, *(float(one.high) for one in view.ahead)]), _WIDEST * highest)


def _plot(
    view: VaultCapacity, zone: tzinfo | None, width: int, *, title: str, description: str
) -> str:
    moments = [one.at for one in view.history] + [one.at for one in view.ahead]
    limit = shown_limit(view)
    most = max(_highest(view), limit or 0.0)
    plane = _Plane(width=width, begin=min(moments), end=max(moments), most=most)
    parts = [*_grid(plane), *_dates(plane, zone), *_past(plane, view), *_future(plane, view)]
    if limit is not None:
        y = plane.y(limit)
        parts.append(f'<line class="level" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y}" y2="{y}"/>')
    kind = "wide" if width == WIDE else "narrow"
    label = escape(f"{title}. {description}", quote=True)
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="{label}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )


def _grid(plane: _Plane) -> Iterator[str]:
    unit = 1024.0 ** int(math.log(max(plane.most, 1.0), 1024))
    for value in steps(plane.most / unit):
        y, said = plane.y(value * unit), format_size(value * unit)
        yield f'<line class="grid" x1="{_LEFT}" x2="{plane.width - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text class="axis" x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{said}</text>'


def _dates(plane: _Plane, zone: tzinfo | None) -> Iterator[str]:
    count = 5 if plane.width == WIDE else 3
    for number in range(count):
        at = plane.begin + (plane.end - plane.begin) * number / (count - 1)
        anchor = "start" if number == 0 else "end" if number == count - 1 else "middle"
        yield (
            f'<text class="axis" x="{plane.x(at)}" y="{_HEIGHT - 8}" text-anchor="{anchor}">'
            f"{at.astimezone(zone):%Y-%m-%d}</text>"
        )


def _past(plane: _Plane, view: VaultCapacity) -> Iterator[str]:
    points = [(one.at, float(one.size)) for one in view.history]
    if len(points) < 2:  # noqa: PLR2004  a line has two ends
        yield from (
            f'<circle class="dot" cx="{plane.x(at)}" cy="{plane.y(v)}" r="3"/>' for at, v in points
        )
        return
    floor = plane.y(0)
    first, last = plane.x(points[0][0]), plane.x(points[-1][0])
    yield f'<polygon class="area" points="{first},{floor} {plane.line(points)} {last},{floor}"/>'


def _future(plane: _Plane, view: VaultCapacity) -> Iterator[str]:
    if not view.ahead:
        return
    high = [(one.at, float(one.high)) for one in view.ahead]
    low = [(one.at, float(one.low)) for one in reversed(view.ahead)]
    expected = [(one.at, float(one.expected)) for one in view.ahead]
    yield f'<polygon class="band" points="{plane.line(high)} {plane.line(low)}"/>'
    yield f'<polyline class="ahead" points="{plane.line(expected)}"/>'
