"""`holdfast vault trash` and `vault scrub`: what machines deleted, and whether what they stored is whole."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _, ngettext
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.run import start
from holdfast.cli.server_records import Column, Record, size, tell_done, tell_list, text, when

if TYPE_CHECKING:
    from holdfast.app.server_client import ServerClient

_TOTALS: list[Column] = [
    (N_("Machine"), text("machine_id")),
    (N_("Files"), text("files")),
    (N_("Size"), size("size")),
    (N_("First purge"), when("next_purge_at")),
]
_FILES: list[Column] = [
    (N_("File"), text("name")),
    (N_("Size"), size("size")),
    (N_("Deleted"), when("deleted_at")),
    (N_("Purged"), when("purge_at")),
]
_SCRUBS: list[Column] = [
    (N_("Machine"), text("machine")),
    (N_("State"), text("state")),
    (N_("Files"), text("files")),
    (N_("Read"), size("bytes_read")),
    (N_("Damaged"), lambda record: str(len(record["damaged"] or ()))),
    (N_("Ended"), when("ended_at")),
]


@click.command(
    "trash",
    cls=Command,
    needs_vault=False,
    help=N_(
        "See what machines of the vault NAME deleted, and bring it back.\n\n"
        "Files that retain and prune delete through a server stay restorable for a while. "
        "Bringing them back brings back the recovery points they belonged to."
    ),
    examples=[
        ("holdfast vault trash office", N_("How much each machine has there.")),
        ("holdfast vault trash office --machine mail", N_("Every file of one machine.")),
        (
            "holdfast vault trash office --machine mail --undelete all --since 2026-05-01T00:00Z",
            N_("Undo all that was deleted since then."),
        ),
    ],
)
@click.argument("name")
@option("--machine", metavar="MACHINE", help=N_("Only this one, by its name or its id."))
@option(
    "--undelete",
    metavar="FILE",
    multiple=True,
    help=N_("Bring back this file, or all; may be repeated."),
)
@option("--since", metavar="TIME", help=N_("With --undelete all: what was deleted since then."))
def trash(name: str, *, machine: str | None, undelete: tuple[str, ...], since: str | None) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    client = connect(run.session.settings.home)
    if machine is None:
        if undelete:
            raise click.UsageError(_("Say whose files: give --machine"))
        tell_list(run, "trash", client.get(f"/vaults/{part(name)}/trash"), _TOTALS)
        return
    path = f"/machines/{part(_machine_id(client, machine))}/trash"
    if not undelete:
        tell_list(run, "trashed-file", client.items(path), _FILES)
        return
    done = client.post(f"{path}/undelete", _wanted(undelete, since))
    sentence = ngettext("{count} file is back", "{count} files are back", done["files"])
    tell_done(run, "undeleted", done, sentence.format(count=done["files"]))


def _wanted(names: tuple[str, ...], since: str | None) -> dict[str, Any]:
    if since is not None and names != ("all",):
        raise click.UsageError(_("--since goes with --undelete all"))
    if since is None:
        return {} if names == ("all",) else {"names": list(names)}
    try:
        moment = datetime.fromisoformat(since)
    except ValueError as err:
        raise click.UsageError(
            _("{text} is no time like 2026-05-01T12:00Z").format(text=since)
        ) from err
    return {"since": moment.astimezone().isoformat()}


@click.command(
    "scrub",
    cls=Command,
    needs_vault=False,
    exits=[Exit.DAMAGE],
    help=N_(
        "Have the server verify every stored file of the vault NAME.\n\n"
        "It needs no passphrase: the name of a file is the hash of its content. The last result "
        "is shown with --show; damage found by it ends the command with its own exit status."
    ),
    examples=[
        ("holdfast vault scrub office", N_("Order a job for each of its machines.")),
        ("holdfast vault scrub office --show", N_("See what was found, or how far it is.")),
    ],
)
@click.argument("name")
@option("--machine", metavar="MACHINE", help=N_("Only this one, by its name or its id."))
@option("--show", "only_show", is_flag=True, help=N_("Order nothing, show the last result."))
def scrub(name: str, *, machine: str | None, only_show: bool) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    client = connect(run.session.settings.home)
    machines = _machines(client, name, machine)
    if only_show:
        found = [_last(client, one) for one in machines]
        tell_list(run, "scrub", found, _SCRUBS)
        if any(one["damaged"] for one in found):
            raise click.exceptions.Exit(Exit.DAMAGE)
        return
    for one in machines:
        job = client.post(f"/machines/{part(one['id'])}/jobs", {"kind": "scrub"})
        sentence = _("Job {id} verifies the files of {machine}")
        told = sentence.format(id=job["id"], machine=shown.line(one["name"]))
        tell_done(run, "job", job, told)


def _machine_id(client: "ServerClient", wanted: str) -> str:
    from holdfast.app.machines_on_server import machine_id

    return machine_id(client, wanted)


def _machines(client: "ServerClient", vault: str, machine: str | None) -> list[Record]:
    found: list[Record] = list(client.items("/machines", vault=vault))
    if machine is None:
        return found
    wanted = _machine_id(client, machine)
    return [one for one in found if one["id"] == wanted]


def _last(client: "ServerClient", machine: Record) -> Record:
    from holdfast.app.server_client import part
    from holdfast.app.server_errors import ServerSaid

    try:
        found = dict(client.get(f"/machines/{part(machine['id'])}/scrub"))
    except ServerSaid:
        found = dict.fromkeys(("files", "bytes_read", "damaged", "started_at", "ended_at"))
    begun = _("running") if found["started_at"] else _("never")
    state = _("done") if found["ended_at"] else begun
    return {**found, "machine": machine["name"], "state": state}
