"""`holdfast vm boot`, `vm boots`, `vm serve` and `vm move-off`: machines that run off a vault."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.vm_host import host_option, start_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.app.vm_boot import Booted, BootOptions
    from holdfast.cli.run import Run
    from holdfast.machines.boot_records import Boot

_POOL = "/var/lib/libvirt/images"


@click.command(
    cls=Command,
    exits=[Exit.LOCKED, Exit.DAMAGE],
    help=N_(
        "Boot a machine from a recovery point in seconds, its disks read out of the vault.\n\n"
        "It is a machine of its own: with its own name, UUID and network addresses, and what it "
        "writes goes to disks of its own. Its changes are recorded from its first instant, so "
        "`holdfast backup --vm` of it is incremental at once. A vault that goes away pauses it, "
        "and it goes on when the vault is back. `vm move-off` makes it independent of the vault; "
        "--end ends it, and what it wrote is gone."
    ),
    examples=[
        ("holdfast vm boot latest --vm web", N_("The newest point of web.")),
        ("holdfast vm boot 4f1c --name web2 --isolated", N_("Without any network.")),
        ("holdfast vm boot --end web2", N_("End it and remove all that was made for it.")),
    ],
)
@click.argument("point", required=False)
@host_option
@option("--vm", metavar="NAME", help=N_("For latest: the newest point of this machine."))
@option("--name", help=N_("The name of the new machine; else the old one and the point."))
@option("--pool", default=_POOL, metavar="FOLDER", help=N_("Where a folder for its disks is made."))
@option("--isolated", is_flag=True, help=N_("Without network cards and folders of the host."))
@option(
    "--within",
    type=click.IntRange(0),
    default=600,
    metavar="SECONDS",
    help=N_("How long to wait for its guest agent; 0: not at all."),
)
@option("--end", "ended", metavar="NAME", help=N_("End a machine that was booted so."))
def boot(  # noqa: PLR0913  a parameter per option
    point: str | None,
    *,
    host: str | None,
    vm: str | None,
    name: str | None,
    pool: str,
    isolated: bool,
    within: int,
    ended: str | None,
) -> None:
    from holdfast.app.vm_boot import BootOptions, boot_point

    if (point is None) == (ended is None):
        raise click.UsageError(_("Name a recovery point, or a machine with --end."))
    run = start_on(host)
    if ended is not None:
        _end(run, ended)
        return
    assert point is not None
    options = BootOptions(
        point=point, vm=vm, name=name, pool=pool, isolated=isolated, within=within
    )
    _tell_booted(run, options, boot_point)


def _end(run: "Run", name: str) -> None:
    from holdfast.app.vm_boot import end_boot
    from holdfast.cli.json_machines import VmBootEnded

    found, was_there = end_boot(run.session, name)
    event = VmBootEnded(vm=found.name, uuid=found.uuid, was_there=was_there, folder=found.folder)
    run.out.done(event, _("{vm} is ended; nothing of it is left").format(vm=found.name))


def _tell_booted(run: "Run", options: "BootOptions", act: "Callable[..., Booted]") -> None:
    from holdfast.cli.vm_boot_report import tell_booted, tell_running

    def on_running(found: "Boot", seconds: float) -> None:
        tell_running(run.out, found, seconds)

    tell_booted(run.out, act(run.session, options, on_running=on_running), within=options.within)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "The machines that were booted from recovery points here, and what each needs.\n\n"
        "Also what a killed command or process left behind."
    ),
    examples=[("holdfast vm boots", N_("All of them."))],
)
def boots() -> None:
    from holdfast.app.vm_boots import list_boots
    from holdfast.cli.vm_boot_report import tell_boots

    run = start_on(None)
    tell_boots(run.out, list_boots(run.session))


@click.command(
    cls=Command,
    exits=[Exit.LOCKED, Exit.DAMAGE],
    help=N_(
        "Serve the disks of a machine that was booted from a recovery point, until Ctrl-C.\n\n"
        "`vm boot` begins this by itself. It is for afterwards: when this machine was restarted "
        "or the process was killed. A machine that was paused for lack of its disks goes on."
    ),
    examples=[("holdfast vm serve web2 &", N_("In the background."))],
)
@click.argument("name")
def serve(name: str) -> None:
    from holdfast.app.vm_serve import serve as serve_disks
    from holdfast.cli.json_machines import VmServing

    run = start_on(None)

    def on_ready(found: "Boot") -> None:
        event = VmServing(vm=found.name, uuid=found.uuid, disks=list(found.targets))
        sentence = _("The disks of {vm} are served; Ctrl-C ends this")
        run.out.done(event, sentence.format(vm=found.name))

    serve_disks(run.session, name, on_ready=on_ready)


@click.command(
    "move-off",
    cls=Command,
    needs_vault=False,
    help=N_(
        "Fetch the disks of a booted machine out of the vault, while it runs.\n\n"
        "Afterwards it needs the vault no more and is a machine like any other. Stopped in "
        "between, the same command goes on where it was."
    ),
    examples=[("holdfast vm move-off web2", N_("Make it independent."))],
)
@click.argument("name")
def move_off(name: str) -> None:
    from holdfast.app.vm_boots import move_off_vault
    from holdfast.cli.json_machines import VmMovedOff
    from holdfast.files.report import Phase, Progress

    run = start_on(None)
    clock = run.session.clock
    began = clock.monotonic()
    with run.out.progress() as on_progress:

        def on_moved(target: str, done: int, total: int) -> None:
            on_progress(
                Progress(phase=Phase.RESTORE, bytes_done=done, bytes_total=total, current=target)
            )

        found = move_off_vault(run.session, name, on_moved=on_moved)
    seconds = round(clock.monotonic() - began, 3)
    event = VmMovedOff(vm=found.name, uuid=found.uuid, seconds=seconds, folder=found.folder)
    sentence = _("{vm} needs the vault no more; its disks are in {folder}")
    run.out.done(event, sentence.format(vm=found.name, folder=found.folder))
