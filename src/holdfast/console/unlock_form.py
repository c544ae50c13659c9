"""A point read through another machine: its own is lost, or it is to come back elsewhere."""

import dataclasses
from collections.abc import Awaitable, Callable

from nicegui import ui

from holdfast.app.control.machine_views import MachineView, list_machines
from holdfast.app.control.unlocking import UnlockView, end_unlock, list_unlocks, unlock_machine
from holdfast.base.secret import Secret
from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.forms import Form
from holdfast.console.looking import Look
from holdfast.console.notices import warn
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.roles import Right


async def unlock_of(visit: Visit, machine: MachineView, unlock: str) -> UnlockView | None:
    """The one of this login, if it is still at hand; of a machine that is away, any that is."""
    is_away = machine.health != "ok"
    if not (unlock or is_away) or not visit.may(Right.RESTORE, machine.vault_id):
        return None
    found = await visit.ask(list_unlocks, machine.id)
    named = [one for one in found if one.id == unlock]
    return next(iter(named or (found if is_away else [])), None)


def who_looks(look: Look, *, page: str) -> None:
    """A line that says it, with the way to another."""
    with ui.element("div").classes("hf-row"):
        if look.unlock is None:
            ui.label(_("Read by the machine itself, which has the key.")).classes("hf-muted")
            _button(
                look,
                _("Use another machine"),
                lambda: _unlock(look, page),
            )
            return
        shown.chip(_("Read through {machine}").format(machine=look.unlock.reader), "busy")
        ui.label(
            _("Its passphrase is kept in memory until you log out, or forget it here.")
        ).classes("hf-muted")
        _button(look, _("Forget the passphrase"), lambda: _forget(look, page))


def _button(look: Look, text: str, act: Callable[[], Awaitable[None]]) -> None:
    made = ui.button(text, on_click=look.visit.doing(act))
    made.props("flat dense no-caps color=primary")


async def _unlock(look: Look, page: str) -> None:
    visit, machine = look.visit, look.machine
    readers = await _readers(visit, machine)
    if not readers:
        warn(_("There is no other machine at work in this vault that could read it."))
        return

    text = _(
        "For a machine that is lost, or files that are to come back elsewhere. The passphrase "
        "was chosen when {machine} was registered; its recovery kit has it. It stays in the "
        "server's memory until you log out, and is never stored."
    ).format(machine=machine.name)
    with Form(_("Read through another machine"), yes=_("Unlock"), text=text) as form:
        reader = ui.select(readers, label=_("Machine that reads"), value=next(iter(readers)))
        reader.props("outlined")
        typed = ui.input(_("Passphrase of {machine}").format(machine=machine.name), password=True)
        typed.props("outlined autocomplete=off")

    async def work() -> UnlockView:
        passphrase = Secret((typed.value or "").encode())
        # What was typed is not to stay on the page.
        typed.set_value("")
        asked = await visit.ask(
            unlock_machine, machine.id, reader_id=str(reader.value), passphrase=passphrase
        )
        return await asked.arrive()

    opened = await form.done(visit, work)
    if opened is not None:
        ui.navigate.to(dataclasses.replace(look, unlock=opened).place(page))


async def _readers(visit: Visit, machine: MachineView) -> dict[str, str]:
    found = await all_of(visit, list_machines, vault=machine.vault_id, state="active")
    return {one.id: one.name for one in found if one.id != machine.id and one.health == "ok"}


async def _forget(look: Look, page: str) -> None:
    if look.unlock is not None:
        await look.visit.ask(end_unlock, look.machine.id, look.unlock.id)
    ui.navigate.to(dataclasses.replace(look, unlock=None).place(page))
