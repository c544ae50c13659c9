"""`holdfast failover status` and `points`."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Command, option


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Say how the recovery of each machine known here is, or all about one."),
    examples=[("holdfast failover status web", N_("With its steps and what may be done now."))],
)
@click.argument("vm", required=False)
@option("--watch", is_flag=True, help=N_("Show it again every two seconds."))
def status(vm: str | None, *, watch: bool) -> int:
    raise NotImplementedError


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("List the points a machine can be started from at this host."),
    examples=[("holdfast failover points web", N_("The newest last."))],
)
@click.argument("vm")
def points(vm: str) -> int:
    raise NotImplementedError
