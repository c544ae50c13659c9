"""`holdfast agent run`: the daemon, or one round of it."""

import sys

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command, option
from holdfast.cli.run import Run, start

_GATED = (sys.executable, "-m", "holdfast.cli.agent_child")
_ANSWERS = (sys.executable, "-m", "holdfast.cli.agent_answer")
_PLAIN = (sys.executable, "-c", "from holdfast.cli.main import run; run()")


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.NO_VAULT, Exit.LOCKED],
    help=N_(
        "Work by the policies of this machine and the commands of its server, until told to stop.\n\n"
        "Without the server the schedule goes on, and results are delivered later. "
        "SIGHUP reads policies and certificate again; SIGTERM stops the jobs so that the next "
        "agent goes on with them."
    ),
    examples=[
        ("holdfast agent run", N_("As the service does; see `holdfast agent install`.")),
        ("holdfast agent run --once", N_("Do what is due now, tell the server, and end.")),
    ],
)
@option("--once", is_flag=True, help=N_("Do what is due now, and end."))
@option(
    "--parallel",
    type=click.IntRange(min=1, max=32),
    default=2,
    metavar="N",
    help=N_("Run at most so many jobs at once; 2 when not given."),
)
def run(*, once: bool, parallel: int) -> int:
    import signal

    from holdfast.agent.daemon import Agent, Outfit
    from holdfast.agent.running import Program
    from holdfast.app.config import service_manager

    started = start()
    outfit = Outfit(
        home=started.session.settings.home,
        program=Program(
            words=_GATED, plain=_PLAIN, environment=_environment(started), answers=_ANSWERS
        ),
        warn=started.out.warning,
        clock=started.session.clock,
        notify=service_manager(),
        parallel=parallel,
        libvirt=started.session.settings.libvirt,
    )
    agent = Agent(outfit)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_seen: agent.stop())
    signal.signal(signal.SIGHUP, lambda *_seen: agent.reread())
    if once:
        agent.once()
    else:
        agent.run()
    return Exit.FINE


def _environment(started: Run) -> dict[str, str]:
    """Of the jobs: their vault and passphrase are those of the registration."""
    settings = started.session.settings
    return {
        **settings.harmless,
        **settings.credentials,
        "HOLDFAST_HOME": settings.home,
        "HOLDFAST_LANG": settings.lang,
        "HOLDFAST_LIBVIRT": settings.libvirt,
        # Jobs that delete are started under a lease of ours.
        "HOLDFAST_LEASE": "agent",
    }
