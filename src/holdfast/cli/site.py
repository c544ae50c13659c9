"""`holdfast site`: where the server lets registered hosts replicate their machines to."""

import click

from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.cli import shown
from holdfast.cli.command import Command, Group, option
from holdfast.cli.run import start
from holdfast.cli.server_records import (
    Column,
    Record,
    size,
    tell_done,
    tell_list,
    tell_one,
    text,
    when,
)

_STATES = {
    "ok": N_("ok"),
    "waiting": N_("waits for its agent"),
    "trouble": N_("in trouble"),
    "silent": N_("silent"),
    "unregistered": N_("not registered any more"),
}


def _state(record: Record) -> str:
    said = _STATES.get(record["state"])
    words = _(said) if said else shown.line(record["state"])
    return f"{words}: {shown.line(record['trouble'])}" if record["trouble"] else words


def _address(record: Record) -> str:
    host = f"[{record['host']}]" if ":" in record["host"] else record["host"]
    return shown.line(f"{host}:{record['port']}")


def _room(record: Record) -> str:
    if record["bytes_total"] is None:
        return "-"
    free, total = format_size(record["bytes_free"]), format_size(record["bytes_total"])
    return _("{free} of {total}").format(free=free, total=total)


def _remarks(record: Record) -> str:
    return shown.line(", ".join(record["remarks"]) or "-")


_LINE: list[Column] = [
    (N_("Site"), text("name")),
    (N_("Machine"), text("machine")),
    (N_("State"), _state),
    (N_("Replications"), text("replications")),
    (N_("Replicas"), text("replicas")),
    (N_("Free"), size("bytes_free")),
    (N_("Address"), _address),
]
_FACTS: list[Column] = [
    (N_("Site"), text("name")),
    (N_("Id"), text("id")),
    (N_("Machine"), text("machine")),
    (N_("Folder"), text("folder")),
    (N_("Address"), _address),
    (N_("State"), _state),
    (N_("Replications"), text("replications")),
    (N_("Replicas"), text("replicas")),
    (N_("Free"), _room),
    (N_("Told"), when("told_at")),
    (N_("Since"), when("created_at")),
]
_REPLICA: list[Column] = [
    (N_("Replica"), text("name")),
    (N_("Points"), text("points")),
    (N_("Newest point"), when("newest_at")),
    (N_("Stored"), size("bytes")),
    (N_("Remarks"), _remarks),
    (N_("Id"), text("vm")),
]


@click.group(
    cls=Group,
    needs_vault=False,
    help=N_(
        "Sites: folders of registered hosts that take replicas of virtual machines in.\n\n"
        "The server introduces hosts and sites to each other: who may write which replica, and "
        "where that is."
    ),
    examples=[
        (
            "holdfast site add south --machine kvm9 --folder /srv/replicas",
            N_("From now on other hosts of its vault may replicate there."),
        ),
        ("holdfast site list", N_("All of them, with how much room is left.")),
    ],
)
def site() -> None:
    pass


@site.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Let the registered host HOST take replicas in, as the site NAME.\n\n"
        "Its agent begins within seconds, and listens on port 9443 for the hosts that replicate "
        "there."
    ),
    examples=[
        (
            "holdfast site add south --machine kvm9 --folder /srv/replicas --address 10.0.0.9",
            N_("Other hosts reach it at another address than by its name."),
        )
    ],
)
@click.argument("name")
@option("--machine", required=True, metavar="HOST", help=N_("The host it is on."))
@option("--folder", required=True, metavar="DIR", help=N_("Where replicas lie there."))
@option(
    "--address",
    default="",
    metavar="HOST[:PORT]",
    help=N_("Where other hosts reach it; by its name and port 9443 if nothing is said."),
)
def add(name: str, *, machine: str, folder: str, address: str) -> None:
    from holdfast.app.machines_on_server import machine_id
    from holdfast.app.server_client import connect

    run = start()
    client = connect(run.session.settings.home)
    wanted = {"name": name, "machine": machine_id(client, machine)}
    made = client.post("/sites", {**wanted, "folder": folder, "address": address})
    said = _("Made the site {name}: {machine}, {folder}, reached at {address}")
    told = {"name": made["name"], "machine": made["machine"], "folder": made["folder"]}
    more = _("Next, on a host with machines: `holdfast replication enable VM --to {name}`.")
    tell_done(
        run,
        "site",
        made,
        said.format(**told, address=_address(made)),
        more.format(name=made["name"]),
    )


@site.command(
    "list",
    cls=Command,
    needs_vault=False,
    help=N_("List the sites of the vaults that you may look into."),
    examples=[("holdfast site list", N_("A line each."))],
)
def list_sites() -> None:
    from holdfast.app.server_client import connect

    run = start()
    tell_list(run, "site", connect(run.session.settings.home).items("/sites"), _LINE)


@site.command(
    cls=Command,
    needs_vault=False,
    help=N_("Say everything about the site NAME, and what lies there."),
    examples=[("holdfast site show south", N_("With its replicas."))],
)
@click.argument("name")
def show(name: str) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    client = connect(run.session.settings.home)
    tell_one(run, "site", client.get(f"/sites/{part(name)}"), _FACTS)
    tell_list(run, "replica", client.items(f"/sites/{part(name)}/replicas"), _REPLICA)


@site.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Remove the site NAME; its folder stays as it is.\n\n"
        "As long as replicas lie there, only with `--force`: then hosts that replicate there stop "
        "and clean up when they next come."
    ),
    examples=[("holdfast site remove south", N_("Nothing is replicated there any more."))],
)
@click.argument("name")
@option("--force", is_flag=True, help=N_("Also when replicas are there."))
def remove(name: str, *, force: bool) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    client = connect(run.session.settings.home)
    gone = client.get(f"/sites/{part(name)}")
    client.delete(f"/sites/{part(gone['id'])}", force=force)
    said = _("Removed the site {name}; {folder} on {machine} stays as it is")
    told = {"name": gone["name"], "folder": gone["folder"], "machine": gone["machine"]}
    tell_done(run, "site", gone, said.format(**told))
