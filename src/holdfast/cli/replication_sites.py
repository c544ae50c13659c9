"""`holdfast replication admit`, `dismiss` and `join`: sites and sources without a server."""

import os

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.replication_options import PLACE
from holdfast.cli.run import start


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Let a host send its machines to this site: make the file it needs for that.\n\n"
        "The file holds a key: carry it there as you would a password, and remove it here. "
        "Said again, another file is made for the same host, and its replicas stay its own."
    ),
    examples=[
        (
            "holdfast replication admit north --address south.example",
            N_("Makes south.holdfast-site-for-north, which leads here."),
        ),
    ],
)
@click.argument("source")
@option(
    "--address",
    type=PLACE,
    metavar="HOST[:PORT]",
    help=N_("Where this site is reached by the source; its own host name if nothing is said."),
)
@option(
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help=N_("The file to make."),
)
def admit(source: str, *, address: "tuple[str, int] | None", output: str | None) -> None:
    from holdfast.app.replication_admission import admit as admit_source
    from holdfast.cli.json_replicating import SiteAdmitted

    run = start()
    made = admit_source(run.session, source, address=address, output=output)
    lines = [
        _("{source} may send its machines here, with {file}").format(source=source, file=made.file),
        _("Bring the file there, then: holdfast replication join {file}").format(
            file=os.path.basename(made.file)
        ),
    ]
    run.out.done(SiteAdmitted(source=source, machine=made.machine, file=made.file), *lines)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Let a host send nothing more to this site. Its replicas stay."),
    examples=[("holdfast replication dismiss north", N_("From now on it is refused."))],
)
@click.argument("source")
def dismiss(source: str) -> None:
    from holdfast.app.replication_admission import SiteFolder
    from holdfast.cli.json_replicating import SiteDismissed

    run = start()
    was_there = SiteFolder(run.session.settings.home).dismiss(source)
    text = _("{source} is refused from now on") if was_there else _("{source} was not admitted")
    event = SiteDismissed(source=source, was_admitted=was_there)
    run.out.done(event, text.format(source=source))


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.USAGE],
    help=N_(
        "Make a site known to this host, by the file that was made on the site.\n\n"
        "The file is not needed afterwards, and should be removed."
    ),
    examples=[("holdfast replication join south.holdfast-site-for-north", N_("Once."))],
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def join(file: str) -> None:
    from holdfast.app.replication_sites import join as join_site
    from holdfast.cli.json_replicating import SiteJoined

    run = start()
    to = join_site(run.session.settings.home, file).address
    event = SiteJoined(site=to.site, machine=to.machine, host=to.host, port=to.port)
    text = _("Site {site} is known, at {host}:{port}")
    run.out.done(event, text.format(site=to.site, host=to.host, port=to.port))
