"""`holdfast vm list` and `vm status`: the machines of a host, and what is against protecting each."""

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.parameters import SIZE
from holdfast.cli.vm_host import host_option, start_on

max_disk_option = option(
    "--max-disk",
    type=SIZE,
    metavar="SIZE",
    help=N_("Refuse disks that are larger, as in 4T; else as the setting vm-max-disk says."),
)


@click.command(
    "list",
    cls=Command,
    needs_vault=False,
    help=N_(
        "List the virtual machines of a host: which are protected, and which can be.\n\n"
        "The last column names what is against it, the worst first; "
        "`holdfast vm status` says more."
    ),
    examples=[
        ("holdfast vm list", N_("Those of this host.")),
        ("holdfast vm list --host qemu+ssh://kvm2/system", N_("Those of another.")),
        (
            "holdfast vm list --machine kvm1",
            N_("Those of a registered machine, as the server knows them."),
        ),
    ],
)
@host_option
@max_disk_option
@option(
    "--machine",
    metavar="MACHINE",
    help=N_("Ask the server one is logged in to; by name, VAULT/NAME, or id."),
)
def list_vms(*, host: str | None, max_disk: int | None, machine: str | None) -> None:
    if machine is not None:
        from holdfast.cli.vm_server_list import tell_of_machine

        if host is not None or max_disk is not None:
            raise click.UsageError(
                _("--machine asks the server: --host and --max-disk cannot be said with it")
            )
        tell_of_machine(machine)
        return
    from holdfast.app.vms import limits_of
    from holdfast.app.vms import list_vms as find
    from holdfast.cli.vm_report import tell_vms

    run = start_on(host)
    tell_vms(run.out, find(run.session, limits_of(run.session, max_disk=max_disk)))


@click.command(
    "status",
    cls=Command,
    needs_vault=False,
    help=N_("Say everything about one virtual machine: its disks, its agent, its protection."),
    examples=[("holdfast vm status web", N_("With what can be done about each remark."))],
)
@click.argument("vm")
@host_option
@max_disk_option
def status(vm: str, *, host: str | None, max_disk: int | None) -> None:
    from holdfast.app.vms import limits_of, show_vm
    from holdfast.cli.vm_report import tell_vm

    run = start_on(host)
    tell_vm(run.out, show_vm(run.session, vm, limits_of(run.session, max_disk=max_disk)))
