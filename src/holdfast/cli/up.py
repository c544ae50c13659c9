"""`holdfast up`: what a newcomer starts."""

from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import up_report
from holdfast.cli.command import Command, option
from holdfast.cli.common import common_values
from holdfast.cli.run import Run, start

if TYPE_CHECKING:
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
        "foreground, and Ctrl-C ends server and agent; with --install systemd runs them. "
        "The vault is called `main`, and lies in the same folder unless --vault says otherwise."
    ),
    examples=[
        ("holdfast up", N_("Ask before anything is backed up.")),
        ("holdfast up --yes --paths /etc --paths /srv", N_("Protect these every night.")),
        (
            "holdfast up --install --vault /mnt/backup/vault --name backup.example.net",
            N_("As services, with the vault on another disk, known to others by this name."),
        ),
        ("holdfast up --status", N_("Say what runs.")),
        ("holdfast up --uninstall", N_("No longer as services; everything else stays.")),
    ],
)
@option("--listen", metavar="HOST:PORT", help=N_("Where the server takes connections."))
@option("--name", metavar="HOST", help=N_("By what name other machines reach this server."))
@option("--paths", multiple=True, metavar="PATH", help=N_("Protect this; can be repeated."))
@option("--yes", is_flag=True, help=N_("Attach the proposed policy without asking."))
@option("--install", is_flag=True, help=N_("Have systemd run server and agent from now on."))
@option("--uninstall", is_flag=True, help=N_("Undo --install: stop both, remove their units."))
@option("--foreground", is_flag=True, help=N_("Run them as long as this command runs (usual)."))
@option("--status", is_flag=True, help=N_("Only say what runs here."))
@option("--stop", is_flag=True, help=N_("End the `up` that runs in the foreground elsewhere."))
@option("--lab", is_flag=True, help=N_("For trials: guessing the passphrase is easy."))
def up(*, status: bool, stop: bool, install: bool, uninstall: bool, **options: Any) -> int:
    if install + uninstall + options.pop("foreground") > 1:
        raise click.UsageError(_("--install, --uninstall and --foreground exclude each other"))
    run = start()
    if status:
        return up_report.tell_status(run)
    if stop:
        return _stop(run)
    if uninstall:
        return _uninstall(run)
    if install:
        return _install(run, options)
    return _foreground(run, options)


def _foreground(run: Run, options: dict[str, Any]) -> int:
    from holdfast.app.up_processes import claim

    session = run.session
    with claim(session.settings.home, session.clock) as claimed:
        kept: list[Kept] = []
        try:
            _bring_up(run, claimed, kept, options)
            return _stay(run, kept)
        finally:
            for one in reversed(kept):
                one.end()


def _bring_up(run: Run, claimed: "Claim", kept: "list[Kept]", options: dict[str, Any]) -> None:
    """`kept` gets what was started, also when something goes wrong after it."""
    from holdfast.app.up import bring_up
    from holdfast.app.up_processes import alone
    from holdfast.app.up_server import prepare_server

    session = run.session
    home = session.settings.home
    with alone(home, session.clock):
        server = prepare_server(home, listen=options["listen"], name=options["name"])
        _serve(run, server, claimed, kept)
        done = bring_up(session, server, _wanted(run, options), say=run.out.remark)
        _work(run, claimed, kept)
        up_report.tell(run, done)
        server.forget_password()


def _serve(run: Run, server: "OwnServer", claimed: "Claim", kept: "list[Kept]") -> None:
    from holdfast.app.up_errors import UpRuns
    from holdfast.app.up_processes import is_locked
    from holdfast.app.up_server import add_first_account, wait_until_it_answers

    one = _kept(run, claimed, name=N_("server"), log=server.log)
    if is_locked(server.lock):
        run.out.remark(_("The server runs already"))
    elif one is None:
        raise UpRuns(home=run.session.settings.home)
    else:
        run.out.remark(_("Starting the server at {address}").format(address=server.address))
        add_first_account(run.session, server)
        kept.append(one)
        one.start()
    alive = one.require_alive if one else lambda: None
    wait_until_it_answers(run.session, server, alive=alive)


def _work(run: Run, claimed: "Claim", kept: "list[Kept]") -> None:
    from holdfast.agent.place import Place
    from holdfast.app.up_processes import is_locked

    place = Place(run.session.settings.home)
    one = _kept(run, claimed, name=N_("agent"), log=place.log)
    if is_locked(place.lock):
        run.out.remark(_("The agent runs already"))
    elif one is not None:
        run.out.remark(_("Starting the agent"))
        kept.append(one)
        one.start()


def _kept(run: Run, claimed: "Claim", *, name: str, log: str) -> "Kept | None":
    """None where another `up` starts it."""
    from holdfast.app.up_processes import Kept

    if claimed.children is None:
        return None
    return Kept(
        name=name,
        words=(name, "run"),
        log=log,
        settings=run.session.settings,
        children=claimed.children,
        clock=run.session.clock,
    )


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
        # Only as typed here: a vault in the settings is another matter.
        place=common_values(click.get_current_context()).get("vault"),
        paths=options["paths"],
        confirm=confirm,
        cost=cost_of(lab=options["lab"]),
    )


def _stay(run: Run, kept: "list[Kept]") -> int:
    """Look after what was started until somebody says to end."""
    if not kept:
        run.out.remark(_("Server and agent are looked after elsewhere; nothing more to do here."))
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
    from holdfast.app.up_errors import UpRuns
    from holdfast.app.up_processes import alone, is_locked, running_pid
    from holdfast.app.up_server import add_first_account, prepare_server, wait_until_it_answers

    session, settings, say = run.session, run.session.settings, run.out.remark
    up_units.require_service_manager(settings)
    if running_pid(settings.home) is not None:
        raise UpRuns(home=settings.home)
    with alone(settings.home, session.clock):
        server = prepare_server(settings.home, listen=options["listen"], name=options["name"])
        if not is_locked(server.lock):
            add_first_account(session, server)
        say(_("Having systemd run the server at {address}").format(address=server.address))
        agent_install.install(settings, up_units.plan_server(settings))
        wait_until_it_answers(session, server, alive=lambda: None)
        done = bring_up(session, server, _wanted(run, options), say=say)
        say(_("Having systemd run the agent"))
        agent_install.install(settings, up_units.plan_agent(settings))
        up_report.tell(run, done)
        server.forget_password()
    return Exit.FINE


def _uninstall(run: Run) -> int:
    from holdfast.app import up_units
    from holdfast.cli.json_events import UpUninstalled

    home = run.session.settings.home
    removed = up_units.uninstall(run.session.settings)
    lines = [_("removed: {file}").format(file=file) for file in removed]
    if removed:
        lines += [_("Everything in {home} stays; `holdfast up` goes on with it.").format(home=home)]
    else:
        lines += [_("No units of server or agent are here; nothing was removed")]
    run.out.done(UpUninstalled(files=removed), *lines)
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
