"""One's own account: its language, its password, its PIN, its tokens for programs."""

from collections.abc import Sequence

from nicegui import ui

from holdfast.app.control import sessions, stepping_up, tokens
from holdfast.app.control.errors import NotThere
from holdfast.app.control.tokens import LONGEST_DAYS, NewToken, TokenFacts
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.asking import ask_text, confirm
from holdfast.console.columns import ago_column
from holdfast.console.forms import Form
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.role_words import role_text
from holdfast.console.shown_once import show_once
from holdfast.console.spoken import NAMES
from holdfast.console.tables import Column, Empty, Listing
from holdfast.console.visiting import Visit
from holdfast.console.whole_lists import all_of
from holdfast.fleet.roles import Scope

_DAYS = 90


@page("/account", title=N_("Your account"))
async def account_page(visit: Visit) -> None:
    with ui.element("div").classes("hf-halves"):
        _about(visit)
        _secrets(visit)
    await _tokens(visit)


def _about(visit: Visit) -> None:
    with shown.card(visit.me.name):
        roles = [(one.vault, role_text(one.role)) for one in visit.me.roles]
        if visit.me.is_admin:
            roles = [(_("All vaults"), _("administrator")), *roles]
        if roles:
            shown.facts(roles)
        else:
            ui.label(_("You have no role in any vault yet; an administrator grants one.")).classes(
                "hf-muted"
            )
        box = ui.select(NAMES, label=_("Language"), value=visit.me.lang)
        box.props("outlined dense").classes("hf-narrow")

        async def change() -> None:
            await visit.ask(sessions.change_language, box.value)
            # What was chosen in this browser would hide it.
            ui.navigate.to(f"/look?language={box.value}&next=/ui/account")

        box.on_value_change(visit.doing(change))


def _secrets(visit: Visit) -> None:
    with shown.card(_("Password and PIN")):
        old = _password(_("Password until now"), "current-password")
        new = _password(_("New password, 12 characters or more"), "new-password")

        async def change() -> None:
            await visit.ask(
                sessions.change_password, old=old.value, new=new.value, secret=visit.secret
            )
            old.set_value("")
            new.set_value("")
            say(_("The password is changed; all other sessions of yours have ended."))

        async def pin() -> None:
            title, label = _("Prove that it is you"), _("Password")
            password = await ask_text(title, label, yes=_("Make a PIN"), is_secret=True)
            if password is None:
                return
            made = await visit.ask(stepping_up.make_pin, password=password)
            text = _("Good until {time}, for dangerous acts on the command line: --pin PIN.")
            await show_once(
                _("Your security PIN"), text.format(time=shown.when(made.expires_at)), made.pin
            )

        with ui.element("div").classes("hf-row"):
            button = ui.button(_("Change the password"), on_click=visit.doing(change))
            button.props("unelevated no-caps color=primary")
            button = ui.button(_("Make a security PIN"), on_click=visit.doing(pin))
            button.props("outline no-caps color=primary")


def _password(label: str, kind: str) -> ui.input:
    box = ui.input(label, password=True, password_toggle_button=True).props("outlined dense")
    return box.props(f"autocomplete={kind}")


async def _tokens(visit: Visit) -> None:
    async def add() -> None:
        made = await _add_token(visit)
        if made is not None:
            await listing.refresh()
            title = _("The token {name}").format(name=made.name)
            text = _("It is shown this once. Send it as `Authorization: Bearer TOKEN`.")
            await show_once(title, text, made.token)

    with ui.element("div").classes("hf-row"):
        shown.heading(_("Tokens for programs"))
        ui.space()
        button = ui.button(_("Make a token"), icon="add", on_click=visit.doing(add))
        button.props("outline no-caps color=primary")
    listing = Listing(
        visit,
        name="tokens",
        columns=_columns(visit),
        load=lambda: all_of(visit, tokens.list_tokens),
        empty=Empty(
            title=_("No token"),
            text=_(
                "A program that uses the API stands for you with a token: limited to what it "
                "needs, for as long as it needs it."
            ),
        ),
    )
    await listing.show()


def _columns(visit: Visit) -> list[Column[TokenFacts]]:
    clock = visit.plane.clock
    return [
        Column(
            name="name",
            label=_("Name"),
            value=lambda one: one.name,
            href=lambda one: f"/account/tokens/{one.id}",
        ),
        Column(name="scopes", label=_("May"), value=lambda one: _scopes(one.scopes)),
        ago_column("since", _("Made on"), lambda one: one.created_at, clock, is_minor=True),
        Column(
            name="until",
            label=_("Good until"),
            value=lambda one: one.expires_at,
            text=lambda one: shown.ago(one.expires_at, clock.now()) if one.expires_at else "-",
        ),
        ago_column("used", _("Last used"), lambda one: one.last_used_at, clock),
    ]


async def _add_token(visit: Visit) -> NewToken | None:
    with Form(_("Make a token"), yes=_("Make it")) as form:
        name = ui.input(_("Name")).props("outlined dense")
        words = {scope.value: _scope_text(scope) for scope in Scope}
        scope = ui.select(words, label=_("May"), value=Scope.READ.value).props("outlined dense")
        days = ui.number(_("Good for so many days"), value=_DAYS, min=1, max=LONGEST_DAYS)
        days.props("outlined dense")

    async def add() -> NewToken:
        return await visit.ask(
            tokens.add_token,
            name=name.value.strip(),
            scopes=[Scope(scope.value)],
            days=int(days.value or 0),
        )

    return await form.done(visit, add)


@page("/account/tokens/{token_id}", title=N_("Token"))
async def token_page(visit: Visit, token_id: str) -> None:
    known: list[TokenFacts] = await all_of(visit, tokens.list_tokens)
    token = next((one for one in known if one.id == token_id), None)
    if token is None:
        raise NotThere(what=_("token"), name=token_id)
    shown.name_tab(token.name)

    async def revoke() -> None:
        title = _("Revoke the token {name}?").format(name=token.name)
        text = _("The program that uses it is refused from now on.")
        if await confirm(title, text, yes=_("Revoke it"), is_dangerous=True):
            await visit.ask(tokens.revoke_token, token_id)
            ui.navigate.to("/account")

    with shown.card(token.name):
        shown.facts(
            [
                (_("May"), _scopes(token.scopes)),
                (_("Made on"), shown.when(token.created_at)),
                (_("Good until"), shown.when(token.expires_at)),
                (_("Last used"), shown.when(token.last_used_at)),
            ]
        )
        button = ui.button(_("Revoke it"), on_click=visit.doing(revoke))
        button.props("outline no-caps color=primary")


def _scopes(scopes: Sequence[str]) -> str:
    return ", ".join(_scope_text(Scope(one)) for one in scopes) or _scope_text(Scope.ALL)


def _scope_text(scope: Scope) -> str:
    return {
        Scope.READ: _("only read"),
        Scope.OPERATE: _("work with what is there"),
        Scope.ALL: _("all that you may"),
    }[scope]
