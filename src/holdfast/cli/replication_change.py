"""`holdfast replication change`: other settings, ordered of the host by the server one is logged in to."""

from typing import Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.run import start
from holdfast.cli.server_records import approval_option, pin_option

_EVERY = ("30s", "5m", "15m")


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.DECIDE],
    help=N_(
        "Have the host of the replication ID change its settings: what is not named stays.\n\n"
        "The host looks at all that it looks at when a replication begins, and says what is "
        "against it; until then the old settings hold. To keep points for less time needs the "
        "role of a contributor and a PIN. On the host itself `holdfast replication enable` does "
        "the same."
    ),
    examples=[
        ("holdfast replication change web --every 30s --follow", N_("Until it is so.")),
        (
            "holdfast replication change web --limit 20mbit@'weekdays 08:00-18:00'",
            N_("Slowly while people work; so is all that goes to that site."),
        ),
        ("holdfast replication change web --no-limit --group ''", N_("Both are taken back.")),
    ],
)
@click.argument("replication", metavar="ID|VM")
@option("--machine", metavar="HOST", help=N_("Of which host, where several have one of its name."))
@option("--every", type=click.Choice(_EVERY), help=N_("A new point so often."))
@option("--points", type=click.IntRange(min=1), metavar="HOURS", help=N_("How long they are kept."))
@option("--app-every", metavar="TIME", help=N_("Application-consistent so often; 0: never."))
@option(
    "--limit",
    "limits",
    multiple=True,
    metavar="RATE[@WINDOW]",
    help=N_("Send no more than this, as in 20mbit."),
)
@option("--no-limit", is_flag=True, help=N_("Send as fast as it goes again."))
@option("--priority", type=int, metavar="N", help=N_("Who has a greater one is sent first."))
@option("--group", metavar="NAME", help=N_("Machines of one group are taken at one instant."))
@option("--resync-window", metavar="WINDOW", help=N_("When all of it may be compared by itself."))
@option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="NAME=VALUE",
    help=N_("Above what its health is no longer normal, as in rpo-warn=20m."),
)
@option("--partly", is_flag=True, help=N_("Agree to disks that cannot be replicated."))
@option("--one-way", is_flag=True, help=N_("Agree that nothing can be brought back to that host."))
@pin_option
@approval_option
@option("--follow", is_flag=True, help=N_("Stay until the end, and say what happens."))
def change(
    replication: str,
    *,
    machine: str | None,
    no_limit: bool,
    follow: bool,
    pin: str | None,
    approval: str | None,
    **given: Any,
) -> int:
    from holdfast.app.asking_twice import do_dangerous
    from holdfast.app.jobs_server import ServerJobs
    from holdfast.app.server_client import connect
    from holdfast.cli.jobs import ordered
    from holdfast.cli.replication_fleet import the_one

    if no_limit and given["limits"]:
        raise click.UsageError(_("--limit and --no-limit cannot be said together"))
    run = start()
    client = connect(run.session.settings.home)
    record = the_one(client, replication, machine=machine)
    wanted = {name: _plain(value) for name, value in given.items() if _is_said(value)}
    if no_limit:
        wanted["limits"] = []
    made: dict[str, Any] = do_dangerous(
        run.session,
        lambda client: client.patch(f"/replications/{record['id']}", wanted),
        pin=pin,
        approval=approval,
    )
    return ordered(run, ServerJobs(client), made["id"], follow=follow)


def _is_said(value: object) -> bool:
    """No text and no number mean something too; what may be said again and was not does not."""
    return value is not None and value is not False and value != ()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
