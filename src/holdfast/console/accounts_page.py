"""Accounts: who may come in, what they may do, and who is kept out."""

from collections.abc import Sequence

from nicegui import ui

from holdfast.app.control import accounts, grants
from holdfast.app.control.accounts import AccountChange, AccountFacts, new_password
from holdfast.app.control.sessions import RoleIn
from holdfast.app.control.vaults import VaultFacts, list_vaults
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.columns import ago_column
from holdfast.console.forms import Form
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.role_words import role_words
from holdfast.console.shown import Tone
from holdfast.console.shown_once import show_once
from holdfast.console.spoken import NAMES
from holdfast.console.tables import Choice, Column, Empty, Listing
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.roles import Role

_NONE = ""


@page("/accounts", title=N_("Accounts"), section="accounts")
async def accounts_page(visit: Visit) -> None:
    async def add() -> None:
        made = await _add(visit)
        if made is not None:
            await listing.refresh()
            await show_once(
                _("The account {name} is there").format(name=made[0]),
                _("Its password, shown this once; whoever it is for changes it after logging in."),
                made[1],
            )

    with ui.element("div").classes("hf-row"):
        text = _("Administrators may do everything; others have a role in each vault.")
        ui.label(text).classes("hf-muted hf-grow")
        button = ui.button(_("Add an account"), icon="person_add", on_click=visit.doing(add))
        button.props("unelevated no-caps color=primary")
    listing = Listing(
        visit,
        name="accounts",
        columns=_columns(visit),
        load=lambda: all_of(visit, accounts.list_accounts),
        empty=Empty(title=_("No account"), text=_("Add one for each person who works here.")),
        choices=[Choice(name="state", label=_("State"), value=lambda one: _state(visit, one))],
    )
    await listing.show()


def _columns(visit: Visit) -> list[Column[AccountFacts]]:
    return [
        Column(
            name="name",
            label=_("Name"),
            value=lambda one: one.name,
            href=lambda one: f"/accounts/{one.name}",
        ),
        Column(
            name="state",
            label=_("State"),
            value=lambda one: _state(visit, one),
            tone=lambda one: _tone(visit, one),
        ),
        Column(
            name="admin",
            label=_("Administrator"),
            value=lambda one: _("yes") if one.is_admin else _("no"),
        ),
        Column(name="lang", label=_("Language"), value=lambda one: NAMES[one.lang]),
        ago_column(
            "since", _("Made on"), lambda one: one.created_at, visit.plane.clock, is_minor=True
        ),
    ]


async def _add(visit: Visit) -> tuple[str, str] | None:
    """The name and the password that was made for it."""
    with Form(_("Add an account"), yes=_("Add it")) as form:
        name = ui.input(_("Name")).props("outlined dense")
        lang = ui.select(NAMES, label=_("Language"), value=visit.lang)
        lang.props("outlined dense")
        is_admin = ui.checkbox(_("Administrator: may do everything on this server"))

    async def add() -> tuple[str, str]:
        password = new_password()
        made = await visit.ask(
            accounts.add_account,
            name=name.value.strip(),
            password=password,
            is_admin=is_admin.value,
            lang=lang.value,
        )
        return made.name, password

    return await form.done(visit, add)


@page("/accounts/{name}", title=N_("Account"), section="accounts")
async def account_of_page(visit: Visit, name: str) -> None:
    await _Account(visit, name).show()


