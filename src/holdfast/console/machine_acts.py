"""What people do to a machine, behind its menu: each asks before it does anything."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from holdfast.app.control.credentials import issue_credentials
from holdfast.app.control.machine_views import MachineView
from holdfast.app.control.machines import (
    limit_machine,
    rename_machine,
    reset_key,
    revoke_machine,
    undelete_machine,
    unregister_machine,
)
from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.asking import ask_text, confirm, with_pin
from holdfast.console.notices import say
from holdfast.console.orders import order
from holdfast.console.panels import acting
from holdfast.console.sizes import read_bytes, written
from holdfast.console.visiting import Visit
from holdfast.fleet.jobs import Kind
from holdfast.fleet.roles import Right

Refresh = Callable[[], Awaitable[None]]


def menu(visit: Visit, machine: MachineView, *, refresh: Refresh) -> None:
    """Only what the role allows, and what the state of the machine lets be done."""
    acts = Acts(visit, machine, refresh)
    offered = [
        (label, act)
        for label, right, is_possible, act in acts.all()
        if is_possible and visit.may(right, machine.vault_id)
    ]
    if not offered:
        return
    with ui.button(icon="more_vert").props("outline color=primary") as button, ui.menu():
        for label, act in offered:
            ui.menu_item(label, on_click=acting(visit, act)).props("role=menuitem")
    button.props(f'aria-label="{_("More to do with this machine")}" aria-haspopup=menu')


class Acts:
    def __init__(self, visit: Visit, machine: MachineView, refresh: Refresh) -> None:
        self._visit, self._machine, self._refresh = visit, machine, refresh

    def all(self) -> list[tuple[str, Right, bool, Refresh]]:
        """Label, the right it needs, whether it makes sense now, and how it is done."""
        state = self._machine.state
        is_there, is_active = state != "deleted", state == "active"
        has_key = self._machine.is_activated
        return [
            (_("Read all of it again"), Right.RUN_JOBS, is_active, self._read_all),
            (_("Free space now"), Right.DELETE_DATA, is_active, self._prune),
            (_("Run the doctor there"), Right.RUN_JOBS, is_active, self._doctor),
            (_("Rename"), Right.REGISTER, is_there, self._rename),
            (_("Limit what it stores"), Right.CHANGE_PROTECTION, is_there, self._limit_size),
            (_("Limit its speed"), Right.CHANGE_PROTECTION, is_there, self._limit_rate),
            (_("Credentials for a new disk"), Right.REGISTER, is_there, self._replace),
            (_("Lock it out"), Right.REGISTER, is_active, self._revoke),
            (_("Accept a new key"), Right.CHANGE_PROTECTION, is_active and has_key, self._new_key),
            (_("Unregister"), Right.UNREGISTER, is_active, self._unregister),
            (_("Delete its data"), Right.DELETE_DATA, is_there, self._delete),
            (_("Undelete"), Right.UNDELETE, not is_there, self._undelete),
        ]

    async def _read_all(self) -> None:
        is_sure = await confirm(
            _("Read all of it again"),
            _(
                "Its agent reads every byte it has stored, {size}, and compares it: the proof that "
                "all of it can come back. That may take long, and costs what reading costs there."
            ).format(size=shown.size(self._machine.bytes_stored)),
            yes=_("Read it"),
        )
        if is_sure:
            await order(self._visit, self._machine.id, Kind.CHECK, read_data="all")

    async def _prune(self) -> None:
        is_sure = await confirm(
            _("Free space now"),
            _("What no recovery point needs any more goes to the trash, as the policy does it."),
            yes=_("Free it"),
        )
        if is_sure:
            await order(self._visit, self._machine.id, Kind.PRUNE)

    async def _doctor(self) -> None:
        await order(self._visit, self._machine.id, Kind.DOCTOR)

    async def _rename(self) -> None:
        name = await ask_text(
            _("Rename the machine"),
            _("Name"),
            yes=_("Rename"),
            value=self._machine.name,
            text=_("The name is for people only: its recovery points stay where they are."),
        )
        if name:
            await self._visit.ask(rename_machine, self._machine.id, name)
            await self._done(_("Renamed"))

    async def _limit_size(self) -> None:
        said = await ask_text(
            _("Limit what it stores"),
            _("At most, as in 500G; 0 is no limit"),
            yes=_("Set"),
            value=written(self._machine.quota_bytes),
            text=_("A backup that would go beyond it is refused and says so."),
        )
        if said:
            await self._visit.ask(limit_machine, self._machine.id, quota_bytes=read_bytes(said))
            await self._done(_("The limit is set"))

    async def _limit_rate(self) -> None:
        said = await ask_text(
            _("Limit its speed"),
            _("Bytes a second, as in 10M; 0 is no limit"),
            yes=_("Set"),
            value=written(self._machine.limit_rate),
            text=_("How fast it may send to the vault and read from it."),
        )
        if said:
            await self._visit.ask(limit_machine, self._machine.id, limit_rate=read_bytes(said))
            await self._done(_("The limit is set"))

    async def _replace(self) -> None:
        is_sure = await confirm(
            _("Credentials for a new disk"),
            _(
                "When the disk of {machine} was lost, the machine set up anew goes on with its "
                "recovery points: register it with this file, which is good once, and with its "
                "old passphrase. Credentials that were issued before are no longer good."
            ).format(machine=self._machine.name),
            yes=_("Download the file"),
        )
        if is_sure:
            vault, machine = self._machine.vault_id, self._machine.id
            made = await self._visit.ask(issue_credentials, vault, replaces=machine)
            ui.download.content(made.content, made.file_name)

    async def _revoke(self) -> None:
        is_sure = await confirm(
            _("Lock {machine} out").format(machine=self._machine.name),
            _(
                "Its certificate and its password are no longer good from this moment: for a "
                "machine that was stolen, or is not trusted. Its recovery points stay, and "
                "credentials for a new disk bring it back."
            ),
            yes=_("Lock it out"),
            is_dangerous=True,
        )
        if is_sure:
            await self._visit.ask(revoke_machine, self._machine.id)
            await self._done(_("The machine is locked out"))

    async def _new_key(self) -> None:
        is_sure = await confirm(
            _("Accept a new key"),
            _(
                "The next repository key that {machine} comes with is taken for its own. Only for "
                "a repository that was made anew on purpose."
            ).format(machine=self._machine.name),
            yes=_("Accept it"),
            is_dangerous=True,
        )
        if is_sure:
            await self._with_pin(reset_key)

    async def _unregister(self) -> None:
        is_sure = await confirm(
            _("Unregister {machine}").format(machine=self._machine.name),
            _(
                "It backs up no more and its certificate ends. Its recovery points stay, and it "
                "can be registered again."
            ),
            yes=_("Unregister"),
            is_dangerous=True,
        )
        if is_sure:
            await self._visit.ask(unregister_machine, self._machine.id, delete_data=False)
            await self._done(_("The machine is unregistered; its recovery points stay"))

    async def _delete(self) -> None:
        is_sure = await confirm(
            _("Delete all data of {machine}").format(machine=self._machine.name),
            _(
                "Its registration ends and all its recovery points go. For as many days as the "
                "vault keeps what was deleted, this can be undone here."
            ),
            yes=_("Delete"),
            typed=self._machine.name,
            is_dangerous=True,
        )
        if is_sure:
            await self._with_pin(unregister_machine, delete_data=True)

    async def _undelete(self) -> None:
        await self._visit.ask(undelete_machine, self._machine.id)
        await self._done(_("Its recovery points are back; register it again to go on"))

    async def _with_pin(self, work: Callable[..., MachineView], **more: bool) -> None:
        async def act(visit: Visit) -> MachineView:
            return await visit.ask(work, self._machine.id, **more)

        if await with_pin(self._visit, act) is not None:
            await self._done(_("Done"))

    async def _done(self, text: str) -> None:
        say(text)
        await self._refresh()
