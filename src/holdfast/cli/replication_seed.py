"""`holdfast replication seed`: a point of a vault for a first copy to begin with."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command
from holdfast.cli.other_machine import machine_option, start_about
from holdfast.cli.output import encodable
from holdfast.cli.vm_points import find_vm_point, shown_by, vm_option


@click.command(
    cls=Command,
    exits=[Exit.LOCKED, Exit.DAMAGE],
    help=N_(
        "Restore the disks of a recovery point at this site, for a first copy to begin with.\n\n"
        "Typed at the site, which must be able to read the vault. The first copy then compares "
        "both sides block by block, and only what differs is sent over the line."
    ),
    examples=[
        ("holdfast replication seed latest --vm web", N_("The newest point of web.")),
        ("holdfast replication seed 4f2a", N_("Then, at the source, what it says at the end.")),
    ],
)
@click.argument("point")
@vm_option
@machine_option
def seed(point: str, *, vm: str | None, machine: str | None) -> None:
    from holdfast.app.replication_seed import seed_site
    from holdfast.app.vm_restore import VmRestoreOptions
    from holdfast.cli.json_replicating import SiteSeeded

    run = start_about(machine)
    repository = run.open()
    snapshot = find_vm_point(repository, point, vm)
    with run.out.progress() as on_progress:
        options = VmRestoreOptions(lock=run.may_write, on_progress=shown_by(on_progress))
        done = seed_site(run.session, repository, snapshot, options)
    name = done.report.facts.name
    images = ",".join(f"{target}={image}" for target, image in done.images.items())
    words = f"holdfast replication enable {name} --to {done.site} --seed {images}"
    event = SiteSeeded(
        vm=encodable(name),
        point=snapshot.id,
        site=done.site,
        folder=str(done.folder),
        images=done.images,
    )
    said = _("Its disks lie in {folder}").format(folder=shown.line(str(done.folder)))
    then = _("At the source: `{words}`").format(words=shown.line(words))
    run.out.done(event, said, then)
