"""`holdfast vm protect` and `vm unprotect`."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.vm_host import host_option, start_on
from holdfast.cli.vm_list import max_disk_option

if TYPE_CHECKING:
    from holdfast.app.vm_records import Step

_CLASSES = ("crash", "filesystem", "application")


@click.command(
    cls=Command,
    exits=[Exit.DECIDE, Exit.LOCKED],
    help=N_(
        "Protect a virtual machine: see what is against it, install the guest extension, "
        "make the first point, and keep the settings.\n\n"
        "Each step is noted. After a failure the same command goes on with the step that failed."
    ),
    examples=[
        ("holdfast vm protect web", N_("As well as it can be done.")),
        (
            "holdfast vm protect db --consistency application",
            N_("Only if its databases can be told to hold still."),
        ),
        ("holdfast vm protect san --partly", N_("Without the disks that cannot be taken.")),
    ],
)
@click.argument("vm")
@host_option
@option(
    "--consistency",
    type=click.Choice(_CLASSES),
    default="crash",
    help=N_("The least a point must be; crash if nothing is said."),
)
@option("--partly", is_flag=True, help=N_("Agree to disks that cannot be backed up."))
@max_disk_option
def protect(
    vm: str, *, host: str | None, consistency: str, partly: bool, max_disk: int | None
) -> None:
    from holdfast.app.vm_protect import Wanted
    from holdfast.app.vm_works import protect as protect_vm
    from holdfast.app.vms import limits_of
    from holdfast.cli.vm_report import tell_protected, tell_step

    run = start_on(host)
    limits = limits_of(run.session, max_disk=max_disk)
    wanted = Wanted(consistency=consistency, partly=partly, limits=limits)

    def on_step(step: "Step") -> None:
        tell_step(run.out, vm, step)

    tell_protected(run.out, protect_vm(run.session, vm, wanted, on_step=on_step))


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "End the protection of a virtual machine.\n\n"
        "The guest extension and the records of changes are taken out of it. Its points stay: "
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
