"""`holdfast failover order` and `status --all`: recovery by the server one is logged in to."""

from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.base.units import format_duration
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.recovery_options import point_option
from holdfast.cli.recovery_options_sent import as_sent, recovery_options
from holdfast.cli.run import Run, start
from holdfast.cli.server_records import Column, Record, tell_list, tell_one, text

if TYPE_CHECKING:
    from holdfast.app.server_client import ServerClient

_ACTS = (
    *("test", "cleanup", "drill", "drill-schedule", "planned", "unplanned"),
    *("change-point", "undo", "commit", "reprotect", "failback"),
)


def _behind(record: Record) -> str:
    seconds = record["rpo_seconds"]
    return "-" if seconds is None else format_duration(seconds)


def _doing(record: Record) -> str:
    """The act under way, and the step it is at."""
    for host in record["hosts"]:
        if act := host["act"]:
            steps = act["steps"]
            at = f"{steps[-1]['name']} {steps[-1]['state']}" if steps else ""
            return shown.line(f"{act['kind']} {at}".strip())
    return _("runs on both hosts!") if record["is_split"] else "-"


def _hosts(record: Record) -> str:
    told = (f"{one['machine']}: {one['stage']} ({one['epoch']})" for one in record["hosts"])
    return shown.line(", ".join(told)) or "-"


def _sites(record: Record) -> str:
    return shown.line(", ".join(record["replicated_to"])) or "-"


_LINE: list[Column] = [
    (N_("VM"), text("name")),
    (N_("Stage"), text("stage")),
    (N_("Runs on"), text("runs_on")),
    (N_("Replicated to"), _sites),
    (N_("Behind"), _behind),
    (N_("Under way"), _doing),
]
_ONE: list[Column] = [(N_("UUID"), text("vm")), *_LINE, (N_("Hosts"), _hosts)]


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_(
        "Have ACT done to VM, by a job of the host that can do it: the server one is logged in to "
        "knows which.\n\n"
        "A host that does not come within half an hour never does it; a schedule waits a day. "
        "Operators may order all of it but `commit --complete-migration` and "
        "`drill-schedule --never`."
    ),
    examples=[
        ("holdfast failover order web test --check tcp:22", N_("Where its replica is.")),
        ("holdfast failover order web planned --follow", N_("Until it runs there.")),
        ("holdfast failover order web unplanned --source-is-down", N_("Its host is gone.")),
        ("holdfast failover order web failback", N_("By its home.")),
        (
            "holdfast failover order web drill-schedule --schedule 'sun 03:00' --rto 15m",
            N_("Drills by themselves; what is not named stays as it is there."),
        ),
    ],
)
@click.argument("vm")
@click.argument("act", type=click.Choice(_ACTS))
@option("--machine", metavar="HOST", help=N_("Which host, where several have a replica of it."))
@point_option
@recovery_options
@option("--follow", is_flag=True, help=N_("Stay until the end, and say what happens."))
def order(vm: str, act: str, *, machine: str | None, follow: bool, **given: Any) -> int:
    from holdfast.app.jobs_server import ServerJobs
    from holdfast.cli.jobs import ordered

    run = start()
    client = _client(run)
    told = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value
    }
    body = {"arguments": as_sent(told), "host": machine}
    made = client.post(f"/recovery/{vm}/{act}", body)
    return ordered(run, ServerJobs(client), made["id"], follow=follow)


def tell_of_fleet(run: Run, vm: str | None) -> int:
    """What `status --all` says of all machines, or of one of them."""
    client = _client(run)
    if vm is None:
        records = list(client.items("/recovery"))
        tell_list(run, "recovery", records, _LINE)
    else:
        records = [client.get(f"/recovery/{vm}")]
        tell_one(run, "recovery", records[0], _ONE)
    return Exit.WARNINGS if any(map(_needs_somebody, records)) else Exit.FINE


def _needs_somebody(record: Record) -> bool:
    steps = [step for host in record["hosts"] if host["act"] for step in host["act"]["steps"][-1:]]
    return bool(record["is_split"]) or any(step["state"] == "failed" for step in steps)


def _client(run: Run) -> "ServerClient":
    from holdfast.app.server_client import connect

    return connect(run.session.settings.home)
