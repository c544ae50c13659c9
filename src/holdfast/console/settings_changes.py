"""What is set and what is to be set, side by side, before somebody agrees to it."""

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from holdfast.base.texts import _
from holdfast.console.forms import Form
from holdfast.console.plain_tables import Cell, plain_table
from holdfast.console.visiting import Visit

# Texts, numbers and lists of texts, by the names the order has for them.
Settings = Mapping[str, Any]


def differing(now: Settings, new: Settings) -> dict[str, Any]:
    """Only what is to be other than it is."""
    return {name: value for name, value in new.items() if value != now.get(name)}


def lines_of(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def words_of(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def in_lines(lines: list[str]) -> str:
    return "\n".join(lines)


def told(value: Any) -> str:
    """As a cell of a table has it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(value) or "-"
    return str(value) or "-"


def compact(box: Any) -> Any:
    """Of many fields in one dialog as many as can be are seen at once."""
    return box.props("outlined dense").classes("hf-wide")


class Changes:
    """Made within a form, under its fields; `watch` once the form is whole."""

    def __init__(
        self, form: Form, labels: Mapping[str, str], read: Callable[[], tuple[Settings, Settings]]
    ) -> None:
        """`read` gives what is and what is written; what has no label is not told."""
        self._form, self._labels, self._read = form, labels, read
        # A reader of the screen is told what has become of it.
        self._place = ui.element("div").classes("hf-stack").props("aria-live=polite")

    def watch(self, visit: Visit, *boxes: ValueElement[Any]) -> None:
        for box in boxes:
            box.on_value_change(visit.doing(self._draw))
        self._draw()

    def _draw(self) -> None:
        now, new = self._read()
        found = differing(now, new)
        self._form.go.set_enabled(bool(found))
        self._place.clear()
        rows = [
            [Cell(label), Cell(told(now.get(name, ""))), Cell(told(found[name]))]
            for name, label in self._labels.items()
            if name in found
        ]
        with self._place:
            if not rows:
                ui.label(_("Nothing is different yet.")).classes("hf-muted")
                return
            plain_table("changes", (_("Setting"), _("Now"), _("New")), rows)
