"""Questions before something is done: yes or no, a name typed again, a PIN."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from nicegui import ui

from holdfast.app.control.step_errors import PinNeeded, PinWrong
from holdfast.app.control.stepping_up import make_pin
from holdfast.base.texts import _
from holdfast.console.forms import Form
from holdfast.console.visiting import Visit

T = TypeVar("T")


async def confirm(
    title: str, text: str, *, yes: str, typed: str | None = None, is_dangerous: bool = False
) -> bool:
    """Whether they mean it; `typed`: a name they have to write, so that no slip of a hand does it."""
    with Form(title, yes=yes, text=text, is_dangerous=is_dangerous) as form:
        written = ui.input(_("Type {name} to go on").format(name=typed)) if typed else None
    if written is not None:
        form.go.bind_enabled_from(written, "value", lambda value: value == typed)
    return await form.agreed()


async def ask_text(
    title: str, label: str, *, yes: str, text: str = "", value: str = "", is_secret: bool = False
) -> str | None:
    """One line; None: they went away."""
    with Form(title, yes=yes, text=text) as form:
        box = ui.input(label, value=value, password=is_secret, password_toggle_button=is_secret)
        box.on("keydown.enter", form.press)
    return (box.value or None) if await form.agreed() else None


async def with_pin(visit: Visit, act: Callable[[Visit], Awaitable[T]]) -> T | None:
    """Do it; where it asks who they are, their password is asked and a PIN made for this once.

    What a second person has to agree to is asked for, and done when it was given; None: not done.
    """
    from holdfast.console.approving import with_approval  # it asks questions itself

    try:
        return await with_approval(visit, act)
    except (PinNeeded, PinWrong):
        pass
    password = await ask_text(
        _("Prove that it is you"),
        _("Password"),
        yes=_("Go on"),
        text=_("This destroys something. Your password makes a PIN that is good for this."),
        is_secret=True,
    )
    if password is None:
        return None
    made = await visit.ask(make_pin, password=password)
    return await with_approval(visit.armed(pin=made.pin), act)
