"""`holdfast replication status`: how far behind each machine is, once or again and again."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.run import Run, start
from holdfast.cli.watching import watched

if TYPE_CHECKING:
    from holdfast.replication.looking import Look


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_(
        "Say how the replications of this host are, or all about one of them.\n\n"
        "State is what it is doing, health whether that is good enough. Status 3 says that one is "
        "not normal.\n\n"
        "With `--machine` or `--all` it is what the server one is logged in to knows of other hosts."
    ),
    examples=[
        ("holdfast replication status", N_("A line each, the gravest first.")),
        ("holdfast replication status web --points", N_("With the points at the site.")),
        ("holdfast replication status --watch", N_("Again and again, until Ctrl-C.")),
        ("holdfast replication status --all", N_("Those of all hosts of the server.")),
    ],
)
@click.argument("vm", required=False)
@option("--watch", is_flag=True, help=N_("Show it again every two seconds."))
@option("--points", is_flag=True, help=N_("Ask the site for its points of the machine."))
@option("--machine", metavar="HOST", help=N_("Those of this host, as the server knows them."))
@option("--all", "everywhere", is_flag=True, help=N_("Those of all hosts of the server."))
def status(
    vm: str | None, *, watch: bool, points: bool, machine: str | None, everywhere: bool
) -> int:
    run = start()
    if everywhere or machine is not None:
        from holdfast.cli.replication_fleet import tell_of_fleet

        return tell_of_fleet(run, vm, machine=machine)
    if not watch:
        return _tell(run, vm, points=points)
    return watched(run, lambda: _tell(run, vm, points=points))


def _tell(run: Run, vm: str | None, *, points: bool) -> int:
    from holdfast.app.replication_looking import look_at_one, replica_of
    from holdfast.cli.replication_report import tell_replication, tell_replications
    from holdfast.replication.looking import look_at_all

    session = run.session
    if vm is None:
        looks = list(look_at_all(session.settings.home, session.clock.now()))
        tell_replications(run.out, looks)
        return _status(looks)
    look = look_at_one(session, vm)
    tell_replication(run.out, look, replica_of(session, look.settings) if points else None)
    return _status([look])


def _status(looks: "list[Look]") -> int:
    from holdfast.replication.status import Health

    is_well = all(look.status.health is Health.NORMAL for look in looks)
    return Exit.FINE if is_well else Exit.WARNINGS
