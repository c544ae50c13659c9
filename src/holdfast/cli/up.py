"""`holdfast up`: what a newcomer starts."""

from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import up_report
from holdfast.cli.command import Command, option
from holdfast.cli.run import Run, start

if TYPE_CHECKING:
    from holdfast.app.up import UpDone
    from holdfast.app.up_processes import Claim, Kept
    from holdfast.app.up_proposal import Proposal
    from holdfast.app.up_server import OwnServer

_TICK = 0.5
_SEEN_WITHIN = 20.0


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Get this machine going: server, vault, agent, registration and a first policy.\n\n"
        "Everything is kept in one folder (HOLDFAST_HOME). What is there already is found and "
        "kept, so the same command again is how it is started the next time. It stays in the "
        "foreground, and Ctrl-C ends server and agent; with --install systemd runs them."
    ),
    examples=[
        ("holdfast up", N_("Ask before anything is backed up.")),
        ("holdfast up --yes --paths /etc --paths /srv", N_("Protect these every night.")),
        (
            "holdfast up --install --vault /mnt/backup/vault --name backup.example.net",
            N_("As services, with the vault on another disk, known to others by this name."),
        ),
        ("holdfast up --status", N_("Say what runs.")),
    ],
)
@option(
    "--vault",
    "place",
    metavar="PLACE",
    help=N_("Where the vault `main` is to lie; below HOLDFAST_HOME if nothing is said."),
)
@option("--listen", metavar="HOST:PORT", help=N_("Where the server takes connections."))
@option("--name", metavar="HOST", help=N_("By what name other machines reach this server."))
@option("--paths", multiple=True, metavar="PATH", help=N_("Protect this; can be repeated."))
@option("--yes", is_flag=True, help=N_("Attach the proposed policy without asking."))
@option("--install", is_flag=True, help=N_("Have systemd run server and agent from now on."))
@option("--foreground", is_flag=True, help=N_("Run them as long as this command runs (usual)."))
@option("--status", is_flag=True, help=N_("Only say what runs here."))
@option("--stop", is_flag=True, help=N_("End the `up` that runs in the foreground elsewhere."))
@option("--lab", is_flag=True, help=N_("For trials: guessing the passphrase is easy."))
def up(*, status: bool, stop: bool, install: bool, foreground: bool, **options: Any) -> int:
    if install and foreground:
        raise click.UsageError(_("--install and --foreground exclude each other"))
    run = start()
    if status:
        return up_report.tell_status(run)
    if stop:
        return _stop(run)
    if install:
        return _install(run, options)
    return _foreground(run, options)


def _foreground(run: Run, options: dict[str, Any]) -> int:
    from holdfast.app.up_processes import claim
    from holdfast.app.up_server import prepare_server

    home = run.session.settings.home
    with claim(home, run.session.clock) as claimed:
        server = prepare_server(home, listen=options["listen"], name=options["name"])
        kept: list[Kept] = []
        try:
            done = _bring_up(run, server, claimed, kept, options)
            up_report.tell(run, done)
            server.forget_password()
            return _stay(run, kept)
        finally:
            for one in reversed(kept):
                one.end()


def _bring_up(
    run: Run, server: "OwnServer", claimed: "Claim", kept: "list[Kept]", options: dict[str, Any]
) -> "UpDone":
    """`kept` gets what was started, also when something goes wrong after it."""
    from holdfast.agent.place import Place
    from holdfast.app.up import bring_up
    from holdfast.app.up_processes import Kept, is_locked
    from holdfast.app.up_server import add_first_account, wait_until_it_answers

    session, say = run.session, run.out.remark
    settings = session.settings
    shared: dict[str, Any] = {
        "settings": settings,
        "children": claimed.children,
        "clock": session.clock,
    }
    own = Kept(name="server", words=("server", "run"), log=server.log, **shared)
    if is_locked(server.lock):
        say(_("The server runs already"))
    else:
        say(_("Starting the server at {address}").format(address=server.address))
        add_first_account(session, server)
        kept.append(own)
        own.start()
    wait_until_it_answers(session, server, alive=own.require_alive)
    done = bring_up(session, server, _wanted(run, options), say=say)
    place = Place(settings.home)
    if is_locked(place.lock):
        say(_("The agent runs already"))
    else:
        say(_("Starting the agent"))
        agent = Kept(name="agent", words=("agent", "run"), log=place.log, **shared)
        kept.append(agent)
        agent.start()
    return done


def _wanted(run: Run, options: dict[str, Any]) -> Any:
    from holdfast.app.up import UpWanted
    from holdfast.app.vaults import cost_of

    def confirm(proposal: "Proposal") -> bool:
        if options["yes"]:
            return True
        if run.session.ask is None:
            return False
        up_report.tell_proposal(run, proposal)
        return click.confirm(_("Let it protect this machine from now on?"), default=True)

    return UpWanted(
        place=options["place"],
        paths=options["paths"],
        confirm=confirm,
        cost=cost_of(lab=options["lab"]),
    )


def _stay(run: Run, kept: "list[Kept]") -> int:
    """Look after what was started until somebody says to end."""
    if not kept:
        run.out.remark(_("Server and agent run elsewhere; there is nothing to look after here."))
        return Exit.FINE
    run.out.remark(_("Server and agent run. Ctrl-C ends them; `holdfast up` starts them again."))
    try:
        while True:
            run.session.clock.sleep(_TICK)
            for one in kept:
                one.tick(run.out.warning)
    except KeyboardInterrupt:
        run.out.remark(_("Ending the agent and the server"))
    return Exit.FINE


def _install(run: Run, options: dict[str, Any]) -> int:
    from holdfast.app import agent_install, up_units
    from holdfast.app.up import bring_up
    from holdfast.app.up_processes import claim, is_locked
    from holdfast.app.up_server import add_first_account, prepare_server, wait_until_it_answers

    session, settings = run.session, run.session.settings
    up_units.require_service_manager(settings)
    with claim(settings.home, session.clock):
        server = prepare_server(settings.home, listen=options["listen"], name=options["name"])
        if not is_locked(server.lock):
            add_first_account(session, server)
        run.out.remark(
            _("Having systemd run the server at {address}").format(address=server.address)
        )
        agent_install.install(settings, up_units.plan_server(settings))
        wait_until_it_answers(session, server, alive=lambda: None)
        done = bring_up(session, server, _wanted(run, options), say=run.out.remark)
        run.out.remark(_("Having systemd run the agent"))
        agent_install.install(settings, up_units.plan_agent(settings))
        up_report.tell(run, done)
        server.forget_password()
    return Exit.FINE


def _stop(run: Run) -> int:
    from holdfast.app.up_processes import stop_running
    from holdfast.app.up_units import is_installed

    settings = run.session.settings
    stopped = stop_running(settings.home, run.session.clock)
    if stopped is not None:
        run.out.remark(_("Ended server and agent"))
    elif is_installed(settings):
        run.out.remark(
            _("systemd runs them: `systemctl stop holdfast-agent holdfast-server` ends them")
        )
    else:
        run.out.remark(_("No `holdfast up` runs with {home}").format(home=settings.home))
    return Exit.FINE
