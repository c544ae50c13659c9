"""What went wrong, or went well, said on the page."""

from typing import Any

from nicegui import ui

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.console.shown import prose

_STAYS = 0


def tell(err: HoldfastError) -> None:
    """With its code and what to do; it stays until it was read."""
    ui.notification(
        f"{err}\n{err.advice}\n({err.code})",
        type="negative",
        multi_line=True,
        timeout=_STAYS,
        close_button=_("Close"),
        classes="hf-told",
    )


def tell_unexpected(number: str) -> None:
    """Of a fault of ours; the number leads to it in the server's log."""
    ui.notification(
        _("The console failed here. The log of the server says why, under {number}.").format(
            number=number
        ),
        type="negative",
        timeout=_STAYS,
        close_button=_("Close"),
    )


def say(text: str) -> None:
    """A success, for some seconds."""
    ui.notification(text, type="positive", timeout=5)


def warn(text: str) -> None:
    """That nothing was done, and why; for some seconds."""
    ui.notification(text, type="warning", timeout=5)


def problem(err: HoldfastError) -> Any:
    """In the place of what could not be shown."""
    with ui.element("section").classes("hf-notice hf-bad").props("role=alert") as shown:
        ui.label(str(err)).classes("hf-strong")
        prose(err.advice)
        ui.label(err.code).classes("hf-code")
    return shown
