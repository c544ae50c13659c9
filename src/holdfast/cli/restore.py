"""`holdfast restore`: bring a recovery point back."""

from typing import Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.other_machine import machine_option, start_about
from holdfast.cli.parameters import SIZE


@click.command(
    cls=Command,
    help=N_(
        "Bring back a recovery point, or a part of it, to a folder.\n\n"
        "POINT is an id or its beginning, or 'latest'; with ':PATH' behind it, that folder is "
        "brought straight to FOLDER. Only what differs is written; a restore that was "
        "interrupted goes on when the same command is run again."
    ),
    exits=[Exit.WARNINGS, Exit.LOCKED, Exit.DAMAGE],
    examples=[
        (
            "holdfast restore latest --to /tmp/back --verify",
            N_("The newest point, every byte and attribute read back and compared."),
        ),
        (
            "holdfast restore latest --to / --include /etc/nginx --dry-run",
            N_("What would be written into the running system."),
        ),
        (
            "holdfast restore 4f2a:/srv/www --to /srv/www --delete",
            N_("A folder as it was, without what came since."),
        ),
        (
            "holdfast restore latest --machine mail --to /tmp/mail",
            N_("The newest point of another machine, where an operator allows it."),
        ),
    ],
)
@click.argument("point")
@option(
    "--to",
    "target",
    required=True,
    type=click.Path(path_type=bytes),
    metavar="FOLDER",
    help=N_("Where to; it is made if it is missing."),
)
@option("--include", multiple=True, metavar="PATTERN", help=N_("Only this, in gitignore's syntax."))
@option("--exclude", multiple=True, metavar="PATTERN", help=N_("Leave out, in gitignore's syntax."))
@option(
    "--overwrite",
    type=click.Choice(("changed", "always", "newer", "never")),
    default="changed",
    help=N_("What to do with files that are there: 'changed' writes only what differs."),
)
@option("--delete", is_flag=True, help=N_("Remove what the point does not have."))
@option("--no-sparse", is_flag=True, help=N_("Write zeros where files had holes."))
@option("--verify", is_flag=True, help=N_("Read everything back and compare it with the point."))
@option("--dry-run", is_flag=True, help=N_("Compare and count, but write nothing."))
@option("--host", "hosts", multiple=True, help=N_("'latest' is the newest of this machine."))
@option("--tag", "tags", multiple=True, help=N_("'latest' is the newest with this mark."))
@option("--path", "paths", multiple=True, help=N_("'latest' is the newest of this path."))
@option(
    "--limit-download",
    type=SIZE,
    metavar="RATE",
    help=N_("Fetch at most so many bytes a second, as in 2M."),
)
@machine_option
@option("--no-lock", is_flag=True, help=N_("For a vault this machine may only read."))
def restore(  # noqa: PLR0913  a parameter per option
    point: str,
    *,
    hosts: tuple[str, ...],
    limit_download: int | None,
    machine: str | None,
    tags: tuple[str, ...],
    paths: tuple[str, ...],
    no_lock: bool,
    no_sparse: bool,
    overwrite: str,
    **wanted: Any,
) -> int:
    from holdfast.app.points import PointFilter, find_point
    from holdfast.app.restore import RestoreRequest
    from holdfast.app.restore import restore as restore_point
    from holdfast.cli.restore_report import tell
    from holdfast.files.options import Overwrite, RestoreOptions

    run = start_about(machine, limit_download=limit_download)
    repository = run.open()
    name, colon, path = point.partition(":")
    found = find_point(repository, name, PointFilter(hosts=hosts, tags=tags, paths=paths))
    options = RestoreOptions(
        overwrite=Overwrite(overwrite),
        sparse=not no_sparse,
        workers=run.session.settings.workers,
        **wanted,
    )
    lock = run.may_write and not no_lock
    request = RestoreRequest(point=f"{found.id}{colon}{path}", options=options, lock=lock)
    with run.out.progress() as on_progress:
        report = restore_point(repository, request, on_progress=on_progress)
    return tell(run.out, report, options, point=found.id)
