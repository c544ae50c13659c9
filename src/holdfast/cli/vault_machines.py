"""`holdfast vault machines` and `vault machine …`: the registered machines of a server."""

from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, Group, option
from holdfast.cli.parameters import SIZE
from holdfast.cli.run import Run, start
from holdfast.cli.server_records import (
    Column,
    Record,
    approval_option,
    pin_option,
    size,
    tell_done,
    tell_list,
    tell_one,
    text,
    when,
    yes,
)

if TYPE_CHECKING:
    from holdfast.app.server_client import ServerClient

_LINE: list[Column] = [
    (N_("Name"), text("name")),
    (N_("Id"), text("id")),
    (N_("Health"), text("health")),
    (N_("Seen"), when("last_seen_at")),
    (N_("Recovery points"), text("points")),
    (N_("Newest"), when("newest_point")),
    (N_("Stored"), size("bytes_stored")),
]
_FACTS: list[Column] = [
    *_LINE[:2],
    (N_("Vault"), text("vault_id")),
    (N_("State"), text("state")),
    *_LINE[2:],
    (N_("Registered"), when("registered_at")),
    (N_("Agent"), text("agent_version")),
    (N_("Certificate until"), when("certificate_ends")),
    (N_("Key set"), yes("is_activated")),
    (N_("Quota"), size("quota_bytes")),
    (N_("Bytes a second"), size("limit_rate")),
    (N_("Deleted"), when("deleted_at")),
    (N_("Purged"), when("purge_at")),
]
_READERS: list[Column] = [
    (N_("Id"), text("id")),
    (N_("Reader"), text("reader_id")),
    (N_("Until"), when("expires_at")),
    (N_("Allowed by"), text("granted_by")),
]


@click.command(
    "machines",
    cls=Command,
    needs_vault=False,
    help=N_("List the machines registered with the vault NAME, or all one may see."),
    examples=[("holdfast vault machines office", N_("Sorted by name."))],
)
@click.argument("name", required=False)
@option(
    "--state",
    type=click.Choice(("active", "unregistered", "deleted")),
    help=N_("Only those in this state."),
)
def machines(name: str | None, *, state: str | None) -> None:
    from holdfast.app.server_client import connect

    run = start()
    client = connect(run.session.settings.home)
    tell_list(run, "machine", client.items("/machines", vault=name, state=state), _LINE)


@click.group(
    "machine",
    cls=Group,
    needs_vault=False,
    help=N_("Look after one registered machine; MACHINE is its name, VAULT/NAME, or its id."),
)
def machine() -> None:
    pass


@machine.command(
    help=N_("Say everything about a machine."),
    needs_vault=False,
    examples=[("holdfast vault machine show mail", N_("By its name."))],
)
@click.argument("wanted", metavar="MACHINE")
def show(wanted: str) -> None:
    run, client, path = _about(wanted)
    tell_one(run, "machine", client.get(path), _FACTS)


@machine.command(
    help=N_("Call a machine NAME; nothing else changes, least of all its history."),
    needs_vault=False,
    examples=[("holdfast vault machine rename mail post", N_("For people only."))],
)
@click.argument("wanted", metavar="MACHINE")
@click.argument("name")
def rename(wanted: str, name: str) -> None:
    run, client, path = _about(wanted)
    _tell(run, client.patch(path, {"name": name}), _("The machine {id} is called {name} now"))


@machine.command(
    help=N_("Bound what a machine may store, and how fast it may send and fetch."),
    needs_vault=False,
    examples=[
        ("holdfast vault machine limit mail --quota 500G --limit-rate 20M", N_("As a vault's.")),
        ("holdfast vault machine limit mail --limit-rate 0", N_("No bound any more.")),
    ],
)
@click.argument("wanted", metavar="MACHINE")
@option("--quota", type=SIZE, help=N_("Room for its recovery points; 0: no bound."))
@option("--limit-rate", type=SIZE, help=N_("Bytes a second, each way; 0: no bound."))
def limit(wanted: str, *, quota: int | None, limit_rate: int | None) -> None:
    if quota is None and limit_rate is None:
        raise click.UsageError(_("Name at least one setting to change"))
    run, client, path = _about(wanted)
    made = client.patch(f"{path}/limits", {"quota_bytes": quota, "limit_rate": limit_rate})
    sentence = _("{name}: quota {quota}, bytes a second {rate}")
    bounds = {"quota": size("quota_bytes")(made), "rate": size("limit_rate")(made)}
    tell_done(run, "machine", made, sentence.format(name=made["name"], **bounds))


@machine.command(
    help=N_(
        "Lock a machine out at once, and its key for good.\n\n"
        "It comes back by registering with a file of "
        "`holdfast vault credentials NAME --replaces MACHINE`."
    ),
    needs_vault=False,
    examples=[("holdfast vault machine revoke mail", N_("When its key may be in other hands."))],
)
@click.argument("wanted", metavar="MACHINE")
def revoke(wanted: str) -> None:
    run, client, path = _about(wanted)
    _tell(run, client.post(f"{path}/revoke"), _("{name} ({id}) is locked out"))


