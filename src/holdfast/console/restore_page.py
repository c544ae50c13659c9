"""Restore, step by step: which machine, which point, what of it, and where to."""

from nicegui import ui

from holdfast.app.control.machine_views import MachineView, list_machines, show_machine
from holdfast.app.control.point_lists import PointLine, PointWanted, list_all_points
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.browse_page import first_folder, head, look_at_point
from holdfast.console.file_browser import FileBrowser
from holdfast.console.looking import Look
from holdfast.console.pages import page
from holdfast.console.restore_form import RestoreForm
from holdfast.console.tables import Column, Empty, Listing
from holdfast.console.thing_words import CONSISTENCY, HEALTH, tone, word
from holdfast.console.visiting import Visit
from holdfast.console.vm_inside import VmInside
from holdfast.console.vm_restore_form import VmRestoreForm
from holdfast.console.whole_lists import all_of, vault_names

_PLACE = "/restore"
_ALL, _SOME = "all", "some"


@page(_PLACE, title=N_("Restore"), section="restore")
async def restore_page(
    visit: Visit, machine: str = "", point: str = "", vm: str = "", unlock: str = ""
) -> None:
    if not machine:
        _steps(0)
        await _machines(visit)
    elif not point:
        _steps(1, machine)
        await _points(visit, machine, vm)
    else:
        _steps(2, machine)
        _wizard(await look_at_point(visit, machine, point, unlock))


def _steps(now: int, machine: str = "") -> None:
    """Where somebody is on the way; the steps before lead back."""
    names = (_("Machine"), _("Recovery point"), _("What and where to"))
    back = (_PLACE, f"{_PLACE}?machine={machine}")
    way = ui.element("ol").classes("hf-way")
    way.props["aria-label"] = _("Steps")
    with way:
        for place, name in enumerate(names):
            with ui.element("li") as step:
                text = f"{place + 1}. {name}"
                if place < now:
                    shown.link(text, back[place])
                else:
                    ui.label(text)
                if place == now:
                    step.props('aria-current="step"')


async def _machines(visit: Visit) -> None:
    vaults = await vault_names(visit)
    listing: Listing[MachineView] = Listing(
        visit,
        name="restorable",
        columns=[
            Column(
                name="name",
                label=_("Machine"),
                value=lambda one: one.name,
                href=lambda one: f"{_PLACE}?machine={one.id}",
            ),
            Column(
                name="health",
                label=_("State"),
                value=lambda one: word(HEALTH, one.health),
                tone=lambda one: tone(HEALTH, one.health),
            ),
            # Machines of two vaults may have one name.
            Column(
                name="vault",
                label=_("Vault"),
                value=lambda one: vaults.get(one.vault_id, one.vault_id),
                href=lambda one: f"/vaults/{one.vault_id}",
            ),
            Column(name="points", label=_("Points"), value=lambda one: one.points, is_number=True),
            Column(
                name="newest",
                label=_("Newest point"),
                value=lambda one: one.newest_point,
                text=lambda one: shown.ago(one.newest_point, visit.plane.clock.now()),
            ),
            Column(
                name="stored",
                label=_("Stored"),
                value=lambda one: one.bytes_stored,
                text=lambda one: shown.size(one.bytes_stored),
                is_number=True,
                is_minor=True,
            ),
        ],
        load=lambda: _with_points(visit),
        empty=Empty(
            title=_("There is nothing to restore yet"),
            text=_("As soon as a machine has been backed up, its recovery points are here."),
            action=_("See the machines"),
            href="/machines",
        ),
    )
    await listing.show()


async def _with_points(visit: Visit) -> list[MachineView]:
    found = await all_of(visit, list_machines)
    return [one for one in found if one.points]


async def _points(visit: Visit, machine_id: str, vm: str) -> None:
    machine = await visit.ask(show_machine, machine_id)
    with ui.element("div").classes("hf-row"):
        shown.heading(machine.name)
        shown.chip(word(HEALTH, machine.health), tone(HEALTH, machine.health) or "idle")
        ui.space()
        shown.link(_("Another machine"), _PLACE)
    if machine.health != "ok":
        with ui.element("div").classes("hf-notice hf-warn"):
            ui.label(
                _(
                    "This machine does not answer. Its points can be read through another machine "
                    "of the vault, with its passphrase: choose a point, then that machine."
                )
            )
    wanted = PointWanted(machine=machine_id, vm=vm or None)
    listing: Listing[PointLine] = Listing(
        visit,
        name=f"points-{machine.name}",
        columns=_point_columns(visit),
        load=lambda: all_of(visit, list_all_points, wanted=wanted),
        empty=Empty(
            title=_("There are no recovery points here"),
            text=_("They come with the first backup."),
            action=_("See the machine"),
            href=f"/machines/{machine_id}",
        ),
        sort="taken_at",
        is_descending=True,
    )
    await listing.show()


def _point_columns(visit: Visit) -> list[Column[PointLine]]:
    return [
        Column(
            name="taken_at",
            label=_("Time"),
            value=lambda one: one.taken_at,
            text=lambda one: shown.when(one.taken_at),
            href=lambda one: f"{_PLACE}?machine={one.machine_id}&point={one.id}",
        ),
        Column(
            name="age",
            label=_("Age"),
            value=lambda one: one.taken_at,
            text=lambda one: shown.ago(one.taken_at, visit.plane.clock.now()),
            is_minor=True,
        ),
        Column(name="paths", label=_("Of"), value=lambda one: ", ".join(one.paths)),
        Column(
            name="consistency",
            label=_("Class"),
            value=lambda one: word(CONSISTENCY, one.consistency),
            tone=lambda one: tone(CONSISTENCY, one.consistency),
        ),
        Column(
            name="size",
            label=_("Size"),
            value=lambda one: one.bytes_total,
            text=lambda one: shown.size(one.bytes_total),
            is_number=True,
        ),
    ]


def _wizard(look: Look) -> None:
    head(look, page=_PLACE)
    if look.vm is not None:
        VmRestoreForm(look).show()
        VmInside(look).show()
        return
    _Files(look).show()


class _Files:
    """Everything, or what is chosen in the point's folders."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._form = RestoreForm(look, may_be_all=True)

    def show(self) -> None:
        with shown.card(_("What")):
            choices = {
                _ALL: _("Everything in the point"),
                _SOME: _("Files and folders that I choose"),
            }
            what = ui.radio(choices, value=_ALL)
            what.props("inline").props["aria-label"] = _("What")
            what.on_value_change(self._look.visit.doing(self._turn))
            self._what = what
            self._place = ui.element("div").classes("hf-stack")
        self._form.show()

    async def _turn(self) -> None:
        self._place.clear()
        is_some = self._what.value == _SOME
        self._form.require_choice(is_some)
        await self._form.take({})
        if is_some:
            with self._place:
                path = first_folder(self._look)
                FileBrowser(self._look, on_choice=self._form.take, path=path).show()
