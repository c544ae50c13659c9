"""`holdfast failover`: bring a machine up at its site; its first word may be the machine itself."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Group

_MACHINE = "VM"
_COMMANDS = {
    _MACHINE: "holdfast.cli.failover_machine:machine",
    "status": "holdfast.cli.failover_status:status",
    "check": "holdfast.cli.failover_check:check",
    "points": "holdfast.cli.failover_status:points",
    "change-point": "holdfast.cli.failover_acts:change_point",
    "undo": "holdfast.cli.failover_acts:undo",
    "start": "holdfast.cli.failover_start:start",
    "cleanup": "holdfast.cli.failover_cleanup:cleanup",
    "networks": "holdfast.cli.failover_networks:networks",
    "order": "holdfast.cli.failover_fleet:order",
}


class _Failover(Group):
    """A word that is no command is a machine: `holdfast failover web --test`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        return found or super().get_command(ctx, _MACHINE)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        is_command = args[0] in _COMMANDS and args[0] != _MACHINE
        if is_command:
            return super().resolve_command(ctx, args)
        return _MACHINE, self.get_command(ctx, _MACHINE), args


@click.group(
    cls=_Failover,
    lazy=_COMMANDS,
    needs_vault=False,
    help=N_(
        "Failover: a machine runs at its site, from a point of its replica.\n\n"
        "Typed at the site. A test changes nothing; a planned failover loses nothing; an unplanned "
        "one is for when the source is gone. Each is a row of steps, and the same command typed "
        "again goes on with it wherever it stopped. Until `holdfast commit` another point can be "
        "chosen, or all of it undone."
    ),
    examples=[
        ("holdfast failover web --test", N_("Start it in isolation, look, clean up.")),
        ("holdfast failover web --planned", N_("Shut it down there, start it here.")),
        ("holdfast failover web --unplanned", N_("The source is gone: start the newest point.")),
        ("holdfast failover status --watch", N_("What is being done, again and again.")),
        ("holdfast failover undo web", N_("Back to the source, as if nothing had been.")),
    ],
)
def failover() -> None:
    pass
