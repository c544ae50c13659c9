"""A few fields in a dialog, and whether somebody means what they wrote there."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from nicegui import ui

from holdfast.base.texts import _
from holdfast.console import shown

_GO = "go"


class Form:
    """Fields are made within it; after `agreed` their values are what was written."""

    def __init__(self, title: str, *, yes: str, text: str = "", is_dangerous: bool = False) -> None:
        self._title, self._yes, self._text = title, yes, text
        self._colour = "negative" if is_dangerous else "primary"
        self._stack = ExitStack()
        self.go: ui.button

    def __enter__(self) -> Self:
        self._dialog = self._stack.enter_context(ui.dialog())
        self._stack.enter_context(ui.card().classes("hf-dialog"))
        shown.heading(self._title)
        if self._text:
            ui.label(self._text).classes("hf-pre hf-muted")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ui.row().classes("hf-actions"):
            ui.button(_("Cancel"), on_click=lambda: self._dialog.submit("")).props("flat no-caps")
            self.go = ui.button(self._yes, on_click=lambda: self._dialog.submit(_GO))
            self.go.props(f"no-caps unelevated color={self._colour}")
        self._stack.__exit__(kind, error, trace)

    async def agreed(self) -> bool:
        answer = await self._dialog
        self._dialog.delete()
        return bool(answer == _GO)
