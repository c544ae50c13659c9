"""`holdfast completion`: the script that makes a shell complete our commands."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Command

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Print the script that lets SHELL complete commands and options."),
    examples=[
        (
            "holdfast completion bash > /etc/bash_completion.d/holdfast",
            N_("For all users of bash, from their next shell on."),
        ),
        ("holdfast completion fish | source", N_("For this fish shell.")),
    ],
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    from click.shell_completion import get_completion_class

    root = ctx.find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(root.command, {}, "holdfast", "_HOLDFAST_COMPLETE")
    # source() would start the shell to learn its version; who has none of it may still want it.
    click.echo(script.source_template % script.source_vars())
