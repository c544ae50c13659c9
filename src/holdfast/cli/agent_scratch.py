"""`holdfast agent scratch`: where this machine keeps its caches."""

import click

from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.cli.command import Group
from holdfast.cli.run import start


@click.group(
    cls=Group, needs_vault=False, help=N_("The scratch folder: caches that make backups quick.")
)
def scratch() -> None:
    pass


@scratch.command(
    help=N_(
        "Move the scratch folder to DIR, on a local disk with room for it.\n\n"
        "It is copied and compared, then switched to in one step; the old one goes last. "
        "Stopped anywhere, the same command again goes on."
    ),
    needs_vault=False,
    examples=[("holdfast agent scratch move /srv/holdfast-scratch", N_("When its disk is full."))],
)
@click.argument("folder", metavar="DIR")
def move(folder: str) -> None:
    from holdfast.app.scratch_moving import move_scratch
    from holdfast.cli.json_events import ScratchMoved

    run = start()
    done = move_scratch(run.session, folder)
    run.out.done(
        ScratchMoved(former=done.former, folder=done.folder, bytes=done.bytes),
        _("Scratch lies in {folder} now ({size})").format(
            folder=done.folder, size=format_size(done.bytes)
        ),
    )
