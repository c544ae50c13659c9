"""`holdfast server account` and `holdfast server token`: people, and secrets for programs."""

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import Group, option
from holdfast.cli.run import start
from holdfast.cli.server_records import (
    Column,
    known_password,
    new_password,
    password_option,
    tell_done,
    tell_list,
    text,
    when,
    yes,
)

_ACCOUNT: list[Column] = [
    (N_("Name"), text("name")),
    (N_("Administrator"), yes("is_admin")),
    (N_("Made"), when("created_at")),
    (N_("Disabled"), when("disabled_at")),
    (N_("Locked until"), when("locked_until")),
]
_TOKEN: list[Column] = [
    (N_("Id"), text("id")),
    (N_("Name"), text("name")),
    (N_("May"), lambda record: ", ".join(record["scopes"])),
    (N_("Expires"), when("expires_at")),
    (N_("Last used"), when("last_used_at")),
]


@click.group(cls=Group, needs_vault=False, help=N_("Who may log in to the server."))
def account() -> None:
    pass


@account.command(
    "add",
    needs_vault=False,
    help=N_("Let NAME log in; a role in a vault is granted separately."),
    examples=[
        ("holdfast server account add ada", N_("The password is typed twice.")),
        ("holdfast server account add bob --admin", N_("An administrator, who may do all.")),
    ],
)
@click.argument("name")
@option("--admin", is_flag=True, help=N_("Make an administrator: every right everywhere."))
@option("--language", type=click.Choice(("en", "ko")), default="en", help=N_("Of its messages."))
@password_option
def add_account(name: str, *, admin: bool, language: str, password_file: str | None) -> None:
    from holdfast.app.server_client import connect

    run = start()
    client = connect(run.session.settings.home)
    body = {
        "name": name,
        "password": new_password(run, password_file),
        "is_admin": admin,
        "lang": language,
    }
    made = client.post("/accounts", body)
    tell_done(run, "account", made, _("Added the account {name}").format(name=made["name"]))


@account.command(
    "list",
    needs_vault=False,
    help=N_("List the accounts."),
    examples=[("holdfast server account list", N_("With those that are disabled or locked."))],
)
def list_accounts() -> None:
    from holdfast.app.server_client import connect

    run = start()
    found = connect(run.session.settings.home).items("/accounts")
    tell_list(run, "account", found, _ACCOUNT)


@account.command(
    needs_vault=False,
    help=N_("Let NAME log in no more; sessions and tokens end at once."),
    examples=[("holdfast server account disable ada", N_("`enable` takes it back."))],
)
@click.argument("name")
def disable(name: str) -> None:
    _change(name, {"is_disabled": True}, _("Disabled the account {name}"))


@account.command(
    needs_vault=False,
    help=N_("Let NAME log in again."),
    examples=[("holdfast server account enable ada", N_("With the password of before."))],
)
@click.argument("name")
def enable(name: str) -> None:
    _change(name, {"is_disabled": False}, _("Enabled the account {name}"))


@account.command(
    "delete",
    needs_vault=False,
    help=N_("Remove the account NAME, its roles and its tokens; the audit log keeps its name."),
    examples=[("holdfast server account delete ada", N_("The last administrator stays."))],
)
@click.argument("name")
def delete_account(name: str) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    connect(run.session.settings.home).delete(f"/accounts/{part(name)}")
    sentence = _("Deleted the account {name}")
    tell_done(run, "account", {"name": name}, sentence.format(name=name))


@account.command(
    needs_vault=False,
    help=N_("Change your own password, or, as an administrator, that of NAME."),
    examples=[
        ("holdfast server account password", N_("Your own: the old one, then the new one twice.")),
        ("holdfast server account password ada", N_("Of somebody who forgot theirs.")),
    ],
)
@click.argument("name", required=False)
@password_option
@option("--old-password-file", metavar="FILE", help=N_("File with your password of now."))
def password(name: str | None, *, password_file: str | None, old_password_file: str | None) -> None:
    from holdfast.app.server_client import connect

    if name:
        run = start()
        _change(
            name,
            {"password": new_password(run, password_file)},
            _("Changed the password of {name}"),
        )
        return
    run = start()
    client = connect(run.session.settings.home)
    old = known_password(run, old_password_file, _("Your password of now"))
    client.put("/me/password", {"old": old, "new": new_password(run, password_file)})
    me = client.get("/me")
    sentence = _("Changed the password of {name}")
    tell_done(run, "me", me, sentence.format(name=me["name"]))


def _change(name: str, patch: dict[str, object], sentence: str) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    made = connect(run.session.settings.home).patch(f"/accounts/{part(name)}", patch)
    tell_done(run, "account", made, sentence.format(name=made["name"]))


@click.group(
    cls=Group, needs_vault=False, help=N_("Secrets that let programs act for you, within limits.")
)
def token() -> None:
    pass


@token.command(
    "add",
    needs_vault=False,
    help=N_("Make a token under NAME; it is shown this once."),
    examples=[
        ("holdfast server token add watch --scope read", N_("A program that only looks.")),
        ("holdfast server token add jobs --scope operate --days 30", N_("One that starts jobs.")),
    ],
)
@click.argument("name")
@option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(("read", "operate", "all")),
    help=N_("What it may do of what you may do: all without it."),
)
@option(
    "--days", type=click.IntRange(1, 3650), default=90, help=N_("How long it is good: 90 days.")
)
def add_token(name: str, *, scopes: tuple[str, ...], days: int) -> None:
    from holdfast.app.server_client import connect

    run = start()
    client = connect(run.session.settings.home)
    made = client.post(
        "/me/tokens", {"name": name, "scopes": list(scopes) or ["all"], "days": days}
    )
    tell_done(
        run,
        "new-token",
        made,
        made["token"],
        _("Keep it where only the program reads it: it is not shown again."),
    )


@token.command(
    "list",
    needs_vault=False,
    help=N_("List your tokens."),
    examples=[("holdfast server token list", N_("With the day each expires."))],
)
def list_tokens() -> None:
    from holdfast.app.server_client import connect

    run = start()
    tell_list(run, "token", connect(run.session.settings.home).items("/me/tokens"), _TOKEN)


@token.command(
    needs_vault=False,
    help=N_("Make the token ID good for nothing."),
    examples=[("holdfast server token revoke 3f2a9c0d11e8b7a6", N_("At once."))],
)
@click.argument("id_", metavar="ID")
def revoke(id_: str) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    connect(run.session.settings.home).delete(f"/me/tokens/{part(id_)}")
    tell_done(run, "token", {"id": id_}, _("Revoked the token {id}").format(id=id_))
