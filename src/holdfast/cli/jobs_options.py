"""Options of `holdfast jobs run` about replication: sent as they are, the host reads them."""

from collections.abc import Callable
from typing import Any

import click

from holdfast.base.texts import N_
from holdfast.cli.command import option

_EVERY = ("30s", "5m", "15m")
_OPTIONS = (
    option("--every", type=click.Choice(_EVERY), help=N_("Of replicate: a new point so often.")),
    option(
        "--points",
        type=click.IntRange(min=1),
        metavar="HOURS",
        help=N_("Of replicate: how long points are kept at the site."),
    ),
    option(
        "--app-every",
        metavar="TIME",
        help=N_("Of replicate: an application-consistent point so often, as in 1h; 0: never."),
    ),
    option(
        "--seed",
        metavar="POINT|IMAGE",
        help=N_("Of replicate: what lies at the site already, to begin with."),
    ),
    option(
        "--limit",
        "limits",
        multiple=True,
        metavar="RATE[@WINDOW]",
        help=N_("Of replicate: send no more than this, as in 20mbit."),
    ),
    option(
        "--threshold",
        "thresholds",
        multiple=True,
        metavar="NAME=VALUE",
        help=N_("Of replicate: when its health is no longer normal, as in rpo-warn=10m."),
    ),
    option("--priority", type=int, help=N_("Of replicate: greater goes first.")),
    option("--group", metavar="NAME", help=N_("Of replicate: those of a group share instants.")),
    option(
        "--resync-window",
        metavar="WINDOW",
        help=N_("Of replicate: when all of it may be compared."),
    ),
    option(
        "--one-way",
        is_flag=True,
        help=N_("Of replicate: agree that nothing can be brought back to that host."),
    ),
    option("--now", is_flag=True, help=N_("Of replication-resync: do not wait for its window.")),
    option(
        "--keep-replica",
        is_flag=True,
        help=N_("Of replication-disable: leave the replica and its points at the site."),
    ),
)


def replication_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All of them, in the order they are written in."""
    for one in reversed(_OPTIONS):
        command = one(command)
    return command
