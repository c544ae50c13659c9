"""A virtual machine out of a recovery point: as a new one, in place, its disks, or files of it."""

from nicegui import ui

from holdfast.app.control.browsing import list_volumes
from holdfast.app.control.restoring import (
    InsideWanted,
    VmRestoreWanted,
    order_inside,
    order_vm_restore,
)
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.asking import ask_text, confirm
from holdfast.console.file_browser import FileBrowser
from holdfast.console.looking import Look
from holdfast.console.notices import problem
from holdfast.console.plain_tables import Cell, plain_table
from holdfast.console.thing_words import CONSISTENCY, word
from holdfast.fleet.questions import Item, VolumesFound, VolumesWanted
from holdfast.fleet.roles import Right
from holdfast.server.nudging import nudge

_NEW, _IN_PLACE, _DISKS = "new", "in-place", "disks"


class VmRestoreForm:
    def __init__(self, look: Look) -> None:
        self._look, self._visit, self._vm = look, look.visit, look.vm or ""

    def show(self) -> None:
        with ui.element("div").classes("hf-halves"):
            with shown.card(_("Bring it back")):
                self._how()
            with shown.card(_("What will happen")):
                self._picture = ui.element("div").classes("hf-stack").props("aria-live=polite")
                with ui.element("div").classes("hf-actions"):
                    go = ui.button(_("Restore"), on_click=self._visit.doing(self._order))
                    go.props("unelevated no-caps color=primary")
                    go.set_enabled(self._visit.may(Right.RESTORE, self._look.machine.vault_id))
        self._draw()

    def _how(self) -> None:
        with ui.element("div").classes("hf-row"):
            ui.label(_("On the host")).classes("hf-muted")
            ui.label(self._look.host).classes("hf-strong")
        modes = {
            _NEW: _("As a new machine, beside the old one"),
            _IN_PLACE: _("In place: the machine itself becomes what it was"),
            _DISKS: _("Only its disks, as files"),
        }
        draw = self._visit.doing(self._draw)
        self._mode = ui.radio(modes, value=_NEW, on_change=draw)
        self._mode.props["aria-label"] = _("Bring it back")
        name = f"{self._vm}-restored"
        self._name = ui.input(_("Name of the new machine"), value=name, on_change=draw)
        self._name.props("outlined dense")
        self._pool = ui.input(_("Folder for its disks"), on_change=draw).props("outlined dense")
        self._pool.props["placeholder"] = "/var/lib/libvirt/images"
        self._keep = ui.checkbox(
            _("Same UUID and network addresses: the old machine is gone for good"), on_change=draw
        )
        self._start = ui.checkbox(_("Start it in the end"), on_change=draw)

    def _draw(self) -> None:
        mode = self._mode.value
        self._name.set_visibility(mode != _IN_PLACE)
        self._pool.set_visibility(mode != _IN_PLACE)
        self._keep.set_visibility(mode == _NEW)
        self._start.set_visibility(mode != _DISKS)
        self._picture.clear()
        with self._picture:
            for line in self._lines():
                ui.label(line)
            if mode == _IN_PLACE:
                with ui.element("div").classes("hf-notice hf-warn"):
                    ui.label(_("What the machine has written since this point is lost."))

    def _lines(self) -> list[str]:
        when = shown.when(self._look.point.taken_at)
        name, host = self._name.value or self._vm, self._look.host
        match self._mode.value:
            case "in-place":
                first = _("{vm} on {host} has to be off. Its disks become what they were {when}.")
            case "disks":
                first = _("The disks of {vm} as they were {when} are written to {host} as files.")
            case _:
                first = _("A machine {name} is made on {host}, as {vm} was {when}.")
        lines = [first.format(vm=self._vm, host=host, when=when, name=name)]
        if self._mode.value == _NEW:
            lines.append(
                _("It has the UUID and the addresses of the old one.")
                if self._keep.value
                else _("It has an identity of its own, so that both can run.")
            )
            lines.append(
                _(
                    "It is defined when all its disks are durable; after an error nothing of it is left."
                )
            )
        if self._start.value and self._mode.value != _DISKS:
            lines.append(_("It is started in the end."))
        return lines

    async def _order(self) -> None:
        mode = self._mode.value
        if mode == _IN_PLACE and not await self._is_meant():
            return
        is_new = mode == _NEW
        wanted = VmRestoreWanted(
            point=self._look.point.id,
            vm=self._vm,
            mode=mode,
            name=None if mode == _IN_PLACE else (self._name.value or None),
            pool=None if mode == _IN_PLACE else (self._pool.value or None),
            keep_identity=is_new and bool(self._keep.value),
            start=mode != _DISKS and bool(self._start.value),
            unlock=self._look.unlock_id,
        )
        job = await self._visit.ask(order_vm_restore, self._look.machine.id, wanted)
        nudge(job.id)
        ui.navigate.to(f"/jobs/{job.id}")

    async def _is_meant(self) -> bool:
        return await confirm(
            _("Put {vm} back to this point?").format(vm=self._vm),
            _("What it has written since then is lost. It has to be off."),
            yes=_("Restore"),
            typed=self._vm,
            is_dangerous=True,
        )


