"""`holdfast server grant|grants|pin|approvals|audit`: who may do what, and who did it."""

import json
from typing import Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, Group, option
from holdfast.cli.common import common_values
from holdfast.cli.parameters import MOMENT
from holdfast.cli.run import start
from holdfast.cli.server_records import (
    Column,
    Record,
    known_password,
    password_option,
    tell_done,
    tell_list,
    text,
    when,
)


def _act(record: Record) -> str:
    from holdfast.fleet.audit_acts import act_shown

    return shown.line(act_shown(record["act"]))


_GRANT: list[Column] = [(N_("Account"), text("account")), (N_("Role"), text("role"))]
_APPROVAL: list[Column] = [
    (N_("Id"), text("id")),
    (N_("State"), text("state")),
    (N_("Vault"), text("vault")),
    (N_("Act"), _act),
    (N_("On"), lambda record: shown.line(", ".join(one["name"] for one in record["subjects"]))),
    (N_("Asked by"), text("asked_by")),
    (N_("Until"), when("expires_at")),
    (N_("Request"), lambda record: _short(record["request"])),
]
_ENTRY: list[Column] = [
    (N_("When"), when("at")),
    (N_("Who"), text("actor")),
    (N_("From"), text("address")),
    (N_("Act"), _act),
    (N_("On"), text("object")),
    (N_("Outcome"), text("outcome")),
    (N_("Detail"), lambda record: _short(record["detail"])),
]
_MOST = 1000


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Give the account NAME a role in a vault, in place of the one it had."),
    examples=[
        ("holdfast server grant ada --on main --role operator", N_("Ada works with main.")),
        ("holdfast server grant ada --on main --role none", N_("And does so no more.")),
    ],
)
@click.argument("name")
@option("--on", metavar="VAULT", help=N_("The vault, by name or id; --vault means the same."))
@option(
    "--role",
    required=True,
    type=click.Choice(("reader", "operator", "contributor", "none")),
    help=N_("What the account may do there."),
)
def grant(name: str, *, on: str | None, role: str) -> None:
    from holdfast.app.server_client import connect, part

    vault = _vault(on)
    run = start()
    client = connect(run.session.settings.home)
    path = f"/vaults/{part(vault)}/grants/{part(name)}"
    if role == "none":
        client.delete(path)
    else:
        client.put(path, {"role": role})
    sentence = _("{name} is {role} in {vault} now").format(name=name, role=role, vault=vault)
    tell_done(run, "grant", {"account": name, "vault": vault, "role": role}, sentence)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("List who has which role in a vault."),
    examples=[("holdfast server grants --on main", N_("Administrators are not listed."))],
)
@option("--on", metavar="VAULT", help=N_("The vault, by name or id; --vault means the same."))
def grants(*, on: str | None) -> None:
    from holdfast.app.server_client import connect, part

    vault = _vault(on)
    run = start()
    found = connect(run.session.settings.home).items(f"/vaults/{part(vault)}/grants")
    tell_list(run, "grant", found, _GRANT)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Get a security PIN, good for five minutes.\n\n"
        "Commands that destroy something take it as --pin; five wrong ones void it."
    ),
    examples=[("holdfast server pin", N_("Your password is asked for."))],
)
@password_option
def pin(*, password_file: str | None) -> None:
    from holdfast.app.asking_twice import make_pin
    from holdfast.app.server_client import connect

    run = start()
    password = known_password(run, password_file, _("Your password"))
    made = make_pin(run.session, connect(run.session.settings.home), password)
    tell_done(run, "pin", made, made["pin"])


@click.group(
    cls=Group,
    needs_vault=False,
    invoke_without_command=True,
    help=N_(
        "List what waits for a second person, or decide it.\n\n"
        "In a vault with four eyes, what weakens or destroys needs the word of somebody else."
    ),
    examples=[
        ("holdfast server approvals", N_("What waits for a decision.")),
        ("holdfast server approvals approve 3f2a9c0d11e8b7a6", N_("Allow it, once.")),
    ],
)
@option("--all", "show_all", is_flag=True, help=N_("Also what is decided, used or expired."))
@click.pass_context
def approvals(ctx: click.Context, *, show_all: bool) -> None:
    from holdfast.app.server_client import connect

    if ctx.invoked_subcommand is None:
        run = start()
        client = connect(run.session.settings.home)
        found = client.items("/approvals", waiting=None if show_all else True)
        tell_list(run, "approval", found, _APPROVAL)


@approvals.command(
    needs_vault=False,
    help=N_("Allow what the approval ID asks for; not your own."),
    examples=[("holdfast server approvals approve 3f2a9c0d11e8b7a6", N_("For one time."))],
)
@click.argument("id_", metavar="ID")
def approve(id_: str) -> None:
    _decide(id_, approve=True, sentence=_("Approved: {act} by {name}"))


@approvals.command(
    needs_vault=False,
    help=N_("Refuse what the approval ID asks for."),
    examples=[("holdfast server approvals refuse 3f2a9c0d11e8b7a6", N_("For good."))],
)
@click.argument("id_", metavar="ID")
def refuse(id_: str) -> None:
    _decide(id_, approve=False, sentence=_("Refused: {act} by {name}"))


def _decide(id_: str, *, approve: bool, sentence: str) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    client = connect(run.session.settings.home)
    made = client.post(f"/approvals/{part(id_)}/decision", {"approve": approve})
    tell_done(run, "approval", made, sentence.format(act=made["act"], name=made["asked_by"]))


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Show who did what, when and from where, the newest first."),
    examples=[
        ("holdfast server audit --on main --outcome denied", N_("What was refused on a vault.")),
        ("holdfast server audit --since 2026-03-28 --json", N_("For a program.")),
    ],
)
@option("--on", metavar="VAULT", help=N_("Only about this vault; --vault means the same."))
@option("--by", "actor", metavar="WHO", help=N_("Only by person:NAME or machine:ID."))
@option("--act", metavar="ACT", help=N_("Only this act, for example vault-delete."))
@option(
    "--outcome", type=click.Choice(("done", "denied", "failed")), help=N_("Only what ended so.")
)
@option("--since", type=MOMENT, help=N_("Only from this moment on."))
@option("--limit", type=click.IntRange(1), default=_MOST, help=N_("How many at most: 1000."))
def audit(*, on: str | None, limit: int, **filters: Any) -> None:
    from itertools import islice

    from holdfast.app.server_client import connect, part

    vault = on or common_vault()
    run = start()
    client = connect(run.session.settings.home)
    since = filters.pop("since")
    known = client.get(f"/vaults/{part(vault)}")["id"] if vault else None
    moment = since.isoformat() if since else None
    found = client.items("/audit", vault=known, since=moment, **filters)
    tell_list(run, "audit-entry", islice(found, limit), _ENTRY)


def _vault(on: str | None) -> str:
    vault = on or common_vault()
    if not vault:
        raise click.UsageError(_("Say in which vault: --on VAULT"))
    return vault


def common_vault() -> str | None:
    found: str | None = common_values(click.get_current_context()).get("vault")
    return found


def _short(value: Record) -> str:
    return shown.line(json.dumps(value, ensure_ascii=False)) if value else ""
