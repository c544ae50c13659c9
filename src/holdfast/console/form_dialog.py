"""A dialog with some fields; it stays open until what was filled in was taken."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from nicegui import ui

from holdfast.app.control.errors import NotLoggedIn
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.doctor_remedy import to_type
from holdfast.console.notices import problem
from holdfast.console.visiting import Visit

T = TypeVar("T")


async def ask_form(
    visit: Visit,
    title: str,
    draw: Callable[[], Callable[[], Awaitable[T]]],
    *,
    yes: str,
    text: str = "",
) -> T | None:
    """`draw` makes the fields and gives back what does the work with them; None: they went away.

    What the work refuses is told in the dialog, which stays as it is filled in.
    """
    with ui.dialog().props("persistent") as dialog, ui.card().classes("hf-dialog"):
        shown.heading(title)
        if text:
            ui.label(text).classes("hf-pre")
        work = draw()
        wrong = ui.element("div").classes("hf-stack").props("aria-live=assertive")

        async def go() -> None:
            wrong.clear()
            try:
                dialog.submit((await work(),))
            except NotLoggedIn:
                raise
            except HoldfastError as err:
                # Told here: a notice at the edge of the page would lie over the buttons.
                with wrong:
                    problem(err)

        with ui.row().classes("hf-actions"):
            ui.button(_("Cancel"), on_click=lambda: dialog.submit(None)).props("flat no-caps")
            ui.button(yes, on_click=visit.doing(go)).props("no-caps unelevated color=primary")
    dialog.props["aria-label"] = title
    answer = await dialog
    dialog.delete()
    return answer[0] if answer is not None else None


async def show_once(title: str, text: str, secret: str) -> None:
    """A secret that is never shown again, ready to be copied."""
    with ui.dialog().props("persistent") as dialog, ui.card().classes("hf-dialog"):
        shown.heading(title)
        ui.label(text).classes("hf-pre")
        to_type(secret)
        with ui.row().classes("hf-actions"):
            done = ui.button(_("I have noted it"), on_click=lambda: dialog.submit(""))
            done.props("no-caps unelevated color=primary")
    dialog.props["aria-label"] = title
    await dialog
    dialog.delete()