class VmInside:
    """Its disks and file systems; files of one of them are copied out."""

    def __init__(self, look: Look) -> None:
        self._look, self._visit = look, look.visit
        self._chosen: dict[str, Item] = {}

    def show(self) -> None:
        with shown.card(_("Files inside it")):
            self._place = ui.element("div").classes("hf-stack").props("aria-live=polite")
            with self._place, ui.element("div").classes("hf-row"):
                ui.spinner(size="20px").props("aria-hidden=true")
                ui.label(_("{machine} looks into the point…").format(machine=self._look.host))
        ui.timer(0.05, self._visit.doing(self._load), once=True)

    async def _load(self) -> None:
        try:
            found = await self._look.ask(list_volumes, VolumesWanted(point=self._look.point.id))
        except HoldfastError as err:
            self._place.clear()
            with self._place:
                problem(err)
            return
        self._place.clear()
        with self._place:
            self._draw(found)

    def _draw(self, found: VolumesFound) -> None:
        ui.label(
            _("Consistency: {word}").format(word=word(CONSISTENCY, found.consistency))
        ).classes("hf-muted")
        plain_table(
            [_("Volume"), _("Size"), _("Content"), _("Label")],
            [
                [
                    Cell(one.name),
                    Cell(shown.size(one.size), is_number=True),
                    Cell(one.content or "-"),
                    Cell(one.label or "-"),
                ]
                for one in found.volumes
            ],
        )
        readable = [one.name for one in found.volumes if one.is_readable]
        if not readable:
            ui.label(_("None of them has a file system that can be looked into.")).classes(
                "hf-muted"
            )
            return
        with ui.element("div").classes("hf-row"):
            box = ui.select(readable, label=_("Volume"), value=readable[0])
            box.props("outlined dense").classes("hf-narrow")
            look = self._visit.doing(lambda: self._open(str(box.value)))
            ui.button(_("Look inside"), on_click=look).props("outline no-caps color=primary")
        self._files = ui.element("div").classes("hf-stack")

    def _open(self, volume: str) -> None:
        self._files.clear()
        self._chosen = {}
        with self._files:
            FileBrowser(self._look, on_choice=self._choose, path=volume, inside=True).show()
            with ui.element("div").classes("hf-row"):
                self._copy = ui.button(_("Copy out"), on_click=self._visit.doing(self._copy_out))
                self._copy.props("unelevated no-caps color=primary").set_enabled(False)
                ui.label(_("Choose one file or folder.")).classes("hf-muted")

    async def _choose(self, chosen: dict[str, Item]) -> None:
        self._chosen = dict(chosen)
        self._copy.set_enabled(len(chosen) == 1)

    async def _copy_out(self) -> None:
        (item,) = self._chosen.values()
        folder = await ask_text(
            _("Copy {name} out").format(name=item.name),
            _("Folder on {machine}").format(machine=self._look.host),
            yes=_("Copy out"),
            value="/var/tmp/restored",  # noqa: S108  a proposal, on the other machine
        )
        if folder is None:
            return
        wanted = InsideWanted(
            point=self._look.point.id, path=item.path, to=folder, unlock=self._look.unlock_id
        )
        job = await self._visit.ask(order_inside, self._look.machine.id, wanted)
        nudge(job.id)
        ui.navigate.to(f"/jobs/{job.id}")
