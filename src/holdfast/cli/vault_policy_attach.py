"""`holdfast vault policy attach|attached|detach|pause|resume`: what a policy protects."""

from collections.abc import Callable
from typing import Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.run import start
from holdfast.cli.server_records import (
    Column,
    Record,
    approval_option,
    pin_option,
    tell_done,
    tell_list,
    text,
    when,
)
from holdfast.cli.vault_policy import on_option
from holdfast.fleet.virtual_machines import ALL, sources_text


def _next_run(record: Record) -> str:
    if record["machine_state"] != "active":
        return _("its machine is not registered")
    if record["is_paused"]:
        return _("paused")
    runs = record["next_runs"]
    return when("at")({"at": runs[0]}) if runs else "-"


def _sources(record: Record) -> str:
    return shown.line(sources_text(record["paths"], record.get("vms", ())))


_LINE: list[Column] = [
    (N_("Id"), text("id")),
    (N_("Machine"), text("machine")),
    (N_("Policy"), text("policy")),
    (N_("Sources"), _sources),
    (N_("Next run"), _next_run),
]

_OPTIONS = (
    option(
        "--vm", "vms", multiple=True, metavar="NAME", help=N_("A virtual machine of that host.")
    ),
    option(
        "--all-vms",
        is_flag=True,
        help=N_("Every virtual machine that is protected there, also those that will be."),
    ),
    option(
        "--exclude",
        "excludes",
        multiple=True,
        metavar="PATTERN",
        help=N_("Leave out, in gitignore's syntax."),
    ),
    option(
        "--exclude-caches", is_flag=True, help=N_("Leave out folders marked with a CACHEDIR.TAG.")
    ),
    option("--exclude-larger-than", metavar="SIZE", help=N_("Leave out larger files, as in 4G.")),
    option("--one-file-system", is_flag=True, help=N_("Stay on the file systems of PATHS.")),
    option("--tag", "tags", multiple=True, help=N_("Mark the recovery points.")),
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Virtual machines beside paths, and how paths are backed up."""
    for one in reversed(_OPTIONS):
        command = one(command)
    return command


def said_of(options: dict[str, Any]) -> dict[str, Any]:
    """Those that say something, as the server takes them."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value
    }


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.DECIDE],
    help=N_(
        "Let the policy NAME protect PATHS of a machine, or virtual machines on it.\n\n"
        "A policy runs no programs on machines, so there are no hooks here."
    ),
    examples=[
        (
            "holdfast vault policy attach nightly /etc /srv --on main --machine web1",
            N_("Its agent follows within half a minute."),
        ),
        (
            "holdfast vault policy attach hourly --vm db --vm web --on main --machine kvm1",
            N_("Two virtual machines of the host kvm1."),
        ),
    ],
)
@click.argument("name")
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@on_option
@option("--machine", required=True, metavar="MACHINE", help=N_("The machine, by name or id."))
@source_options
@pin_option
@approval_option
def attach(  # noqa: PLR0913  a parameter per option
    name: str,
    paths: tuple[str, ...],
    *,
    vault: str,
    machine: str,
    vms: tuple[str, ...],
    all_vms: bool,
    pin: str | None,
    approval: str | None,
    **options: Any,
) -> None:
    from holdfast.app.asking_twice import do_dangerous
    from holdfast.app.policies_server import attach_policy

    machines = [*vms, *([ALL] if all_vms else [])]
    if not (paths or machines):
        raise click.UsageError(_("Name paths, or virtual machines with --vm or --all-vms"))
    wanted = {"paths": list(paths), "vms": machines, "options": said_of(options)}
    run = start()
    made = do_dangerous(
        run.session,
        lambda client: attach_policy(client, vault, name, machine=machine, wanted=wanted),
        pin=pin,
        approval=approval,
    )
    sentence = _("{policy} protects {paths} of {machine}; next run {next}").format(
        policy=made["policy"],
        paths=_sources(made),
        machine=shown.line(made["machine"]),
        next=_next_run(made),
    )
    tell_done(run, "assignment", made, sentence)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("List what the policies of a vault protect, and when each runs next."),
    examples=[("holdfast vault policy attached --on main", N_("With the ids to detach by."))],
)
@on_option
def attached(*, vault: str) -> None:
    from holdfast.app.server_client import connect

    run = start()
    found = connect(run.session.settings.home).items("/assignments", vault=vault)
    tell_list(run, "assignment", found, _LINE)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Stop the protection ID. Its recovery points stay, and nothing makes them go."),
    examples=[("holdfast vault policy detach 3f2a9c0d11e8b7a6", N_("Ids: see `attached`."))],
)
@click.argument("id_", metavar="ID")
def detach(id_: str) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    client = connect(run.session.settings.home)
    known = client.get(f"/assignments/{part(id_)}")
    client.delete(f"/assignments/{part(id_)}")
    sentence = _("{machine} is no longer protected by {policy}; its recovery points stay")
    told = sentence.format(machine=shown.line(known["machine"]), policy=known["policy"])
    tell_done(run, "assignment", known, told)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Let the protection ID rest: nothing runs by itself until it is resumed."),
    examples=[("holdfast vault policy pause 3f2a9c0d11e8b7a6", N_("During a migration."))],
)
@click.argument("id_", metavar="ID")
def pause(id_: str) -> None:
    _set_paused(id_, paused=True, sentence=_("{policy} rests on {machine}"))


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Go on with the protection ID."),
    examples=[("holdfast vault policy resume 3f2a9c0d11e8b7a6", N_("The schedule holds again."))],
)
@click.argument("id_", metavar="ID")
def resume(id_: str) -> None:
    _set_paused(id_, paused=False, sentence=_("{policy} works on {machine} again"))


def _set_paused(id_: str, *, paused: bool, sentence: str) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    client = connect(run.session.settings.home)
    made = client.patch(f"/assignments/{part(id_)}", {"is_paused": paused})
    told = sentence.format(policy=made["policy"], machine=shown.line(made["machine"]))
    tell_done(run, "assignment", made, told)
