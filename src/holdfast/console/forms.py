"""A dialog: a few fields, and whether somebody means what they wrote there."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from nicegui import ui

from holdfast.app.control.errors import NotLoggedIn
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.notices import problem
from holdfast.console.visiting import Visit

T = TypeVar("T")


class Form:
    """Fields are made within it; after `agreed` or `done` their values are what was written."""

    go: ui.button

    def __init__(
        self,
        title: str,
        *,
        yes: str,
        text: str = "",
        is_dangerous: bool = False,
        may_leave: bool = True,
    ) -> None:
        self._title, self._yes, self._text = title, yes, text
        self._colour = "negative" if is_dangerous else "primary"
        self._may_leave = may_leave
        self._stack = ExitStack()
        self._press: Callable[[], Any] = self._agree

    def __enter__(self) -> Self:
        self._dialog = self._stack.enter_context(ui.dialog())
        self._dialog.props["aria-label"] = self._title
        if not self._may_leave:
            self._dialog.props("persistent")
        self._stack.enter_context(ui.card().classes("hf-dialog"))
        shown.heading(self._title)
        if self._text:
            ui.label(self._text).classes("hf-pre")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wrong = ui.element("div").classes("hf-stack")
        self._wrong.set_visibility(False)
        with ui.row().classes("hf-actions"):
            if self._may_leave:
                away = ui.button(_("Cancel"), on_click=lambda: self._dialog.submit(None))
                away.props("flat no-caps")
            self.go = ui.button(self._yes, on_click=self.press)
            self.go.props(f"no-caps unelevated color={self._colour}")
        self._stack.__exit__(kind, error, trace)

    def press(self) -> Any:
        """As if the button were: for the key that ends a line."""
        return self._press()

    async def agreed(self) -> bool:
        return await self._answer() is not None

    async def done(self, visit: Visit, work: Callable[[], Awaitable[T]]) -> T | None:
        """What the work gives; None: they went away.

        What it refuses is told in the dialog, which stays as it is filled in.
        """

        async def go() -> None:
            self._wrong.clear()
            self._wrong.set_visibility(False)
            # Nobody does it twice because it takes a while.
            self.go.props("loading")
            try:
                self._dialog.submit((await work(),))
            except NotLoggedIn:
                raise
            except HoldfastError as err:
                # Told here: a notice at the edge of the page would lie over the buttons.
                self._wrong.set_visibility(True)
                with self._wrong:
                    problem(err)
            finally:
                self.go.props(remove="loading")

        self._press = visit.doing(go)
        # A slip of the hand beside it must not take away what was filled in; the key is meant.
        self._dialog.props("no-backdrop-dismiss")
        answer = await self._answer()
        return answer[0] if answer is not None else None

    def _agree(self) -> None:
        self._dialog.submit(())

    def _forget(self) -> None:
        # With the page it goes by itself.
        if not self._dialog.is_deleted:
            self._dialog.delete()

    async def _answer(self) -> Any:
        # Only once it is gone from sight has the focus gone back to where it came from.
        self._dialog.on("hide", self._forget)
        return await self._dialog
