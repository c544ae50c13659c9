"""Figures that change in place: who stands on one with the keyboard stays there."""

from nicegui import ui

from holdfast.console.places import address
from holdfast.console.shown import Tone


class Tile:
    """One number with what it is; it leads to what it is made of."""

    def __init__(self, label: str, href: str) -> None:
        self._tone = ""
        with ui.element("a").classes("hf-figure") as self._tile:
            self._value = ui.label().classes("hf-figure-value")
            ui.label(label).classes("hf-figure-label")
            self._note = ui.label().classes("hf-figure-note")
        self.lead_to(href)

    def say(self, value: str, note: str = "", *, tone: Tone = "idle") -> None:
        self._value.set_text(value)
        self._note.set_text(note)
        if tone != self._tone:
            self._tile.classes(f"hf-edge-{tone}", remove=f"hf-edge-{self._tone}")
            self._tone = tone

    def lead_to(self, href: str) -> None:
        if self._tile.props.get("href") != address(href):
            self._tile.props["href"] = address(href)
            self._tile.update()