class _Account:
    def __init__(self, visit: Visit, name: str) -> None:
        self._visit, self._name = visit, name

    async def show(self) -> None:
        with shown.card() as self._card:
            pass
        await self._refresh()
        roles = await self._visit.ask(grants.roles_of, self._name)
        self._roles(await all_of(self._visit, list_vaults), roles)

    async def _refresh(self) -> None:
        facts = await self._visit.ask(accounts.show_account, self._name)
        self._card.clear()
        with self._card:
            with ui.element("div").classes("hf-row"):
                shown.subject(facts.name)
                shown.chip(_state(self._visit, facts), _tone(self._visit, facts))
            shown.facts(
                [
                    (_("Administrator"), _("yes") if facts.is_admin else _("no")),
                    (_("Language"), NAMES[facts.lang]),
                    (_("Made on"), shown.when(facts.created_at)),
                    *_kept_out(facts),
                ]
            )
            shown.link(_("What it did"), f"/audit?actor=person:{facts.name}")
            self._acts(facts)

    def _acts(self, facts: AccountFacts) -> None:
        act = self._visit.doing
        with ui.element("div").classes("hf-row"):
            for text, work in (
                (_("New password"), self._new_password),
                (
                    _("Let it in again") if facts.disabled_at else _("Keep it out"),
                    self._let_in if facts.disabled_at else self._keep_out,
                ),
                (
                    _("No administrator any more")
                    if facts.is_admin
                    else _("Make it administrator"),
                    self._less if facts.is_admin else self._more,
                ),
                (_("Delete the account"), self._delete),
            ):
                ui.button(text, on_click=act(work)).props("outline no-caps color=primary")

    def _roles(self, vaults: Sequence[VaultFacts], roles: Sequence[RoleIn]) -> None:
        held = {one.vault_id: one.role for one in roles}
        with shown.card(_("Roles in vaults")):
            text = _(
                "A reader looks; an operator works with what is there and deletes nothing; a "
                "contributor does everything but deleting the vault and granting roles."
            )
            ui.label(text).classes("hf-muted")
            if not vaults:
                ui.label(_("There is no vault yet.")).classes("hf-muted")
            for vault in vaults:
                self._role(vault, held.get(vault.id, _NONE))

    def _role(self, vault: VaultFacts, role: str) -> None:
        words = {_NONE: _("no role"), **role_words()}
        box = ui.select(words, label=vault.name, value=role).props("outlined dense")
        box.classes("hf-narrow")

        async def change() -> None:
            wanted = Role(box.value) if box.value else None
            await self._visit.ask(grants.set_role, vault.id, account=self._name, role=wanted)
            told = _("{name} has this role in {vault} now: {role}")
            say(told.format(name=self._name, vault=vault.name, role=words[box.value]))

        box.on_value_change(self._visit.doing(change))

    async def _change(self, change: AccountChange) -> None:
        await self._visit.ask(accounts.change_account, self._name, change)
        await self._refresh()

    async def _new_password(self) -> None:
        title = _("Give {name} a new password?").format(name=self._name)
        text = _("All its sessions and tokens end at once.")
        if not await confirm(title, text, yes=_("New password")):
            return
        password = new_password()
        await self._change(AccountChange(password=password))
        await show_once(
            _("The new password of {name}").format(name=self._name),
            _("It is shown this once."),
            password,
        )

    async def _keep_out(self) -> None:
        title = _("Keep {name} out?").format(name=self._name)
        text = _("All its sessions and tokens end at once; nothing of it is deleted.")
        if await confirm(title, text, yes=_("Keep it out")):
            await self._change(AccountChange(is_disabled=True))

    async def _let_in(self) -> None:
        await self._change(AccountChange(is_disabled=False))

    async def _more(self) -> None:
        title = _("Make {name} an administrator?").format(name=self._name)
        text = _("It may then do everything on this server, in all vaults.")
        if await confirm(title, text, yes=_("Make it administrator")):
            await self._change(AccountChange(is_admin=True))

    async def _less(self) -> None:
        await self._change(AccountChange(is_admin=False))

    async def _delete(self) -> None:
        title = _("Delete the account {name}?").format(name=self._name)
        text = _("Its tokens and roles go with it; the audit log keeps its name.")
        if await confirm(title, text, yes=_("Delete it"), typed=self._name, is_dangerous=True):
            await self._visit.ask(accounts.delete_account, self._name)
            ui.navigate.to("/accounts")


def _kept_out(facts: AccountFacts) -> list[tuple[str, str]]:
    rows = []
    if facts.disabled_at:
        rows.append((_("Kept out since"), shown.when(facts.disabled_at)))
    if facts.locked_until:
        rows.append((_("Locked after wrong passwords until"), shown.when(facts.locked_until)))
    return rows


def _state(visit: Visit, facts: AccountFacts) -> str:
    if facts.disabled_at:
        return _("kept out")
    return _("locked") if _is_locked(visit, facts) else _("active")


def _tone(visit: Visit, facts: AccountFacts) -> Tone:
    if facts.disabled_at:
        return "idle"
    return "bad" if _is_locked(visit, facts) else "good"


def _is_locked(visit: Visit, facts: AccountFacts) -> bool:
    return facts.locked_until is not None and facts.locked_until > visit.plane.clock.now()
