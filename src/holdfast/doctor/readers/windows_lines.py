"""The text of a Windows listing with its line numbers, and the values that occur in it.

Consoles wrap, mails quote, translated Windows uses other words and other decimal signs: readers go
by numbers, GUIDs, brackets and order, and this module finds those.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.decoding import text_of
from holdfast.doctor.model import LONGEST_EXCERPT, Span

GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_UNITS = {"": 1, "B": 1, "O": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
# Russian units: kilo, mega, giga, tera, byte.
_CYRILLIC = {"\u041a": "K", "\u041c": "M", "\u0413": "G", "\u0422": "T", "\u0411": "B"}
_SIZE = re.compile(
    r"(?<![\w.,])(?P<number>\d[\d.,\u00a0\u202f' ]*?)\s*(?P<unit>[KMGT\u041a\u041c\u0413\u0422]i?[BO\u0411]|B|O|bytes?|바이트)?(?=[\s()/;]|$)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Text:
    """A whole listing; positions in `whole` turn into lines."""

    name: str
    whole: str
    lines: list[str] = field(init=False)
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.whole.split("\n")
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def line_at(self, position: int) -> int:
        """The number of the line, from 1, in which this character stands."""
        return bisect_right(self._starts, position)

    def span(self, first: int, last: int | None = None) -> Span:
        """Lines from 1, both ends included."""
        last = first if last is None else max(first, last)
        excerpt = "\n".join(self.lines[first - 1 : last])[:LONGEST_EXCERPT]
        return Span(artefact=self.name, first=first, last=last, excerpt=excerpt)

    def span_of(self, found: re.Match[str]) -> Span:
        """The lines that a match touches, without blank edges."""
        body = found.group(0)
        start = found.start() + len(body) - len(body.lstrip())
        end = found.end() - (len(body) - len(body.rstrip()))
        return self.span(self.line_at(start), self.line_at(max(start, end - 1)))


def read(artefact: Artefact) -> Text:
    with artefact.open() as stream:
        return Text(artefact.name, text_of(stream))


def number(text: str) -> float | None:
    """A number with either decimal sign and any grouping: `1,048,576`, `1.86`, `1,86`, `7.516.192`."""
    digits = re.sub(r"[\s\u00a0\u202f']", "", text)
    signs = [sign for sign in digits if sign in ".,"]
    if len(set(signs)) == 2:  # noqa: PLR2004  both signs: the later one is the decimal sign
        digits = digits.replace("," if digits.rfind(".") > digits.rfind(",") else ".", "")
    elif len(signs) > 1 or (signs and re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", digits)):
        digits = digits.replace(signs[0], "")
    try:
        return float(digits.replace(",", "."))
    except ValueError:
        return None


def size(text: str) -> int | None:
    """The first size in a text, in bytes: `7.516 GB (3%)`, `1,86 Go`, `0 B`, `12 345 bytes`."""
    found = _SIZE.search(text)
    value = number(found["number"]) if found else None
    if found is None or value is None:
        return None
    unit = (found["unit"] or "").upper()[:1]
    unit = _CYRILLIC.get(unit, unit)
    if unit and unit != "B" and re.fullmatch(r"\d{1,3}[.,]\d{3}", found["number"].strip()):
        value = float(found["number"].strip().replace(",", "."))  # 7.516 GB is no grouping
    return int(value * _UNITS.get(unit, 1))


_MOMENT = re.compile(
    r"(?P<a>\d{1,4})(?:\s?[-./년年]\s?)(?P<b>\d{1,2})(?:\s?[-./월月]\s?)(?P<c>\d{1,4})(?:[.日일])?[T,\s]*"
    r"(?P<before>오전|오후|上午|下午|午前|午後|AM|PM)?\s*"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,](?P<part>\d+))?)?\s*"
    r"(?P<after>[AaPp]\.?\s?[Mm]\b)?(?P<zone>Z)?"
)
_AFTERNOON = {"오후", "下午", "午後", "PM"}
_MORNING = {"오전", "上午", "午前", "AM"}


def moment(text: str) -> datetime | None:
    """A date with time in any of Windows' regional notations.

    `03/04/2019` alone does not say which is the month: with AM or PM it is American.
    """
    found = _MOMENT.search(text)
    if found is None:
        return None
    half = (found["before"] or found["after"] or "").upper().replace(".", "").replace(" ", "")
    day = _day(int(found["a"]), int(found["b"]), int(found["c"]), american=bool(found["after"]))
    try:
        return datetime(  # noqa: DTZ001  the listing does not name its zone
            *day,
            _hour(int(found["hour"]), half),
            int(found["minute"]),
            int(found["second"] or 0),
            int((found["part"] or "0")[:6].ljust(6, "0")),
        )
    except ValueError:
        return None


def _hour(hour: int, half: str) -> int:
    if half in _AFTERNOON:
        return hour % 12 + 12
    return hour % 12 if half in _MORNING else hour


def _day(a: int, b: int, c: int, *, american: bool) -> tuple[int, int, int]:
    if a > 31:  # noqa: PLR2004  a year comes first
        return a, b, c
    year = c if c > 99 else 2000 + c  # noqa: PLR2004  two digits of a year
    day_first = a > 12 or (b <= 12 and not american)  # noqa: PLR2004  months of a year
    return (year, b, a) if day_first else (year, a, b)
