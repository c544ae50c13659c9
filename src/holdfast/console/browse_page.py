"""Inside a recovery point: its folders, and what is chosen there comes back."""

from nicegui import ui

from holdfast.app.control.machine_views import show_machine
from holdfast.app.control.points import show_point
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.file_browser import FileBrowser
from holdfast.console.looking import Look
from holdfast.console.pages import page
from holdfast.console.restore_form import RestoreForm
from holdfast.console.unlock_form import unlock_of, who_looks
from holdfast.console.visiting import Visit
from holdfast.console.vm_inside import VmInside
from holdfast.fleet.point_paths import spelled

_PLACE = "/browse"


@page(_PLACE, title=N_("Inside a recovery point"), section="restore")
async def browse_page(
    visit: Visit, machine: str = "", point: str = "", path: str = "", unlock: str = ""
) -> None:
    if not machine or not point:
        shown.empty(
            _("No recovery point is chosen"),
            _("Every recovery point can be looked into: choose one first."),
            action=_("Choose a recovery point"),
            href="/restore",
        )
        return
    look = await look_at_point(visit, machine, point, unlock)
    head(look, page=_PLACE)
    if look.vm is not None:
        VmInside(look, path=path).show()
        return
    form = RestoreForm(look, may_be_all=False)
    shown.heading(_("Files and folders"))
    FileBrowser(look, on_choice=form.take, path=path or first_folder(look)).show()
    form.show()


async def look_at_point(visit: Visit, machine: str, point: str, unlock: str) -> Look:
    found = await visit.ask(show_machine, machine)
    return Look(
        visit=visit,
        machine=found,
        point=await visit.ask(show_point, machine, point),
        unlock=await unlock_of(visit, found, unlock),
    )


def first_folder(look: Look) -> str:
    """Where a point begins: what it is of, if that is one thing."""
    paths = look.point.paths
    return spelled(paths[0].encode("utf-8", "surrogateescape")) if len(paths) == 1 else "/"


def head(look: Look, *, page: str) -> None:
    """Which point this is, whose, and who reads it."""
    point = look.point
    with shown.card():
        with ui.element("div").classes("hf-row"):
            shown.heading(shown.when(point.taken_at))
            of = _("of {vm} on {machine}") if look.vm else _("of {machine}")
            ui.label(of.format(vm=look.vm, machine=look.machine.name)).classes("hf-strong")
            ui.label(shown.size(point.bytes_total)).classes("hf-muted")
            ui.space()
            shown.link(_("About this point"), f"/points/{look.machine.id}/{point.id}")
            shown.link(_("Other points"), f"/restore?machine={look.machine.id}")
        if look.vm is None:
            ui.label(", ".join(point.paths)).classes("hf-code")
        who_looks(look, page=page)
