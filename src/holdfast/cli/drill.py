"""`holdfast drill`: test failovers on a schedule, with a report of each."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Group

_COMMANDS = {
    "run": "holdfast.cli.drill_run:run",
    "schedule": "holdfast.cli.drill_run:schedule",
    "list": "holdfast.cli.drill_look:list_all",
    "show": "holdfast.cli.drill_look:show",
    "report": "holdfast.cli.drill_look:report",
}


@click.group(
    cls=Group,
    lazy=_COMMANDS,
    needs_vault=False,
    help=N_(
        "Drills: proof that machines come up at this site, again and again.\n\n"
        "A drill starts another machine from a point of the replica, in isolation, makes its "
        "checks, and removes all of it. Replication goes on meanwhile. It has passed only when "
        "nothing of it is left, and its times are held against what was promised."
    ),
    examples=[
        ("holdfast drill run web", N_("Now, with the usual checks.")),
        (
            "holdfast drill schedule web 'monthly 1st 03:00' --check tcp:443 --rto 15m --rpo 5m",
            N_("By itself, each month."),
        ),
        ("holdfast drill list", N_("What is drilled when, and how it went.")),
        ("holdfast drill report web", N_("A page of the last one, to print or to keep.")),
    ],
)
def drill() -> None:
    pass
