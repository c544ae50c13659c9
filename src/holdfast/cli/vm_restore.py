"""`holdfast vm restore`: a virtual machine as it was, as a new one, in place, or as files."""

from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.other_machine import machine_option, start_about
from holdfast.cli.vm_host import host_option
from holdfast.cli.vm_points import find_vm_point, shown_by, vm_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.hypervisor.domain_identity import NetworkPlace

_WITHOUT = {
    "in_place": {"name", "pool", "format_", "keep_identity", "networks"},
    "only_disks": {"keep_identity", "networks", "start_it", "host"},
}


@click.command(
    "restore",
    cls=Command,
    help=N_(
        "Bring back a virtual machine from a recovery point.\n\n"
        "POINT is an id or its beginning, or 'latest'. Without more, a new machine is made beside "
        "the old one, with an identity of its own; it is defined when all its disks are durable, "
        "and after an error nothing of it is left. With --in-place the disks of the machine itself, "
        "which must be off, become what they were: only what differs is written, and until all of "
        "that is gathered the machine stays as it is."
    ),
    exits=[Exit.WARNINGS, Exit.LOCKED, Exit.DAMAGE, Exit.DECIDE],
    examples=[
        (
            "holdfast vm restore latest --vm web --name web-back --start",
            N_("A second machine, as it was, running."),
        ),
        (
            "holdfast vm restore 4f2a --in-place",
            N_("The machine itself, where its disks lie."),
        ),
        (
            "holdfast vm restore 4f2a --keep-identity --pool /srv/vms",
            N_("On a host that lost it: the same UUID and addresses."),
        ),
        (
            "holdfast vm restore latest --vm web --only-disks --pool /tmp --format raw",
            N_("Its disks as files; no hypervisor is needed."),
        ),
    ],
)
@click.argument("point")
@vm_option
@option("--name", help=N_("What the new machine is called; as the old one if nothing is said."))
@option("--in-place", is_flag=True, help=N_("Into the machine that is there, which must be off."))
@option("--only-disks", is_flag=True, help=N_("Only files: define no machine."))
@option(
    "--pool",
    metavar="FOLDER",
    help=N_("A folder for the machine is made in it; /var/lib/libvirt/images if nothing is said."),
)
@option(
    "format_",
    "--format",
    type=click.Choice(("qcow2", "raw")),
    help=N_("Of the new images; as the disks were if nothing is said."),
)
@option("disks", "--disk", multiple=True, metavar="TARGET", help=N_("Only this disk, as vdb."))
@option(
    "--keep-identity",
    is_flag=True,
    help=N_("The same UUID and network addresses: the old machine must be gone for good."),
)
@option(
    "networks",
    "--network",
    multiple=True,
    metavar="OLD=NEW",
    help=N_("Connect the cards of a network to another one, to bridge:NAME, or to none."),
)
@option("start_it", "--start", is_flag=True, help=N_("Start the machine in the end."))
@host_option
@machine_option
@option("--no-lock", is_flag=True, help=N_("For a vault this machine may only read."))
def restore(  # noqa: PLR0913  a parameter per option
    point: str,
    *,
    vm: str | None,
    in_place: bool,
    only_disks: bool,
    start_it: bool,
    format_: str | None,
    keep_identity: bool,
    networks: tuple[str, ...],
    host: str | None,
    machine: str | None,
    no_lock: bool,
    **wanted: Any,
) -> int:
    _refuse_what_has_no_effect(click.get_current_context())
    mapped = _networks(networks)

    from holdfast.app import vm_restore
    from holdfast.cli.vm_restore_report import tell

    run = start_about(machine, libvirt=host)
    repository = run.open()
    snapshot = find_vm_point(repository, point, vm)
    act = vm_restore.restore_vm
    if in_place or only_disks:
        act = vm_restore.replace_vm if in_place else vm_restore.write_vm_files
    with run.out.progress() as on_progress:
        options = vm_restore.VmRestoreOptions(
            format=format_,
            keeps_identity=keep_identity,
            networks=mapped,
            start=start_it,
            lock=run.may_write and not no_lock,
            on_progress=shown_by(on_progress),
            **wanted,
        )
        report = act(run.session, repository, snapshot, options)
    return tell(run.out, report, point=snapshot.id, is_in_place=in_place)


def _refuse_what_has_no_effect(context: click.Context) -> None:
    """What would be passed over in silence is a mistake to be told."""
    given = {name for name, value in context.params.items() if value}
    modes = {mode: refused for mode, refused in _WITHOUT.items() if mode in given}
    if len(modes) == len(_WITHOUT):
        raise click.UsageError(_("--in-place and --only-disks exclude each other"))
    names = {param.name: param.opts[-1] for param in context.command.params}
    for mode, refused in modes.items():
        for name in refused & given:
            text = _("{option} has no effect with {mode}")
            raise click.UsageError(text.format(option=names[name], mode=names[mode]))


def _networks(given: tuple[str, ...]) -> "Mapping[str, NetworkPlace | None]":
    from holdfast.machines.new_identity import parse_network

    try:
        return dict(map(parse_network, given))
    except ValueError as err:
        raise click.UsageError(_("--network is OLD=NEW, not {text}").format(text=err)) from err
