"""Options of orders about recovery: sent as they are, the host reads them."""

from collections.abc import Callable
from typing import Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import option

_OPTIONS = (
    option("--live", is_flag=True, help=N_("Of planned and failback: without shutting it down.")),
    option("--force", is_flag=True, help=N_("Switch off a guest that does not shut down.")),
    option(
        "--shutdown-within",
        metavar="TIME",
        help=N_("Of planned: how long the guest may take to shut down, as in 5m."),
    ),
    option(
        "--try-shut-down",
        is_flag=True,
        help=N_("Of unplanned: if the source still answers, shut it down there first."),
    ),
    option(
        "--source-is-down",
        is_flag=True,
        help=N_("Of unplanned: a person knows that it runs there no more."),
    ),
    option(
        "--network",
        "networks",
        multiple=True,
        metavar="OLD=NEW",
        help=N_("Of failovers and vm-restore: connect what was connected to OLD to NEW."),
    ),
    option(
        "--address",
        "addresses",
        multiple=True,
        metavar="OLD=NEW",
        help=N_("Of failovers: give it addresses of NEW in place of OLD, as `failover` takes it."),
    ),
    option(
        "--check",
        "checks",
        multiple=True,
        metavar="CHECK",
        help=N_("Of tests and drill-schedule: what must answer."),
    ),
    option(
        "--usual-checks",
        is_flag=True,
        help=N_("Of drill-schedule: make the usual checks again, none of those set."),
    ),
    option("--no-network", is_flag=True, help=N_("Of drill-schedule: connect it to none again.")),
    option("--keep", metavar="TIME", help=N_("Of tests: leave it so long, as in 2h.")),
    option(
        "--schedule",
        metavar="WHEN",
        help=N_("Of drill-schedule: when, as in 'sun 03:00' or 'monthly 1st 03:00'."),
    ),
    option(
        "--never",
        is_flag=True,
        help=N_("Of drill-schedule: no more by itself. Needs the role of a contributor."),
    ),
    option("--zone", metavar="ZONE", help=N_("Of drill-schedule: by which clocks.")),
    option(
        "--within",
        metavar="TIME",
        help=N_("Of drill-schedule: for all checks together, as in 10m."),
    ),
    option(
        "--rpo",
        metavar="TIME",
        help=N_("Of drill-schedule: a failover may lose at most so much; 0: no promise."),
    ),
    option(
        "--rto",
        metavar="TIME",
        help=N_("Of drill-schedule: all checks must have passed after so long; 0: no promise."),
    ),
    option(
        "--discard-changes",
        is_flag=True,
        help=N_("Of change-point and undo: what it has written since may go."),
    ),
    option(
        "--complete-migration",
        is_flag=True,
        help=N_("Of commit: close the way back as well. Needs the role of a contributor."),
    ),
)
# Said by a list with nothing in it.
_TAKES_BACK = {"usual_checks": "checks", "no_network": "networks"}


def recovery_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All of them, in the order they are written in."""
    for one in reversed(_OPTIONS):
        command = one(command)
    return command


def as_sent(told: dict[str, Any]) -> dict[str, Any]:
    """What was said, as the host reads it."""
    taken_back = {name for flag, name in _TAKES_BACK.items() if told.get(flag)}
    if taken_back & told.keys():
        raise click.UsageError(_("What is taken back cannot be set in the same command"))
    said = {name: value for name, value in told.items() if name not in _TAKES_BACK}
    return {**said, **{name: [] for name in sorted(taken_back)}}
