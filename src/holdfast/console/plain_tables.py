"""Short tables within a page: whole in the browser, which filters and sorts them; exported here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import ui
from nicegui.element import Element

from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.places import address
from holdfast.console.shown import Tone
from holdfast.console.tables import Column, as_csv, as_json

Value = float | str | datetime | None
_MAKERS = {"CSV": as_csv, "JSON": as_json}


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    href: str | None = None
    tone: Tone | None = None
    is_number: bool = False
    # What it is sorted by, and what an export holds, where that is not its text.
    value: Value = None

    @property
    def plain(self) -> Value:
        """Of a figure that is not known: nothing."""
        return self.text if self.value is None and not self.is_number else self.value


def count_cell(count: int, href: str | None = None) -> Cell:
    return Cell(str(count), href, is_number=True, value=count)


def size_cell(size: float | None) -> Cell:
    return Cell(shown.size(size), is_number=True, value=size)


def time_cell(seconds: float | None) -> Cell:
    """How long something takes, or took."""
    return Cell(shown.duration(seconds), is_number=True, value=seconds)


def moment_cell(when: datetime | None, text: str, href: str | None = None) -> Cell:
    """A moment in the words of its page."""
    return Cell(text, href, value=when)


class _Table(Element, component="short.js"):
    """Drawn in the browser: real headings, rows and links."""


def plain_table(name: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """`name`: of the file that is exported."""
    table = _Table()
    table.props.update(
        name=name,
        head=list(head),
        rows=[[_drawn(cell) for cell in row] for row in rows],
        words={
            "filter": _("Filter"),
            "export": _("Export as {kind}").format(kind="{kind}"),
            "sort": _("Sort by {column}").format(column="{column}"),
            "nothing": _("Nothing fits the filter."),
        },
    )
    columns = [_column(place, label) for place, label in enumerate(head)]

    def take(event: Any) -> None:
        kind = str(event.args["kind"])
        content = _MAKERS[kind]([rows[int(place)] for place in event.args["rows"]], columns)
        ui.download.content(content, f"holdfast-{name}.{kind.lower()}")

    table.on("take", take)


def _column(place: int, label: str) -> Column[Sequence[Cell]]:
    return Column(name=label, label=label, value=lambda row: row[place].plain)


def _drawn(cell: Cell) -> dict[str, Any]:
    made: dict[str, Any] = {"text": cell.text, "number": cell.is_number, "key": _key(cell.plain)}
    if cell.href:
        made["href"] = address(cell.href)
    if cell.tone:
        made["tone"] = cell.tone
    return made


def _key(value: Value) -> float | str | None:
    return value.timestamp() if isinstance(value, datetime) else value
