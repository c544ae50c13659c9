"""Who else may read a machine's points for a while, and what of it lies in the trash."""

from nicegui import ui

from holdfast.app.control.machine_views import MachineView, list_machines, show_machine
from holdfast.app.control.read_grants import (
    ReadGrantView,
    allow_reader,
    end_reader,
    list_readers,
)
from holdfast.app.control.trash import TrashTotal, trash_totals, undelete
from holdfast.base.texts import _, ngettext
from holdfast.catalog.trash import Filter
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.forms import Form
from holdfast.console.notices import say
from holdfast.console.panels import Panel, acting
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.roles import Right

Found = tuple[MachineView, list[ReadGrantView], TrashTotal | None, dict[str, str]]
_HOURS = (1, 4, 24, 72)


async def keeping(visit: Visit, machine_id: str) -> None:
    await _Keeping(visit, machine_id).panel.refresh()


class _Keeping:
    def __init__(self, visit: Visit, machine_id: str) -> None:
        self._visit, self._id = visit, machine_id
        self.panel: Panel[Found] = Panel(self._load, self._draw)

    async def _load(self) -> Found:
        machine = await self._visit.ask(show_machine, self._id)
        readers = await self._visit.ask(list_readers, self._id)
        totals = await self._visit.ask(trash_totals, machine.vault_id)
        others = await all_of(self._visit, list_machines, vault=machine.vault_id, state="active")
        names = {one.id: one.name for one in others if one.id != machine.id}
        trashed = next((one for one in totals if one.machine_id == machine.id), None)
        return machine, readers, trashed, names

    def _draw(self, found: Found) -> None:
        machine, readers, trashed, names = found
        with ui.element("div").classes("hf-halves"):
            self._readers(machine, readers, names)
            self._trash(machine, trashed)

    def _readers(
        self, machine: MachineView, readers: list[ReadGrantView], names: dict[str, str]
    ) -> None:
        may = self._visit.may(Right.RESTORE, machine.vault_id)
        with shown.card(_("Who else may read its points")):
            if not readers:
                ui.label(
                    _(
                        "Nobody. When this machine is lost, let another one of its vault read for "
                        "some hours: with the passphrase it restores there."
                    )
                ).classes("hf-muted")
            for one in readers:
                self._reader(one, names, may=may)
            if may and names and machine.state != "deleted":
                ui.button(
                    _("Let another machine read"),
                    on_click=acting(self._visit, lambda: self._allow(names)),
                ).props("outline no-caps color=primary")

    def _reader(self, one: ReadGrantView, names: dict[str, str], *, may: bool) -> None:
        name = names.get(one.reader_id, one.reader_id)
        with ui.element("div").classes("hf-row hf-item"):
            until = shown.ago(one.expires_at, self._visit.plane.clock.now())
            ui.label(_("{machine}, ends {when}").format(machine=name, when=until)).classes(
                "hf-grow"
            )
            if may:
                ui.button(_("End now"), on_click=acting(self._visit, lambda: self._end(one))).props(
                    "flat dense no-caps"
                ).props["aria-label"] = _("End the reading of {machine}").format(machine=name)

    def _trash(self, machine: MachineView, trashed: TrashTotal | None) -> None:
        with shown.card(_("In the trash")):
            if trashed is None:
                ui.label(
                    _("Nothing. What the machine deletes is kept here for some days.")
                ).classes("hf-muted")
                return
            count = ngettext("{count} file", "{count} files", trashed.files)
            shown.facts(
                [
                    (_("Deleted"), count.format(count=trashed.files)),
                    (_("Size"), shown.size(trashed.size)),
                    (_("First gone for good"), shown.when(trashed.next_purge_at)),
                ]
            )
            if self._visit.may(Right.UNDELETE, machine.vault_id):
                ui.button(
                    _("Bring all of it back"), on_click=acting(self._visit, self._bring_back)
                ).props("outline no-caps color=primary")

    async def _allow(self, names: dict[str, str]) -> None:
        wanted = await _ask_reader(names)
        if wanted is None:
            return
        reader, hours = wanted
        await self._visit.ask(allow_reader, self._id, reader_id=reader, hours=hours)
        say(_("{machine} may read for {hours} hours").format(machine=names[reader], hours=hours))
        await self.panel.refresh()

    async def _end(self, one: ReadGrantView) -> None:
        await self._visit.ask(end_reader, self._id, one.id)
        await self.panel.refresh()

    async def _bring_back(self) -> None:
        is_sure = await confirm(
            _("Bring all of it back"),
            _("Every file in the trash of this machine lies in its repository again."),
            yes=_("Bring it back"),
        )
        if is_sure:
            done = await self._visit.ask(undelete, Filter(machine_id=self._id))
            text = ngettext("{count} file is back", "{count} files are back", done.files)
            say(text.format(count=done.files))
            await self.panel.refresh()


async def _ask_reader(names: dict[str, str]) -> tuple[str, int] | None:
    text = _("It can open this machine's recovery points only with this machine's passphrase.")
    with Form(_("Let another machine read"), yes=_("Let it read"), text=text) as form:
        reader = ui.select(names, label=_("Machine"), value=next(iter(names)))
        hours = ui.select(list(_HOURS), label=_("For how many hours"), value=24)
    if not await form.agreed():
        return None
    return str(reader.value), int(hours.value or 1)
