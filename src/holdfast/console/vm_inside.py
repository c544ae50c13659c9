"""Disks and file systems of a virtual machine's recovery point; files of them are copied out."""

from nicegui import ui

from holdfast.app.control.browsing import list_volumes
from holdfast.app.control.restoring import InsideWanted, order_inside
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.asking import ask_text
from holdfast.console.file_browser import FileBrowser
from holdfast.console.looking import Look
from holdfast.console.notices import problem
from holdfast.console.plain_tables import Cell, plain_table, size_cell
from holdfast.console.thing_words import CONSISTENCY, word
from holdfast.fleet.questions import Item, VolumesFound, VolumesWanted
from holdfast.server.nudging import nudge


class VmInside:
    """Its disks and file systems; files of one of them are copied out.

    `path` begins with the volume that is open at first.
    """

    def __init__(self, look: Look, *, path: str = "") -> None:
        self._look, self._visit, self._path = look, look.visit, path.strip("/")
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
            "volumes",
            [_("Volume"), _("Size"), _("Content"), _("Label")],
            [
                [
                    Cell(one.name),
                    size_cell(one.size),
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
            volume = self._path.partition("/")[0]
            first = volume if volume in readable else readable[0]
            box = ui.select(readable, label=_("Volume"), value=first)
            box.props("outlined dense").classes("hf-narrow")
            look = self._visit.doing(lambda: self._open(str(box.value)))
            ui.button(_("Look inside"), on_click=look).props("outline no-caps color=primary")
        self._files = ui.element("div").classes("hf-stack")
        if volume in readable:
            self._open(self._path)

    def _open(self, path: str) -> None:
        self._files.clear()
        self._chosen = {}
        with self._files:
            FileBrowser(self._look, on_choice=self._choose, path=path, inside=True).show()
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
