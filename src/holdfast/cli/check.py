"""`holdfast check`: prove that the vault is sound, or say what is not."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.other_machine import machine_option, start_about


@click.command(
    cls=Command,
    help=N_(
        "Prove that the vault is sound, and name what is not and which files it hurts.\n\n"
        "Without --read-data this looks at the structure; with it, content is read, decrypted "
        "and compared with its hash. A share takes what was read longest ago first."
    ),
    exits=[Exit.LOCKED, Exit.DAMAGE],
    examples=[
        ("holdfast check", N_("The structure: quick.")),
        ("holdfast check --read-data", N_("Every byte.")),
        ("holdfast check --read-data=10%", N_("A tenth; after ten runs it was all of it.")),
    ],
)
@option(
    "--read-data",
    is_flag=False,
    flag_value="",
    metavar="[SHARE]",
    help=N_("Read content too: all of it, or as much as in 10%, 1/7 or 20G."),
)
@machine_option
@option(
    "--no-lock",
    is_flag=True,
    help=N_(
        "Write nothing to the vault, as where it may only be read; nobody may prune meanwhile."
    ),
)
def check(*, read_data: str | None, machine: str | None, no_lock: bool) -> int:
    from holdfast.app.check import check as check_vault
    from holdfast.cli.check_report import tell

    run = start_about(machine)
    lock = run.may_write and not no_lock
    with run.out.progress() as on_progress:
        report = check_vault(run.session, read_data=read_data, lock=lock, on_progress=on_progress)
    return tell(run.out, report)
