"""Short tables within a page, without filters and pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from holdfast.console import shown
from holdfast.console.shown import Tone


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    href: str | None = None
    tone: Tone | None = None
    is_number: bool = False


def plain_table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    # Where it is wider than a phone, it is moved with the keys as well.
    frame = ui.element("div").classes("hf-table-frame").props("tabindex=0")
    with frame, ui.element("table").classes("hf-table"):
        with ui.element("thead"), ui.element("tr"):
            for place, name in enumerate(head):
                made = ui.element("th").props("scope=col")
                made._text = name  # noqa: SLF001  the framework's way to a text
                if rows and rows[0][place].is_number:
                    made.classes("hf-number")
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for name, cell in zip(head, row, strict=True):
                        _draw(name, cell)


def _draw(name: str, cell: Cell) -> None:
    with ui.element("td") as made:
        made.props["data-label"] = name
        if cell.is_number:
            made.classes("hf-number")
        if cell.tone:
            shown.chip(cell.text, cell.tone)
        elif cell.href:
            shown.link(cell.text, cell.href)
        else:
            made._text = cell.text  # noqa: SLF001
