"""Objects that PowerShell wrote in any of its four ways: list, table, CSV, JSON."""

import csv
import re
from collections.abc import Iterator

from holdfast.doctor.readers.powershell_output import Row, lists, tables
from holdfast.doctor.readers.windows_lines import Text

_JSON = re.compile(
    r'^[ \t]*"(?P<name>\w+)"\s*:\s*(?P<value>"(?:[^"\\]|\\.)*"|[^,\s{}\[\]]+)\s*,?\s*$'
)
_LEAST = 2  # columns that make a table


def rows(text: Text) -> Iterator[Row]:
    yield from tables(text)
    yield from lists(text)
    yield from _separated(text)
    yield from _json(text)


def _separated(text: Text) -> Iterator[Row]:
    """Export-Csv: a quoted line of names, then quoted lines of as many values."""
    names: list[str] = []
    for number, line in enumerate(text.lines, 1):
        if not line.lstrip().startswith('"') or '",' not in line.replace('";', '",'):
            names = [] if not line.strip() else names
            continue
        cells = _cells(line)
        if len(cells) == len(names):
            yield Row(dict(zip(names, cells, strict=True)), text.span(number))
        elif len(cells) >= _LEAST and all(re.fullmatch(r"[A-Za-z]\w*", cell) for cell in cells):
            names = [cell.lower() for cell in cells]


def _cells(line: str) -> list[str]:
    separator = ";" if '";"' in line else ","
    try:
        return next(csv.reader([line.strip()], delimiter=separator), [])
    except csv.Error:
        return []


def _json(text: Text) -> Iterator[Row]:
    """ConvertTo-Json, one property per line; a brace ends the object."""
    values: dict[str, str] = {}
    begins = last = 0
    for number, line in enumerate(text.lines, 1):
        found = _JSON.match(line)
        if found:
            begins = begins if values else number
            values.setdefault(found["name"].lower(), _plain(found["value"]))
            last = number
        elif values and re.match(r"\s*[}\]]", line):
            yield Row(dict(values), text.span(begins, last))
            values.clear()
    if values:
        yield Row(dict(values), text.span(begins, last))


def _plain(value: str) -> str:
    if value == "null":
        return ""
    return value[1:-1].replace("\\\\", "\\") if value.startswith('"') else value