@machine.command(
    help=N_("End a machine's registration; its recovery points stay."),
    needs_vault=False,
    examples=[("holdfast vault machine unregister mail", N_("It makes room for another one."))],
)
@click.argument("wanted", metavar="MACHINE")
def unregister(wanted: str) -> None:
    run, client, path = _about(wanted)
    made = client.post(f"{path}/unregister", {"delete_data": False})
    _tell(run, made, _("{name} ({id}) is unregistered; its recovery points stay"))


@machine.command(
    help=N_(
        "End a machine's registration and delete all its recovery points.\n\n"
        "Unless soft delete is off, `holdfast vault machine undelete` brings them back for a while."
    ),
    needs_vault=False,
    exits=[Exit.DECIDE],
    examples=[("holdfast vault machine delete mail", N_("Asks for the security PIN."))],
)
@click.argument("wanted", metavar="MACHINE")
@pin_option
@approval_option
def delete(wanted: str, *, pin: str | None, approval: str | None) -> None:
    run, _client, path = _about(wanted)
    made = _dangerous(run, f"{path}/unregister", {"delete_data": True}, pin=pin, approval=approval)
    until = when("purge_at")(made)
    _tell(run, made, _("{name} ({id}) is deleted; its data is purged after {until}"), until)


@machine.command(
    help=N_("Bring back the recovery points of a deleted machine."),
    needs_vault=False,
    examples=[("holdfast vault machine undelete mail", N_("It stays unregistered."))],
)
@click.argument("wanted", metavar="MACHINE")
def undelete(wanted: str) -> None:
    run, client, path = _about(wanted)
    _tell(run, client.post(f"{path}/undelete"), _("{name} ({id}) is back, and unregistered"))


@machine.command(
    "reset-key",
    help=N_("Let a machine come with another repository key than the one it was registered with."),
    needs_vault=False,
    exits=[Exit.DECIDE],
    examples=[("holdfast vault machine reset-key mail", N_("Its repository was made anew."))],
)
@click.argument("wanted", metavar="MACHINE")
@pin_option
@approval_option
def reset_key(wanted: str, *, pin: str | None, approval: str | None) -> None:
    run, _client, path = _about(wanted)
    made = _dangerous(run, f"{path}/reset-key", None, pin=pin, approval=approval)
    _tell(run, made, _("The next key {name} ({id}) comes with is taken for its own"))


@machine.command(
    help=N_(
        "Let READER restore from the recovery points of MACHINE for some hours.\n\n"
        "On READER, `holdfast restore POINT --machine MACHINE --to DIR` reads them with the "
        "passphrase of MACHINE; nothing is written there, not even a lock."
    ),
    needs_vault=False,
    examples=[("holdfast vault machine allow mail spare --hours 4", N_("Both of one vault."))],
)
@click.argument("wanted", metavar="MACHINE")
@click.argument("reader")
@option("--hours", type=click.FloatRange(min=0, min_open=True), default=24.0, help=N_("How long."))
def allow(wanted: str, reader: str, *, hours: float) -> None:
    from holdfast.app.machines_on_server import machine_id

    run, client, path = _about(wanted)
    body = {"reader": machine_id(client, reader), "hours": hours}
    made = client.post(f"{path}/readers", body)
    sentence = _("{reader} may read the recovery points of {machine} until {until}")
    until = when("expires_at")(made)
    told = sentence.format(reader=reader, machine=wanted, until=until)
    tell_done(run, "read-grant", made, told)


@machine.command(
    help=N_("List the machines that may read the recovery points of MACHINE for a while."),
    needs_vault=False,
    examples=[("holdfast vault machine readers mail", N_("Those whose time is not over."))],
)
@click.argument("wanted", metavar="MACHINE")
def readers(wanted: str) -> None:
    run, client, path = _about(wanted)
    tell_list(run, "read-grant", client.get(f"{path}/readers"), _READERS)


@machine.command(
    help=N_("End the reading that `allow` began; GRANT is its id."),
    needs_vault=False,
    examples=[("holdfast vault machine end mail 5f0c", N_("`readers` lists the ids."))],
)
@click.argument("wanted", metavar="MACHINE")
@click.argument("grant")
def end(wanted: str, grant: str) -> None:
    from holdfast.app.server_client import part

    run, client, path = _about(wanted)
    client.delete(f"{path}/readers/{part(grant)}")
    tell_done(run, "read-grant", {"id": grant}, _("The reading has ended"))


def _about(wanted: str) -> "tuple[Run, ServerClient, str]":
    """The run, the server, and the machine's place in its API."""
    from holdfast.app.machines_on_server import machine_id
    from holdfast.app.server_client import connect, part

    run = start()
    client = connect(run.session.settings.home)
    return run, client, f"/machines/{part(machine_id(client, wanted))}"


def _dangerous(
    run: Run, path: str, body: object, *, pin: str | None, approval: str | None
) -> dict[str, Any]:
    from holdfast.app.asking_twice import do_dangerous

    made: dict[str, Any] = do_dangerous(
        run.session, lambda client: client.post(path, body), pin=pin, approval=approval
    )
    return made


def _tell(run: Run, made: Record, sentence: str, until: str = "") -> None:
    told = sentence.format(name=made["name"], id=made["id"], until=until)
    tell_done(run, "machine", made, told)
