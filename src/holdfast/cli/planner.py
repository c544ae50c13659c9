"""`holdfast planner`: what a replication will need, before it is switched on."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Group

_COMMANDS = {
    "profile": "holdfast.cli.planner_profile:profile",
    "report": "holdfast.cli.planner_report:report",
}


@click.group(
    cls=Group,
    lazy=_COMMANDS,
    needs_vault=False,
    help=N_(
        "Find out what link and what room a replication needs, before it is switched on.\n\n"
        "A profile looks at what machines write, for a week or better a month; a report makes "
        "figures of it. Nothing is installed in the machines, and none of them stands still."
    ),
    examples=[
        ("holdfast planner profile --all --for 7d", N_("Look at all machines for a week.")),
        ("holdfast planner report --html plan.html", N_("Make a page of what was seen.")),
    ],
)
def planner() -> None:
    pass
