"""`holdfast demo`: the main job on data of its own, with proof."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.run import Run, start

if TYPE_CHECKING:
    from holdfast.app.demo import DemoResult

_TICK = 0.5


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
        ("holdfast demo --console", N_("Then serve the console, to look at it in a browser.")),
        ("holdfast demo --keep", N_("Leave the folder, to look into vault and restored files.")),
    ],
)
@option("--keep", is_flag=True, help=N_("Leave the folder with everything in it."))
@option("--files-only", is_flag=True, help=N_("Show no virtual machine."))
@option("--one-host", is_flag=True, help=N_("Show no second site."))
@option("--console", is_flag=True, help=N_("Serve the console in the end, until Ctrl-C."))
def demo(*, keep: bool, files_only: bool, one_host: bool, console: bool) -> None:
    from holdfast.app.demo import demonstrated
    from holdfast.cli.demo_report import tell

    run = start()
    with demonstrated(
        run.session,
        say=run.out.remark,
        keep=keep,
        with_machine=not files_only,
        with_site=not one_host,
    ) as result:
        tell(run.out, result, keep=keep)
        if console or _is_wanted(run):
            _serve(run, result)
    run.out.remark(_("To protect this machine itself, with a server and its console: holdfast up"))


def _is_wanted(run: Run) -> bool:
    """Asked on a terminal only: what runs by itself must come to its end by itself."""
    if run.session.ask is None:
        return False
    return click.confirm(_("Look at it in the console, in a browser?"), default=False)


def _serve(run: Run, result: "DemoResult") -> None:
    from holdfast.app.demo_console import console_on
    from holdfast.cli.json_events import DemoConsole

    run.out.remark(_("Starting a server and an agent on the same files"))
    with console_on(run.session, result.folder) as shown:
        event = DemoConsole(console=shown.address, account=shown.account, password=shown.password)
        run.out.done(
            event,
            "",
            _("Console   {address}").format(address=shown.address),
            _("Account   {name}, password {password}").format(
                name=shown.account, password=shown.password
            ),
            _("The browser does not know the server's own authority yet, and will say so."),
            _("Ctrl-C ends it."),
        )
        try:
            while True:
                run.session.clock.sleep(_TICK)
        except KeyboardInterrupt:
            run.out.remark(_("Ending the server"))
