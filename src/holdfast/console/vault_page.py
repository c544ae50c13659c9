"""One vault: its room, its guards, its machines, and the file with which machines join it."""

from nicegui import ui

from holdfast.app.control.credentials import issue_credentials
from holdfast.app.control.trash import TrashTotal, trash_totals
from holdfast.app.control.vaults import VaultFacts, delete_vault, show_vault, undelete_vault
from holdfast.base.texts import N_, _, ngettext
from holdfast.console import shown
from holdfast.console.asking import confirm, with_pin
from holdfast.console.machines_page import machine_listing
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.panels import Panel, acting
from holdfast.console.vault_form import change
from holdfast.console.vault_words import (
    guard_text,
    guard_tone,
    immutability_text,
    room_text,
    soft_delete_text,
)
from holdfast.console.visiting import Visit
from holdfast.fleet.roles import Right

_EVERY = 15.0
Seen = tuple[VaultFacts, list[TrashTotal]]


@page("/vaults/{vault_id}", title=N_("Vault"), section="vaults")
async def vault_page(visit: Visit, vault_id: str) -> None:
    top = _Page(visit, vault_id)
    await top.panel.refresh()
    visit.every(_EVERY, top.panel.refresh)
    shown.heading(_("Machines"))
    listing = machine_listing(visit, vault=vault_id)
    await listing.show()
    visit.every(2 * _EVERY, listing.refresh)


class _Page:
    def __init__(self, visit: Visit, vault_id: str) -> None:
        self._visit, self._id = visit, vault_id
        self.panel: Panel[Seen] = Panel(self._load, self._draw)

    async def _load(self) -> Seen:
        vault = await self._visit.ask(show_vault, self._id)
        return vault, await self._visit.ask(trash_totals, self._id)

    def _draw(self, seen: Seen) -> None:
        vault, trashed = seen
        with ui.element("div").classes("hf-row"):
            shown.subject(vault.name)
            shown.chip(guard_text(vault), guard_tone(vault))
            ui.space()
            self._buttons(vault)
        if vault.deleted_at is not None:
            self._deleted(vault)
        with ui.element("div").classes("hf-halves"):
            self._facts(vault, trashed)
            self._guards(vault)

    def _buttons(self, vault: VaultFacts) -> None:
        is_there = vault.deleted_at is None
        with ui.link(target=f"/policies?vault={vault.id}").classes("hf-button"):
            ui.label(_("Policies"))
        with ui.link(target=f"/points?vault={vault.id}").classes("hf-button"):
            ui.label(_("Recovery points"))
        with ui.link(target=f"/reports/capacity?vault={vault.id}").classes("hf-button"):
            ui.label(_("Capacity forecast"))
        if is_there and self._visit.may(Right.REGISTER, vault.id):
            ui.button(
                _("Register a machine"),
                icon="add",
                on_click=acting(self._visit, lambda: self._register(vault)),
            ).props("unelevated no-caps color=primary")
        if is_there and self._visit.may(Right.DELETE_VAULT, vault.id):
            self._more(vault)

    def _more(self, vault: VaultFacts) -> None:
        with ui.button(icon="more_vert").props("outline color=primary") as button, ui.menu():
            ui.menu_item(
                _("Delete the vault"), on_click=acting(self._visit, lambda: self._delete(vault))
            ).props("role=menuitem")
        button.props(f'aria-label="{_("More to do with this vault")}" aria-haspopup=menu')

    def _deleted(self, vault: VaultFacts) -> None:
        with ui.element("div").classes("hf-notice hf-warn"):
            ui.label(
                _("This vault is deleted. Its data goes for good at {when}.").format(
                    when=shown.when(vault.purge_at)
                )
            )
            if self._visit.may(Right.UNDELETE, vault.id):
                ui.button(
                    _("Undelete"), on_click=acting(self._visit, lambda: self._undelete(vault))
                ).props("outline no-caps color=primary")

    def _facts(self, vault: VaultFacts, trashed: list[TrashTotal]) -> None:
        files = sum(one.files for one in trashed)
        count = ngettext("{count} file", "{count} files", files).format(count=files)
        trash = f"{shown.size(sum(one.size for one in trashed))}, {count}" if files else "-"
        machines = _("{count} of at most {limit}").format(
            count=vault.machines, limit=vault.machine_limit
        )
        with shown.card(_("What it holds")):
            shown.facts(
                [
                    (_("Place"), vault.location),
                    (_("Machines"), machines),
                    (_("Stored"), room_text(vault)),
                    (_("In the trash"), trash),
                    (_("Made"), shown.when(vault.created_at)),
                ]
            )

    def _guards(self, vault: VaultFacts) -> None:
        rate = vault.limit_rate
        alarm = ngettext(
            "after {days} day without a backup",
            "after {days} days without a backup",
            vault.backup_within_days,
        ).format(days=vault.backup_within_days)
        with shown.card(_("How it is guarded")):
            shown.facts(
                [
                    (_("Soft delete"), soft_delete_text(vault)),
                    (_("Immutability"), immutability_text(vault)),
                    (_("Four eyes"), _("on") if vault.four_eyes else _("off")),
                    (_("Alarm"), alarm if vault.backup_within_days else _("never")),
                    (_("Speed limit"), shown.size(rate) if rate else _("none")),
                ]
            )
            if vault.deleted_at is None and self._visit.may(Right.CHANGE_PROTECTION, vault.id):
                ui.button(
                    _("Change"), on_click=acting(self._visit, lambda: self._change(vault))
                ).props("outline no-caps color=primary")

    async def _change(self, vault: VaultFacts) -> None:
        if await change(self._visit, vault):
            say(_("The vault is changed"))
            await self.panel.refresh()

    async def _register(self, vault: VaultFacts) -> None:
        is_sure = await confirm(
            _("Register a machine"),
            _(
                "The file lets any number of machines join {vault} for {hours} hours; files issued "
                "before are no longer good. Copy it to the machine and run there:\n\n"
                "holdfast register --credentials FILE\n"
                "holdfast agent install\n\n"
                "The passphrase it asks for never leaves that machine: keep a copy in a safe place."
            ).format(vault=vault.name, hours=vault.credential_hours),
            yes=_("Download the file"),
        )
        if is_sure:
            made = await self._visit.ask(issue_credentials, vault.id)
            ui.download.content(made.content, made.file_name)

    async def _delete(self, vault: VaultFacts) -> None:
        is_sure = await confirm(
            _("Delete {vault}").format(vault=vault.name),
            _("It can be undeleted for as long as soft delete keeps it; then all of it is gone."),
            yes=_("Delete"),
            typed=vault.name,
            is_dangerous=True,
        )
        if not is_sure:
            return

        async def act(visit: Visit) -> VaultFacts:
            return await visit.ask(delete_vault, vault.id)

        if await with_pin(self._visit, act) is not None:
            await self.panel.refresh()

    async def _undelete(self, vault: VaultFacts) -> None:
        await self._visit.ask(undelete_vault, vault.id)
        say(_("The vault is back"))
        await self.panel.refresh()
