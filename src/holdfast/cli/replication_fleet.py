"""`holdfast replication list` and `end`, `status --machine`: as the server knows all hosts' replications."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_, _
from holdfast.base.units import format_duration, format_size
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.run import Run, start
from holdfast.cli.server_records import (
    Column,
    Record,
    approval_option,
    pin_option,
    tell_done,
    tell_list,
    text,
)

if TYPE_CHECKING:
    from holdfast.app.server_client import ServerClient
    from holdfast.replication.looking import Look

_HEALTHS = ("normal", "warning", "critical")


class ReplicationNotOne(HoldfastError):
    code = "replication-not-one"
    sentence = N_("{count} replications are meant by {name}")
    remedy = N_("`holdfast replication list` shows all with their ids; give the id of one.")
    exit_status = Exit.USAGE


def _state(record: Record) -> str:
    from holdfast.replication.states import STATES
    from holdfast.replication.status import State

    known = record["state"] in set(State)
    return _(STATES[State(record["state"])]) if known else shown.line(record["state"])


def _health(record: Record) -> str:
    from holdfast.replication.health_texts import HEALTHS
    from holdfast.replication.status import Health

    known = record["health"] in set(Health)
    said = _(HEALTHS[Health(record["health"])]) if known else shown.line(record["health"])
    return said if record["is_heard"] else _("{health}, host silent").format(health=said)


def _behind(record: Record) -> str:
    behind = record["rpo_seconds"]
    return "-" if behind is None else format_duration(behind)


def _queue(record: Record) -> str:
    return format_size(record["queue_bytes"]) if record["queue_bytes"] else "-"


def _reasons(record: Record) -> str:
    return shown.line(", ".join(one["code"] for one in record["reasons"]) or "-")


_LINE: list[Column] = [
    (N_("Id"), text("id")),
    (N_("VM"), text("name")),
    (N_("Host"), text("machine")),
    (N_("Site"), text("site")),
    (N_("State"), _state),
    (N_("Health"), _health),
    (N_("Behind"), _behind),
    (N_("Queue"), _queue),
    (N_("Reasons"), _reasons),
]


@click.command(
    "list",
    cls=Command,
    needs_vault=False,
    help=N_("List the replications of all hosts, as the server one is logged in to knows them."),
    examples=[
        ("holdfast replication list", N_("All that you may look into.")),
        ("holdfast replication list --health critical --site south", N_("What is wrong there.")),
    ],
)
@option("--machine", metavar="HOST", help=N_("Only those of this host."))
@option("--site", metavar="SITE", help=N_("Only those to this site."))
@option("--state", multiple=True, help=N_("Only those in this state, as `--json` names it."))
@option("--health", multiple=True, type=click.Choice(_HEALTHS), help=N_("Only those so well."))
def list_all(**wanted: Any) -> None:
    run = start()
    tell_list(run, "replication", found(_client(run), **wanted), _LINE)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "End the replication ID, whether or not its host and its site can be reached now.\n\n"
        "Nobody may write to the replica from then on. Host and site clean up when they next come. "
        "On the host itself `holdfast replication disable` does it at once."
    ),
    exits=[Exit.DECIDE],
    examples=[("holdfast replication end 3f2a9c0d11e8b7a6", N_("Of a host that is gone."))],
)
@click.argument("replication", metavar="ID|VM")
@option("--keep-replica", is_flag=True, help=N_("Leave the replica and its points at the site."))
@pin_option
@approval_option
def end(replication: str, *, keep_replica: bool, pin: str | None, approval: str | None) -> None:
    from holdfast.app.asking_twice import do_dangerous

    run = start()
    record = the_one(_client(run), replication)
    path = f"/replications/{record['id']}"
    do_dangerous(
        run.session,
        lambda client: client.delete(path, keep_replica=keep_replica),
        pin=pin,
        approval=approval,
    )
    told = {"vm": record["name"], "site": record["site"]}
    said = _("Ended the replication of {vm} to {site}; both sides clean up when they come")
    tell_done(run, "replication", record, said.format(**told))


def tell_of_fleet(run: Run, vm: str | None, *, machine: str | None) -> int:
    """What `status` says of a host's replications, or of all, or of one machine of them."""
    client = _client(run)
    if vm is not None:
        from holdfast.cli.replication_report import tell_replication

        record = the_one(client, vm, machine=machine)
        look = _look(client.get(f"/replications/{record['id']}"))
        if look is None:
            tell_list(run, "replication", [record], _LINE)
        else:
            tell_replication(run.out, look)
        return _status([record])
    records = list(found(client, machine=machine))
    tell_list(run, "replication", records, _LINE)
    return _status(records)


def found(client: "ServerClient", *, machine: str | None = None, **wanted: Any) -> Iterable[Record]:
    """Those of the server that are meant; a host by what people call it."""
    from holdfast.app.machines_on_server import machine_id

    host = machine_id(client, machine) if machine else None
    many = {name: value for name, value in wanted.items() if isinstance(value, tuple)}
    one = {name: value for name, value in wanted.items() if not isinstance(value, tuple)}
    for record in client.items("/replications", machine=host, **one):
        if all(not some or record[name] in some for name, some in many.items()):
            yield record


def the_one(client: "ServerClient", name: str, *, machine: str | None = None) -> Record:
    """By its id, or by the name or UUID of its machine."""
    meant = list(found(client, machine=machine, vm=name))
    if not meant:
        meant = [one for one in found(client, machine=machine) if one["id"] == name]
    if len(meant) != 1:
        raise ReplicationNotOne(count=len(meant), name=name)
    return meant[0]


def _look(detail: Record) -> "Look | None":
    """As its host would show it; None: it has not told anything yet that is understood here."""
    import msgspec

    from holdfast.replication.looking import Look
    from holdfast.replication.settings import ReplicationSettings
    from holdfast.replication.status import ReplicationStatus

    try:
        settings = msgspec.convert(detail["settings"], ReplicationSettings)
        status = msgspec.convert(detail["status"], ReplicationStatus)
    except msgspec.ValidationError:
        return None
    seen = detail["replication"]
    return Look(
        settings=settings, status=msgspec.structs.replace(status, rpo_seconds=seen["rpo_seconds"])
    )


def _status(records: list[Record]) -> int:
    is_well = all(record["health"] == "normal" for record in records)
    return Exit.FINE if is_well else Exit.WARNINGS


def _client(run: Run) -> "ServerClient":
    from holdfast.app.server_client import connect

    return connect(run.session.settings.home)
