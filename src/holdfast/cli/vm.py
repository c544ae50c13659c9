"""`holdfast vm`: the virtual machines of a hypervisor host."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Group

_COMMANDS = {
    "list": "holdfast.cli.vm_list:list_vms",
    "status": "holdfast.cli.vm_list:status",
    "ready": "holdfast.cli.vm_ready:ready",
    "protect": "holdfast.cli.vm_protect:protect",
    "unprotect": "holdfast.cli.vm_protect:unprotect",
    "restore": "holdfast.cli.vm_restore:restore",
    "files": "holdfast.cli.vm_files:files",
    "boot": "holdfast.cli.vm_boot:boot",
    "boots": "holdfast.cli.vm_boot:boots",
    "serve": "holdfast.cli.vm_boot:serve",
    "move-off": "holdfast.cli.vm_boot:move_off",
}


@click.group(
    cls=Group,
    lazy=_COMMANDS,
    needs_vault=False,
    help=N_(
        "Virtual machines: which there are, which are protected, and how they come back.\n\n"
        "Which host is meant is said by --host, else by HOLDFAST_LIBVIRT or the setting "
        "`libvirt`; it is this machine if nothing is said."
    ),
    examples=[("holdfast vm list", N_("The machines of this host."))],
)
def vm() -> None:
    pass
