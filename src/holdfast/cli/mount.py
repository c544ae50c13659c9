"""`holdfast mount`: all recovery points as folders."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.other_machine import machine_option, start_about


@click.command(
    cls=Command,
    help=N_(
        "Show the recovery points as folders below FOLDER, until Ctrl-C or an unmount.\n\n"
        "Only what is opened is read. Backups go on meanwhile; prune waits for the end."
    ),
    exits=[Exit.LOCKED, Exit.DAMAGE],
    examples=[
        ("holdfast mount /mnt/points", N_("All of them; leave with Ctrl-C.")),
        ("fusermount3 -u /mnt/points", N_("End it from elsewhere.")),
    ],
)
@click.argument("folder", type=click.Path(path_type=bytes))
@option("--host", "hosts", multiple=True, help=N_("Only those of this machine."))
@option("--tag", "tags", multiple=True, help=N_("Only those with this mark."))
@option("--path", "paths", multiple=True, help=N_("Only those of this path."))
@option("--allow-other", is_flag=True, help=N_("Let other users look as well."))
@machine_option
@option("--no-lock", is_flag=True, help=N_("For a vault this machine may only read."))
def mount(  # noqa: PLR0913  a parameter per option
    folder: bytes,
    *,
    hosts: tuple[str, ...],
    tags: tuple[str, ...],
    paths: tuple[str, ...],
    allow_other: bool,
    machine: str | None,
    no_lock: bool,
) -> None:
    from holdfast.app.mount import MountRequest
    from holdfast.app.mount import mount as mount_points
    from holdfast.app.points import PointFilter
    from holdfast.cli import shown
    from holdfast.cli.json_events import Mounted
    from holdfast.cli.json_reports import path_base64, path_text

    run = start_about(machine)
    request = MountRequest(
        mountpoint=folder,
        points=PointFilter(hosts=hosts, tags=tags, paths=paths),
        allow_other=allow_other,
        lock=run.may_write and not no_lock,
    )
    event = Mounted(folder=path_text(folder), folder_base64=path_base64(folder))
    ready = _("The recovery points are below {folder}; Ctrl-C ends this")
    mount_points(
        run.session,
        request,
        on_ready=lambda: run.out.done(event, ready.format(folder=shown.path(folder))),
    )
