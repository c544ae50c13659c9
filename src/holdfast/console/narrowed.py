"""A list of which only a part is shown says so: whoever came by a link must see that it is not all."""

from nicegui import ui

from holdfast.base.texts import _
from holdfast.console import shown


def only_these(what: str) -> str:
    return _("Only these are shown: {what}.").format(what=what)


def narrowed(said: str, href: str) -> None:
    """`href` leads to all of them."""
    with ui.element("div").classes("hf-row"):
        ui.label(said).classes("hf-muted")
        shown.link(_("Show all"), href)
