"""`holdfast failover networks`: which networks of this host stand for those of the machines."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Command


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Show or set which network of this host stands for one of the machines'."),
    examples=[("holdfast failover networks", N_("As it is set here."))],
)
def networks() -> int:
    raise NotImplementedError
