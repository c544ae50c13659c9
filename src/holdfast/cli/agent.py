"""`holdfast agent`: the service on this machine that backs up by policies."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Group

_COMMANDS = {
    "status": "holdfast.cli.agent_state:status",
    "run": "holdfast.cli.agent_run:run",
    "install": "holdfast.cli.agent_install:install",
    "uninstall": "holdfast.cli.agent_install:uninstall",
    "renew": "holdfast.cli.agent_state:renew",
    "unregister": "holdfast.cli.agent_state:unregister",
    "scratch": "holdfast.cli.agent_scratch:scratch",
}


@click.group(
    cls=Group,
    lazy=_COMMANDS,
    needs_vault=False,
    help=N_("The agent: what backs up this machine by the policies of its server."),
    examples=[("holdfast agent install", N_("Start it, now and at every boot."))],
)
def agent() -> None:
    pass
