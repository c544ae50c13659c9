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
        "Then a virtual machine on a host of its own is protected, destroyed and booted from the "
        "vault. At last two hosts are made, of which the second follows a machine of the first, is "
        "tried, takes over when the first has lost its power, and gives the machine back. That "
        "needs root, libvirt and QEMU, and is left out with a word where they are not there.\n\n"
        "Works in a temporary folder and removes it; only the kernel of the machine, "
        "downloaded from Debian's packages, stays in /var/cache/holdfast. Where restic is "
        "installed, it is asked to check and restore the same vault."
    ),
    examples=[
        ("holdfast demo", N_("Some minutes, ending in one page.")),
        ("holdfast demo --one-host", N_("Without the second site: a minute.")),
        ("holdfast demo --files-only", N_("Without the virtual machine.")),
        ("holdfast demo --keep", N_("Leave the folder, to look into vault and restored files.")),
    ],
)
@option("--keep", is_flag=True, help=N_("Leave the folder with everything in it."))
@option("--files-only", is_flag=True, help=N_("Show no virtual machine."))
@option("--one-host", is_flag=True, help=N_("Show no second site."))
def demo(*, keep: bool, files_only: bool, one_host: bool) -> None:
    from holdfast.app.demo import run_demo
    from holdfast.cli.demo_report import tell

    run = start()
    result = run_demo(
        run.session,
        say=run.out.remark,
        keep=keep,
        with_machine=not files_only,
        with_site=not one_host,
    )
    tell(run.out, result, keep=keep)
