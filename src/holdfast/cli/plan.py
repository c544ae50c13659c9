"""`holdfast plan`: machines that come up together, in an order, with what is done around them."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Group

_COMMANDS = {
    "check": "holdfast.cli.plan_look:check",
    "apply": "holdfast.cli.plan_look:apply",
    "list": "holdfast.cli.plan_look:list_all",
    "show": "holdfast.cli.plan_look:show",
    "run": "holdfast.cli.plan_run:run",
    "status": "holdfast.cli.plan_status:status",
    "confirm": "holdfast.cli.plan_orders:confirm",
    "cancel": "holdfast.cli.plan_orders:cancel",
    "resume": "holdfast.cli.plan_run:resume",
    "remove": "holdfast.cli.plan_orders:remove",
    "server": "holdfast.cli.plan_fleet:server",
}
# Begun by a run or an agent.
_UNTYPED = ("act", "action")


class _Plans(Group):
    """With the commands of steps, which nobody types and no help shows."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _UNTYPED:
            return super().get_command(ctx, cmd_name)
        from holdfast.cli import plan_act

        return plan_act.act if cmd_name == "act" else plan_act.action


@click.group(
    cls=_Plans,
    lazy=_COMMANDS,
    needs_vault=False,
    help=N_(
        "Recovery plans: groups of machines that come up in their order, with scripts, webhooks and "
        "questions between them.\n\n"
        "A plan is a file for version control. It lies and runs on the host that has the replicas. "
        "A run can be killed at any moment, and the same command goes on with it; how long each "
        "group and machine took is measured. A test starts all of it in isolation, and cleans up."
    ),
    examples=[
        ("holdfast plan check shop.yaml", N_("What is wrong with it, by line.")),
        ("holdfast plan apply shop.yaml", N_("This host knows it from now on.")),
        (
            "holdfast plan run shop --dry-run --test",
            N_("What would be done, and from which points."),
        ),
        ("holdfast plan run shop --test", N_("A drill of all of it, with a report.")),
        ("holdfast plan run shop --planned", N_("For good; nothing is lost.")),
        ("holdfast plan status shop --watch", N_("From another terminal.")),
    ],
)
def plan() -> None:
    pass
