"""`holdfast vm protect` and `vm unprotect`."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.vm_freeze import FREQUENCY, MOUNTS
from holdfast.cli.vm_host import host_option, start_on
from holdfast.cli.vm_list import max_disk_option

_DEFAULT = "default"
_TRACKINGS = ("auto", "bitmap", "overlay", "hash")
_CLASSES = ("crash", "filesystem", "application")


@click.command(
    cls=Command,
    exits=[Exit.DECIDE, Exit.LOCKED],
    help=N_(
        "Protect a virtual machine: see what is against it, install the guest extension, "
        "make the first point, and keep the settings.\n\n"
        "Each step is noted. After a failure the same command goes on with the step that failed. "
        "Said again, it changes the settings that are named, and keeps the others."
    ),
    examples=[
        ("holdfast vm protect web", N_("As well as it can be done.")),
        (
            "holdfast vm protect db --consistency application",
            N_("Only if its databases can be told to hold still."),
        ),
        (
            "holdfast vm protect store --tracking overlay",
            N_("Raw disks too, and nothing is to be compared after a power failure."),
        ),
        ("holdfast vm protect san --partly", N_("Without the disks that cannot be taken.")),
        (
            "holdfast vm protect web --freeze-every 6h",
            N_("A point that stood still every six hours, and others as often as you like."),
        ),
    ],
)
@click.argument("vm")
@host_option
@option(
    "--consistency",
    type=click.Choice(_CLASSES),
    help=N_("The least a point must be; crash if nothing was ever said."),
)
@option(
    "--tracking",
    type=click.Choice(_TRACKINGS),
    help=N_(
        "How changes are recorded: in bitmaps where that can be done (auto), in bitmaps or it is "
        "an error (bitmap), in overlays on top of the disks, which outlast a power failure "
        "(overlay), or not at all (hash); auto if nothing was ever said."
    ),
)
@option("--partly", is_flag=True, help=N_("Agree to disks that cannot be backed up."))
@max_disk_option
@option(
    "--never-freeze/--may-freeze",
    default=None,
    help=N_("Leave the guest alone: all of its points are as after a power failure."),
)
@option(
    "--freeze-mounts",
    type=MOUNTS,
    metavar="PATH,…",
    help=N_("Freeze only the file systems mounted there, as in /,/data; `all` again all of them."),
)
@option(
    "--freeze-every",
    type=FREQUENCY,
    metavar="N|TIME",
    help=N_(
        "Freeze for every N-th point only, or when TIME has passed since the last freeze, as in "
        "6h; 1: for all of them."
    ),
)
@option(
    "--scratch",
    metavar="FOLDER",
    help=N_(
        "Where QEMU keeps what this guest overwrites during a backup; `default`: where the "
        "setting vm-scratch says."
    ),
)
def protect(  # noqa: PLR0913  a parameter per option
    vm: str,
    *,
    host: str | None,
    consistency: str | None,
    tracking: str | None,
    partly: bool,
    max_disk: int | None,
    never_freeze: bool | None,
    freeze_mounts: tuple[str, ...] | None,
    freeze_every: "tuple[int, int] | None",
    scratch: str | None,
) -> None:
    from holdfast.app.vm_protect import FreezeWish, Wanted
    from holdfast.app.vm_works import protect as protect_vm
    from holdfast.app.vms import limits_of
    from holdfast.cli.vm_protect_steps import told_steps
    from holdfast.cli.vm_report import tell_protected

    run = start_on(host)
    limits = limits_of(run.session, max_disk=max_disk)
    every, every_seconds = freeze_every or (None, None)
    wanted = Wanted(
        consistency=consistency,
        tracking=tracking,
        partly=partly,
        freeze=FreezeWish(
            never=never_freeze, mounts=freeze_mounts, every=every, every_seconds=every_seconds
        ),
        scratch="" if scratch == _DEFAULT else scratch,
        limits=limits,
    )
    on_step = told_steps(run, vm)
    tell_protected(run.out, protect_vm(run.session, vm, wanted, on_step=on_step))


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "End the protection of a virtual machine.\n\n"
        "The guest extension and the records of changes are taken out of it, and what lies in "
        "overlays is merged into its disks. Its points stay: "
        "`holdfast retain` or `holdfast points` is about them."
    ),
    examples=[("holdfast vm unprotect web", N_("Also of a machine that is gone."))],
)
@click.argument("vm")
@host_option
def unprotect(vm: str, *, host: str | None) -> None:
    from holdfast.app.vm_works import unprotect as unprotect_vm
    from holdfast.cli.vm_report import tell_unprotected

    run = start_on(host)
    tell_unprotected(run.out, unprotect_vm(run.session, vm))
