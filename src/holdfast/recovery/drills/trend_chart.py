"""The recovery times of drills as a small picture: a bar each, and a line for what was promised. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT, _FOOT = 640, 160, 18
_WIDEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`value` None: there is nothing to measure, as it failed."""

    label: str
    value: float | None
    is_good: bool
    title: str = ""


def chart(bars: Sequence[Bar], objective: float | None) -> str:
    """SVG that stands in a page; empty without anything to show."""
    if not bars:
        return ""
    known = [bar.value for bar in bars if bar.value is not None]
    top = max([*known, objective or 0.0]) * 1.1 or 1.0
    lines = [*_bars(bars, top), *_objective(objective, top)]
    body = "\n".join(lines)
    return (
        f'<svg class="trend" viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}" role="img" '
        f'xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>'
    )


def _bars(bars: Sequence[Bar], top: float) -> Iterator[str]:
    step = _WIDTH / len(bars)
    width = min(_WIDEST, step * 0.7)
    for number, bar in enumerate(bars):
        left = number * step + (step - width) / 2
        # What failed reaches to the top: no time would have been enough.
        height = _HEIGHT if bar.value is None else max(2.0, bar.value / top * _HEIGHT)
        kind = "failed" if bar.value is None else "good" if bar.is_good else "late"
        yield (
            f'<rect class="{kind}" x="{left:.1f}" y="{_HEIGHT - height:.1f}" '
            f'width="{width:.1f}" height="{height:.1f}"><title>{escape(bar.title)}</title></rect>'
        )
        if number in (0, len(bars) - 1):
            anchor = "start" if number == 0 else "end"
            at = 0 if number == 0 else _WIDTH
            yield (
                f'<text x="{at}" y="{_HEIGHT + _FOOT - 4}" text-anchor="{anchor}">'
                f"{escape(bar.label)}</text>"
            )


def _objective(objective: float | None, top: float) -> Iterator[str]:
    if objective is not None:
        at = _HEIGHT - objective / top * _HEIGHT
        yield f'<line class="objective" x1="0" x2="{_WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>'
