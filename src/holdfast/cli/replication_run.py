"""`holdfast replication run` and `serve`: the two processes that work, one on each side."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _, ngettext
from holdfast.cli.command import Command, option
from holdfast.cli.replication_options import PLACE
from holdfast.cli.run import start
from holdfast.cli.vm_host import host_option, start_on

# The agent ends what it has started, and leaves alone what a person has.
for_agent_option = option(
    "--for-agent", is_flag=True, hidden=True, help=N_("The agent has started it, and ends it.")
)


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED],
    help=N_(
        "Replicate the machines of this host until told to stop; the agent starts it by itself.\n\n"
        "A step that is under way when it is stopped ends or is undone. Killed, it leaves nothing "
        "that the next one does not put right. Machines that are enabled later are taken up."
    ),
    examples=[("holdfast replication run", N_("In a terminal, or as a service of one's own."))],
)
@host_option
@for_agent_option
def run(*, host: str | None, for_agent: bool) -> int:
    from holdfast.app.replication_run import replicate
    from holdfast.cli.json_replicating import ReplicationRunning

    started = start_on(host)

    def on_start(machines: int) -> None:
        said = ngettext("Replicating {count} machine", "Replicating {count} machines", machines)
        started.out.done(ReplicationRunning(machines=machines), said.format(count=machines))

    replicate(started.session, is_agents=for_agent, on_start=on_start)
    return Exit.FINE


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.USAGE, Exit.LOCKED],
    help=N_(
        "Take replicas in until told to stop: this host is a site then.\n\n"
        "What is said once is kept. On a host that its server made a site, the agent starts it, "
        "and nothing needs to be said."
    ),
    examples=[
        ("holdfast replication serve --folder /srv/replicas", N_("Every address, port 9443.")),
        ("holdfast replication serve", N_("As it was said before.")),
    ],
)
@option(
    "--folder",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help=N_("Where replicas lie: a disk that has room for all machines, and their points."),
)
@option(
    "--listen",
    type=PLACE,
    metavar="[HOST][:PORT]",
    help=N_("Where sources find it; every address, port 9443, if nothing was ever said."),
)
@option("--name", metavar="NAME", help=N_("The site's name; the host's if nothing was ever said."))
@for_agent_option
def serve(
    *, folder: str | None, listen: "tuple[str, int] | None", name: str | None, for_agent: bool
) -> int:
    from holdfast.app.replication_serve import ServeWish
    from holdfast.app.replication_serve import serve as serve_site
    from holdfast.cli.json_replicating import SiteServing

    started = start()

    def on_start(site: str, machine: str, *, folder: str, listening: str) -> None:
        event = SiteServing(site=site, machine=machine, folder=folder, listening=listening)
        said = _("Site {site} takes replicas in at {listening}, in {folder}")
        started.out.done(event, said.format(site=site, listening=listening, folder=folder))

    wish = ServeWish(folder=folder, listen=listen, name=name, is_agents=for_agent)
    serve_site(started.session, wish, on_start=on_start)
    return Exit.FINE
