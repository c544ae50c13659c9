"""What PowerShell prints: lists of `Name : value` lines and tables under a line of dashes.

Property names are never translated, so that words may be relied on here. Prompts, echoed commands
and quoted mails around and between the output are skipped.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from unicodedata import east_asian_width

from holdfast.doctor.model import Span
from holdfast.doctor.readers.windows_lines import Text

_PAIR = re.compile(
    r"(?P<lead>[ \t>|]*)(?P<name>[A-Za-z_$][\w$#.() -]{0,60}?)\s*:(?:\s+(?P<value>.*))?$"
)
_DASHES = re.compile(r"[ \t>|]*-{2,}(?:\s+-+)*\s*$")
PROMPT = re.compile(r"\s*(?:PS\s+[A-Za-z]:[^>]*>|[A-Za-z]:\\[^>]*>|>>\s)")


@dataclass(frozen=True, slots=True)
class Row:
    """One object: its properties, by name in lower case, and the lines it was printed on."""

    values: Mapping[str, str]
    span: Span

    def get(self, *names: str) -> str:
        """The first of these properties that is there and says something."""
        return next(
            (self.values[name.lower()] for name in names if self.values.get(name.lower())), ""
        )

    def has(self, *names: str) -> bool:
        return all(name.lower() in self.values for name in names)


def lists(text: Text) -> Iterator[Row]:
    """Every object of a Format-List; a property that comes again begins the next object."""
    block = _Block()
    for number, line in enumerate(text.lines, 1):
        found = None if PROMPT.match(line) else _PAIR.match(line)
        if found is None:
            if block.values and line.strip() and _continues(line, block.column):
                block.add_to_last(line.strip(), number)
                continue
            yield from block.done(text)
            continue
        name = found["name"].strip().lower()
        if name in block.values:
            yield from block.done(text)
        block.add(name, found["value"] or "", number)
        block.column = max(block.column, line.find(":") + 1)
    yield from block.done(text)


def _continues(line: str, column: int) -> bool:
    """A wrapped value is indented to where values begin."""
    return bool(column) and len(line) - len(line.lstrip()) >= column


class _Block:
    """The object being read."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.values: dict[str, str] = {}
        self.last, self.column, self.begins, self.ends = "", 0, 0, 0

    def add(self, name: str, value: str, number: int) -> None:
        self.begins = self.begins or number
        self.values[name], self.last, self.ends = value.strip(), name, number

    def add_to_last(self, more: str, number: int) -> None:
        self.values[self.last] += more if self.values[self.last].endswith("\\") else f" {more}"
        self.ends = number

    def done(self, text: Text) -> Iterator[Row]:
        if self.values:
            yield Row(self.values, text.span(self.begins, self.ends))
        self._clear()


def tables(text: Text) -> Iterator[Row]:
    """Every row of every Format-Table; columns begin and end where their headings do."""
    for at in range(1, len(text.lines)):
        if _DASHES.match(text.lines[at]) and text.lines[at - 1].strip():
            yield from _rows(text, at)


def _rows(text: Text, at: int) -> Iterator[Row]:
    columns = columns_of(text.lines[at])
    names = _names(text.lines[max(0, at - _HEAD_LINES) : at], columns)
    for index in range(at + 1, len(text.lines)):
        line = text.lines[index]
        if not line.strip() or PROMPT.match(line):
            return
        if index + 1 < len(text.lines) and _DASHES.match(text.lines[index + 1]):
            return
        yield Row(dict(zip(names, cells_of(line, columns), strict=True)), text.span(index + 1))


# A long heading is broken over lines.
_HEAD_LINES = 3


def _names(above: list[str], columns: list[tuple[int, int]]) -> list[str]:
    """Each column's heading, from the lines right above the dashes."""
    heads: list[str] = []
    for line in reversed(above):
        if not line.strip() or PROMPT.match(line):
            break
        heads.insert(0, _in_cells(line))
    edges = [*(start for start, _ in columns[1:]), None]
    return [
        " ".join(filter(None, (_shown(head[start:edge]) for head in heads))).lower()
        for (start, _), edge in zip(columns, edges, strict=True)
    ]


def columns_of(dashes: str) -> list[tuple[int, int]]:
    """Where each column's heading begins and ends, by the dashes below it."""
    return [(one.start(), one.end()) for one in re.finditer(r"-+", dashes)]


def cells_of(line: str, columns: list[tuple[int, int]]) -> list[str]:
    """A row's texts; they may go on after their heading (words) or begin before it (numbers)."""
    wide = _in_cells(line)
    cells = []
    for place, (start, end) in enumerate(columns):
        before = columns[place - 1][1] if place else 0
        after = columns[place + 1][0] if place + 1 < len(columns) else len(wide) + 1
        cells.append(_shown(wide[_back(wide, start, before) : _ahead(wide, end, after)]))
    return cells


# Stands behind a character that is two columns of the console wide.
_SECOND = "\u200b"


def _in_cells(line: str) -> str:
    """One character per column of the console: Hangul takes two."""
    if line.isascii():
        return line
    return "".join(f"{one}{_SECOND}" if east_asian_width(one) in "WF" else one for one in line)


def _shown(text: str) -> str:
    return text.replace(_SECOND, "").strip()


def _back(line: str, start: int, floor: int) -> int:
    """Numbers stand flush right and may begin before their heading."""
    while (
        start > floor
        and start <= len(line)
        and line[start - 1 : start].strip()
        and line[start : start + 1].strip()
    ):
        start -= 1
    return start


def _ahead(line: str, end: int, ceiling: int) -> int:
    """Words stand flush left and may go on after their heading, up to the next column."""
    if line[ceiling - 1 : ceiling].strip() and line[ceiling : ceiling + 1].strip():
        gap = line.rfind(" ", end, ceiling)  # the next column's number begins early
        return gap if gap >= 0 else ceiling
    return ceiling
