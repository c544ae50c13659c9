"""`holdfast vm list --machine`: the virtual machines of a registered host, as its server knows them."""

from holdfast.base.texts import N_
from holdfast.cli import shown
from holdfast.cli.run import start
from holdfast.cli.server_records import Column, Record, tell_list, text, when


def _remarks(record: Record) -> str:
    return shown.line(", ".join(record["remarks"]) or "-")


_LINE: list[Column] = [
    (N_("VM"), text("name")),
    (N_("State"), text("state")),
    (N_("Protected since"), when("protected_since")),
    (N_("Can be"), text("protectable")),
    (N_("Newest point"), when("point_at")),
    (N_("Consistency"), text("point_class")),
    (N_("Remarks"), _remarks),
]


def tell_of_machine(wanted: str) -> None:
    from holdfast.app.machines_on_server import machine_id
    from holdfast.app.server_client import connect, part

    run = start()
    client = connect(run.session.settings.home)
    path = f"/machines/{part(machine_id(client, wanted))}/vms"
    tell_list(run, "vm", client.items(path), _LINE)
