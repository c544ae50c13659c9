"""`holdfast failover status` and `points`: how recoveries are, once or again and again."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.run import Run, start
from holdfast.cli.watching import watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.app.recovery_looking import RecoveryLook


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_(
        "Say how the recovery of each machine known here is, or all about one.\n\n"
        "Of one it shows the steps of what is under way, what may be done now, and what was done. "
        "Status 3 says that a person is wanted: an act stands still, or a machine runs at both "
        "hosts.\n\n"
        "With --all it is what the server one is logged in to knows, of all hosts."
    ),
    examples=[
        ("holdfast failover status", N_("A line each.")),
        ("holdfast failover status web", N_("With its steps, and what may be done now.")),
        ("holdfast failover status web --watch", N_("Again and again, until Ctrl-C.")),
        ("holdfast failover status --all", N_("Every machine the server knows of.")),
    ],
)
@click.argument("vm", required=False)
@option("--watch", is_flag=True, help=N_("Show it again every two seconds."))
@option("--all", "everywhere", is_flag=True, help=N_("Those of all hosts of the server."))
def status(vm: str | None, *, watch: bool, everywhere: bool) -> int:
    run = start()
    if everywhere:
        from holdfast.cli.failover_fleet import tell_of_fleet

        return tell_of_fleet(run, vm)
    if not watch:
        return _tell(run, vm)
    return watched(run, lambda: _tell(run, vm))


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "List the points a machine can be started from at this host, the oldest first.\n\n"
        "A point that a test failover has shown to start is told as tested."
    ),
    examples=[("holdfast failover points web", N_("Their names are for --point."))],
)
@click.argument("vm")
def points(vm: str) -> int:
    from holdfast.app.recovery_looking import look_at_recovery
    from holdfast.cli.recovery_report import tell_points

    run = start()
    tell_points(run.out, look_at_recovery(run.session, vm))
    return Exit.FINE


def _tell(run: Run, vm: str | None) -> int:
    from holdfast.app.recovery_looking import look_at_recoveries, look_at_recovery
    from holdfast.cli.recovery_report import tell_recoveries, tell_recovery

    if vm is None:
        looks = list(look_at_recoveries(run.session))
        tell_recoveries(run.out, looks)
        return _status(looks)
    look = look_at_recovery(run.session, vm)
    tell_recovery(run.out, look)
    return _status([look])


def _status(looks: "Sequence[RecoveryLook]") -> int:
    stands = any(look.record.act is not None and not look.is_at_work for look in looks)
    is_split = any(look.split is not None for look in looks)
    is_down = any(look.not_started for look in looks)
    return Exit.WARNINGS if stands or is_split or is_down else Exit.FINE
