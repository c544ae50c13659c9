"""`holdfast vm list`: the machines of a host, and whether each can be protected."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Command
from holdfast.cli.vm_host import host_option, start_on


@click.command(
    "list",
    cls=Command,
    needs_vault=False,
    help=N_("The virtual machines of a host."),
    examples=[
        ("holdfast vm list", N_("Those of this host.")),
        ("holdfast vm list --host qemu+ssh://kvm2/system", N_("Those of another.")),
    ],
)
@host_option
def list_vms(*, host: str | None) -> None:
    from holdfast.hypervisor.connection import Host
    from holdfast.hypervisor.domains import list_domains

    run = start_on(host)
    with Host.open(run.session.settings.libvirt) as opened:
        for domain in list_domains(opened):
            click.echo(domain.name)
