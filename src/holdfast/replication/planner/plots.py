"""Plots as inline SVG, in two widths: what is readable on a desk is not on a telephone.

Colours come from the page, light and dark; lines and areas differ without them too. Each picture
has a title and a description, and what it shows stands in a table beside it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDE, NARROW = 760, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 12, 16, 30
_HEIGHT = 250
_ROW = 26
# About so wide is a letter of the font used, in the units of the picture.
_LETTER = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`kind` is a class of the page's style: area or line."""

    title: str
    kind: str
    # None is a gap.
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    title: str
    description: str
    lines: tuple[Line, ...]
    # Heights that mean something, across the whole plot.
    levels: tuple[float, ...] = ()
    # Text below the axis, as a share of its length.
    ticks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    label: str
    begin: float
    end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    title: str
    description: str
    bars: tuple[Bar, ...]
    most: float = 0.0


def line_plot(chart: Chart, shown: Callable[[float], str]) -> str:
    """Both widths; the page shows the one that fits."""
    return "".join(_line_plot(chart, shown, width) for width in (WIDE, NARROW))


def bar_plot(bars: Bars) -> str:
    return "".join(_bar_plot(bars, width) for width in (WIDE, NARROW))


def _line_plot(chart: Chart, shown: Callable[[float], str], width: int) -> str:
    most = _top(chart)
    plane = _Plane(width=width, height=_HEIGHT, most=most)
    parts = [*_grid(plane, shown), *_ticks(plane, chart.ticks)]
    parts += [path for line in chart.lines for path in _paths(plane, line)]
    parts += [_level(plane, level) for level in chart.levels]
    return _framed(chart.title, chart.description, width, _HEIGHT, parts)


def _top(chart: Chart) -> float:
    values = [value for line in chart.lines for value in line.values if value is not None]
    return max([*values, *chart.levels], default=0.0) or 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    width: int
    height: int
    most: float

    def x(self, share: float) -> float:
        return round(_LEFT + share * (self.width - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        room = self.height - _TOP - _BOTTOM
        return round(self.height - _BOTTOM - value / (self.most * 1.04) * room, 1)


def steps(most: float, count: int = 4) -> list[float]:
    """Round figures from 0 to the greatest."""
    raw = most / count
    size = float(10 ** math.floor(math.log10(raw)))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
    return [step * number for number in range(math.floor(most / step) + 1)]


def _grid(plane: _Plane, shown: Callable[[float], str]) -> Iterator[str]:
    for value in steps(plane.most):
        y = plane.y(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{plane.width - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text class="axis" x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{escape(shown(value))}</text>'


def _ticks(plane: _Plane, ticks: Sequence[tuple[float, str]]) -> Iterator[str]:
    y, last = plane.height - 8, -math.inf
    for share, text in ticks:
        half = len(text) * _LETTER / 2
        x = min(max(plane.x(share), _LEFT + half), plane.width - _RIGHT - half)
        # Those that would run into their neighbours are left out.
        if x - half < last + _LETTER:
            continue
        last = x + half
        yield f'<text class="axis" x="{x:.1f}" y="{y}" text-anchor="middle">{escape(text)}</text>'


def _paths(plane: _Plane, line: Line) -> Iterator[str]:
    count = max(1, len(line.values))
    for begin, values in _runs(line.values):
        points = [
            (plane.x((begin + number + 0.5) / count), plane.y(value))
            for number, value in enumerate(values)
        ]
        if len(points) == 1:
            # One sample is a dot, or nobody would see it.
            x, y = points[0]
            yield f'<circle class="dot {line.kind}" cx="{x}" cy="{y}" r="3"/>'
            continue
        drawn = " ".join(f"{x},{y}" for x, y in points)
        if line.kind == "area":
            floor = plane.y(0)
            drawn = f"{points[0][0]},{floor} {drawn} {points[-1][0]},{floor}"
            yield f'<polygon class="area" points="{drawn}"/>'
        else:
            yield f'<polyline class="{line.kind}" points="{drawn}"/>'


def _runs(values: Sequence[float | None]) -> Iterator[tuple[int, list[float]]]:
    """Unbroken pieces, with where each begins."""
    begin, run = 0, list[float]()
    for number, value in enumerate(values):
        if value is None:
            if run:
                yield begin, run
            begin, run = number + 1, []
        else:
            run.append(value)
    if run:
        yield begin, run


def _level(plane: _Plane, value: float) -> str:
    y = plane.y(value)
    return f'<line class="level" x1="{_LEFT}" x2="{plane.width - _RIGHT}" y1="{y}" y2="{y}"/>'


def _bar_plot(bars: Bars, width: int) -> str:
    """Text stands above each bar, where it has all the width."""
    most = bars.most or max((bar.end for bar in bars.bars), default=0.0) or 1.0
    height = len(bars.bars) * (_ROW + 16) + 8
    room = width - 2 * _RIGHT
    parts = []
    for number, bar in enumerate(bars.bars):
        y = number * (_ROW + 16) + 16
        begin = _RIGHT + bar.begin / most * room
        long = max(1.5, (bar.end - bar.begin) / most * room)
        parts.append(f'<text class="label" x="{_RIGHT}" y="{y}">{escape(bar.label)}</text>')
        parts.append(
            f'<text class="label" x="{width - _RIGHT}" y="{y}" text-anchor="end">'
            f"{escape(bar.text)}</text>"
        )
        parts.append(
            f'<rect class="rail" x="{_RIGHT}" y="{y + 5}" width="{room}" height="12" rx="3"/>'
        )
        parts.append(
            f'<rect class="bar" x="{begin:.1f}" y="{y + 5}" width="{long:.1f}" height="12" rx="3"/>'
        )
    return _framed(bars.title, bars.description, width, height, parts)


def _framed(title: str, description: str, width: int, height: int, parts: Sequence[str]) -> str:
    kind = "wide" if width == WIDE else "narrow"
    label = escape(f"{title}. {description}", quote=True)
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )
