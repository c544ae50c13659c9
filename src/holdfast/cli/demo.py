"""`holdfast demo`: the main job on data of its own, with proof."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.run import start


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.DAMAGE],
    help=N_(
        "Show the main job on data of its own: a vault, two backups, a restore, and the proof "
        "that everything came back.\n\n"
        "Works in a temporary folder and removes it. Where restic is installed, it is asked to "
        "check and restore the same vault."
    ),
    examples=[
        ("holdfast demo", N_("Half a minute, ending in one page.")),
        ("holdfast demo --keep", N_("Leave the folder, to look into vault and restored files.")),
    ],
)
@option("--keep", is_flag=True, help=N_("Leave the folder with everything in it."))
def demo(*, keep: bool) -> None:
    from holdfast.app.demo import run_demo
    from holdfast.cli.demo_report import tell

    run = start()
    tell(run.out, run_demo(run.session, say=run.out.remark, keep=keep), keep=keep)
