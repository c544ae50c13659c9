"""`holdfast doctor`: from a symptom, or from nothing, to the proven cause and its remedy."""

from typing import Any

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Group
from holdfast.cli.doctor_options import MEANINGS, judged_options

_COMMANDS = {
    "explain": "holdfast.cli.doctor_explain:explain",
    "diagnose": "holdfast.cli.doctor_diagnose:diagnose",
    "collect": "holdfast.cli.doctor_collect:collect",
    "fix": "holdfast.cli.doctor_fix:fix",
}


class _SymptomsOrCommand(Group):
    """A group that is a command too: what is no name of a command is a symptom."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = self._first_word(ctx, args)
        if at is not None and args[at] in self.list_commands(ctx):
            # Options before the command's name are ours, the rest is the command's.
            click.Command.parse_args(self, ctx, args[:at])
            ctx._protected_args, ctx.args = args[at : at + 1], args[at + 1 :]  # noqa: SLF001  as click.Group does it
            return ctx.args
        ctx.allow_interspersed_args = True
        return click.Command.parse_args(self, ctx, args)

    def _first_word(self, ctx: click.Context, args: list[str]) -> int | None:
        """Where the first argument stands that is neither an option nor an option's value."""
        with_value = {
            name
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and not param.is_flag and not param.count
            for name in param.opts
        }
        is_value = False
        for at, word in enumerate(args):
            if not is_value and not word.startswith("-"):
                return at
            is_value = not is_value and word in with_value
        return None


@click.group(
    cls=_SymptomsOrCommand,
    lazy=_COMMANDS,
    invoke_without_command=True,
    needs_vault=False,
    subcommand_metavar="| COMMAND [ARGS]...",
    meanings=MEANINGS,
    help=N_(
        "Say why something does not work, with the lines that prove it and what to do.\n\n"
        "Without a symptom it looks at everything that is present on this host. A symptom is a "
        "code in any notation, a name, or the text of a message; `explain` tells what is known "
        "about it, `diagnose` reads logs and listings of another machine."
    ),
    examples=[
        ("holdfast doctor", N_("A check-up of this host.")),
        ("holdfast doctor 0x1FC07", N_("What a code means here, and what would decide.")),
        ("holdfast doctor VM agent is not responsive", N_("The same with a message.")),
    ],
)
@judged_options
@click.argument("symptom", nargs=-1)
@click.pass_context
def doctor(ctx: click.Context, symptom: tuple[str, ...]) -> Any:
    if ctx.invoked_subcommand is not None:
        return None
    from holdfast.cli.doctor_run import ask

    return ask(symptom)
