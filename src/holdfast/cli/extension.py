"""`holdfast extension`: what tells applications in a guest that they are about to be backed up."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, Group, option
from holdfast.cli.vm_host import host_option, start_on


@click.group(
    cls=Group,
    needs_vault=False,
    help=N_(
        "The guest extension: scripts in a virtual machine that make its databases and other "
        "applications hold still for the instant of a point.\n\n"
        "It comes through the guest agent and needs no network in the guest."
    ),
    examples=[
        ("holdfast extension status db", N_("Whether it is there, and what it did last.")),
        ("holdfast extension install db", N_("Install it, or update it.")),
    ],
)
def extension() -> None:
    pass


@extension.command(
    cls=Command,
    needs_vault=False,
    help=N_("Say what the guest extension of a virtual machine is like, and what it did last."),
    examples=[("holdfast extension status db", N_("With the hooks that have something to do."))],
)
@click.argument("vm")
@host_option
def status(vm: str, *, host: str | None) -> None:
    from holdfast.app.extension import see_extension
    from holdfast.cli.extension_report import tell_status

    run = start_on(host)
    tell_status(run.out, see_extension(run.session, vm))


@extension.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED],
    help=N_(
        "Install the guest extension, or update it.\n\n"
        "Where it is as it should be, nothing is done. Settings in /etc/holdfast of the guest "
        "are never touched."
    ),
    examples=[("holdfast extension install db", N_("Twice does no harm."))],
)
@click.argument("vm")
@host_option
def install(vm: str, *, host: str | None) -> None:
    from holdfast.app.extension import install_extension
    from holdfast.cli.extension_report import tell_installed

    run = start_on(host)
    is_new, seen = install_extension(run.session, vm)
    tell_installed(run.out, seen, is_new=is_new)


@extension.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED],
    help=N_("Remove the guest extension; what its owner made in /etc/holdfast stays."),
    examples=[
        ("holdfast extension remove db", N_("Points are file-system-consistent at best then.")),
        ("holdfast extension remove db --force", N_("Also while it runs, or hangs.")),
    ],
)
@click.argument("vm")
@host_option
@option(
    "--force",
    is_flag=True,
    help=N_("End what it does at this moment, and let the applications go."),
)
def remove(vm: str, *, host: str | None, force: bool) -> None:
    from holdfast.app.extension import remove_extension
    from holdfast.cli.extension_report import tell_removed

    run = start_on(host)
    tell_removed(run.out, vm, was_there=remove_extension(run.session, vm, force=force))
