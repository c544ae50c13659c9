"""A secret that is never shown again, ready to be copied."""

from holdfast.base.texts import _
from holdfast.console.doctor_remedy import to_type
from holdfast.console.forms import Form


async def show_once(title: str, text: str, secret: str) -> None:
    with Form(title, yes=_("I have noted it"), text=text, may_leave=False) as form:
        to_type(secret)
    await form.agreed()
