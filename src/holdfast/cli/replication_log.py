"""`holdfast replication log` and `trace`: what happened to a replication, and each of its steps."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.cli.command import Command, option
from holdfast.cli.output import Output, encodable
from holdfast.cli.parameters import DURATION
from holdfast.cli.run import start

if TYPE_CHECKING:
    from holdfast.replication.event_log import Entry


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Say what happened to the replication of a virtual machine: states, points, failures, "
        "comparisons, downgrades; the newest last.\n\n"
        "The last two mebibytes are kept, which are weeks. With `--json` it is a file to be sent "
        "to somebody."
    ),
    examples=[
        ("holdfast replication log web --since 2h", N_("Of the last two hours.")),
        ("holdfast replication log web --json > web.jsonl", N_("All of it, to a file.")),
    ],
)
@click.argument("vm")
@option("--since", type=DURATION, metavar="TIME", help=N_("Nothing older than that."))
def log(vm: str, *, since: timedelta | None) -> None:
    from holdfast.app.replication_log import log_of

    run = start()
    oldest = run.session.clock.now() - since if since else None
    for entry in log_of(run.session, vm):
        if oldest is None or entry.at >= oldest:
            _tell(run.out, vm, entry)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Write each step of a replication into its log as well, or stop that.\n\n"
        "It is for finding out where time goes; nothing has to be started anew."
    ),
    examples=[
        ("holdfast replication trace web --on", N_("From the next step on.")),
        ("holdfast replication trace web --off", N_("What was written stays in the log.")),
    ],
)
@click.argument("vm")
@option("--on/--off", "is_on", required=True, help=N_("Whether steps are written."))
def trace(vm: str, *, is_on: bool) -> None:
    from holdfast.app.replication_log import trace as trace_replication
    from holdfast.cli.json_replicating import ReplicationTraced

    run = start()
    name = trace_replication(run.session, vm, is_on=is_on)
    said = _("Each step of {vm} is written to its log") if is_on else _("{vm} is not traced")
    run.out.done(ReplicationTraced(vm=name, is_on=is_on), said.format(vm=name))


def _tell(out: Output, vm: str, entry: "Entry") -> None:
    from holdfast.cli.json_replicating import ReplicationLogged

    event = ReplicationLogged(
        vm=vm,
        at=entry.at.isoformat(),
        kind=entry.kind,
        what=entry.what,
        why=entry.why,
        bytes=entry.bytes,
        disk=entry.disk,
    )
    out.show(event, encodable(_line(entry)))


def _line(entry: "Entry") -> str:
    from holdfast.replication.why_texts import why_text

    size = format_size(entry.bytes) if entry.bytes else ""
    why = why_text(entry.why) if entry.kind == "happened" else entry.why
    told = (_moment(entry.at), entry.kind, entry.what, entry.disk, size, why)
    return "  ".join(filter(None, told))


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
