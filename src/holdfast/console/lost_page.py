"""What a wrong address leads to."""

from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.pages import page
from holdfast.console.visiting import Visit


@page("/{rest:path}", title=N_("Not found"))
async def lost_page(visit: Visit, rest: str) -> None:  # noqa: ARG001  every address that nobody else has
    shown.empty(
        _("There is no such page"),
        _("It may have been about something that is gone."),
        action=_("To the overview"),
        href="/",
    )
