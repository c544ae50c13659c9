"""`holdfast agent install` and `uninstall`: the units by which systemd runs the agent."""

from typing import Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.run import start


def _where(function: Any) -> Any:
    for add in (
        option("--user", is_flag=True, help=N_("For this user alone, without being root.")),
        option(
            "--root",
            default="/",
            type=click.Path(file_okay=False),
            metavar="DIR",
            help=N_("For a system that lies in this folder; nothing is started."),
        ),
        option("--dry-run", is_flag=True, help=N_("Say what would be done, but change nothing.")),
    ):
        function = add(function)
    return function


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Have systemd run the agent from now on.\n\n"
        "Beside the service this writes a timer for those who want no daemon: "
        "`systemctl enable --now holdfast-backup@etc.timer` backs up /etc once a day."
    ),
    examples=[
        ("holdfast agent install --dry-run", N_("See the units first.")),
        ("holdfast agent install", N_("Write them, start the agent, now and at every boot.")),
    ],
)
@_where
def install(*, user: bool, root: str, dry_run: bool) -> None:
    from holdfast.app import agent_install
    from holdfast.cli.json_events import AgentInstalled

    run = start()
    settings = run.session.settings
    wanted = agent_install.plan(settings, is_users=user, root=root)
    if dry_run:
        for file, content in zip(wanted.files, wanted.units.values(), strict=True):
            run.out.remark(f"# {file}\n{content}")
    started = False if dry_run else agent_install.install(settings, wanted)
    lines = [] if dry_run else [_("written: {file}").format(file=file) for file in wanted.files]
    lines += [_("the agent runs")] if started else []
    event = AgentInstalled(files=wanted.files, started=started, dry_run=dry_run)
    run.out.done(event, *lines)
    if not started and not dry_run and not wanted.is_elsewhere:
        run.out.warning(
            _("No systemd runs here; whatever starts services must run `holdfast agent run`")
        )


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Stop the agent and remove its units; registration and journal stay."),
    examples=[("holdfast agent uninstall", N_("No agent any more at the next boot."))],
)
@_where
def uninstall(*, user: bool, root: str, dry_run: bool) -> None:
    from holdfast.app import agent_install
    from holdfast.cli.json_events import AgentUninstalled

    run = start()
    settings = run.session.settings
    wanted = agent_install.plan(settings, is_users=user, root=root)
    if dry_run:
        removed = agent_install.installed(wanted)
    else:
        removed = agent_install.uninstall(settings, wanted)
    lines = [_("removed: {file}").format(file=file) for file in removed]
    run.out.done(AgentUninstalled(files=removed, dry_run=dry_run), *lines)
