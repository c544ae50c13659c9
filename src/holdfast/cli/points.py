"""`holdfast points`: what recovery points there are, and what is in them."""

from datetime import timedelta

import click

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, Group, option
from holdfast.cli.other_machine import machine_option, start_about
from holdfast.cli.run import start
from holdfast.cli.waiting import told_once, wait_option


@click.group(
    cls=Group,
    invoke_without_command=True,
    exits=[Exit.DAMAGE],
    help=N_("List the recovery points, oldest first."),
    examples=[
        ("holdfast points", N_("All of them.")),
        ("holdfast points --host web1 --latest 5", N_("The five newest of one machine.")),
        ("holdfast points --json", N_("For a program, for example one that watches their age.")),
    ],
)
@option("--host", "hosts", multiple=True, help=N_("Only those of this machine."))
@option("--tag", "tags", multiple=True, help=N_("Only those with this mark."))
@option("--path", "paths", multiple=True, help=N_("Only those of this path."))
@option("--latest", type=click.IntRange(min=1), metavar="N", help=N_("Only the newest N."))
@machine_option
@click.pass_context
def points(
    ctx: click.Context,
    *,
    hosts: tuple[str, ...],
    tags: tuple[str, ...],
    paths: tuple[str, ...],
    latest: int | None,
    machine: str | None,
) -> int:
    if ctx.invoked_subcommand is not None:
        return Exit.FINE
    from holdfast.app.points import PointFilter, list_points
    from holdfast.cli.point_report import tell_points

    run = start_about(machine)
    wanted = PointFilter(hosts=hosts, tags=tags, paths=paths, latest=latest)
    damaged: list[HoldfastError] = []
    found = list_points(run.open(), wanted, on_damage=damaged.append)
    tell_points(run.out, found)
    for damage in damaged:
        run.out.warning(str(damage))
    return Exit.DAMAGE if damaged else Exit.FINE


@points.command(
    cls=Command,
    help=N_("Say everything about one recovery point."),
    examples=[("holdfast points show latest", N_("The newest."))],
)
@click.argument("point")
@machine_option
def show(point: str, *, machine: str | None) -> None:
    from holdfast.app.point_boots import last_boot
    from holdfast.cli.point_report import tell_point
    from holdfast.cli.vm_boot_report import tell_verdict

    run = start_about(machine)
    repository = run.open()
    found = repository.find_snapshot(point)
    tell_point(run.out, found)
    verdict = last_boot(repository, found, warn=run.out.warning)
    if verdict is not None:
        tell_verdict(run.out, verdict)


@points.command(
    cls=Command,
    help=N_("List what a folder of a recovery point holds."),
    exits=[Exit.DAMAGE],
    examples=[("holdfast points ls latest /etc", N_("What /etc held."))],
)
@click.argument("point")
@click.argument("path", type=click.Path(path_type=bytes), default=b"/")
@option("-r", "--recursive", is_flag=True, help=N_("With all that lies below."))
@machine_option
def ls(point: str, path: bytes, *, recursive: bool, machine: str | None) -> None:
    from holdfast.app.points import entries
    from holdfast.cli.point_report import tell_entry

    run = start_about(machine)
    repository = run.open()
    found = repository.find_snapshot(point)
    for entry in entries(repository, found, path, recursive=recursive):
        tell_entry(run.out, entry)


@points.command(
    cls=Command,
    help=N_("List what differs between two recovery points."),
    exits=[Exit.DAMAGE],
    examples=[
        ("holdfast points diff 4f2a latest", N_("What happened since the point 4f2a…")),
    ],
)
@click.argument("old")
@click.argument("new")
@machine_option
def diff(old: str, new: str, *, machine: str | None) -> None:
    from holdfast.app.points import differences
    from holdfast.cli.point_report import tell_difference

    run = start_about(machine)
    repository = run.open()
    before, after = repository.find_snapshot(old), repository.find_snapshot(new)
    for difference in differences(repository, before, after):
        tell_difference(run.out, difference)


@points.command(
    cls=Command,
    help=N_(
        "Mark recovery points, so that rules and filters find them.\n\n"
        "A point gets a new id thereby; restic does the same."
    ),
    exits=[Exit.LOCKED, Exit.DAMAGE],
    examples=[
        ("holdfast points tag latest --add audit", N_("One mark more for the newest.")),
        ("holdfast points tag 4f2a 77c0 --set ''", N_("No marks any more for these two.")),
    ],
)
@click.argument("point", nargs=-1, required=True)
@option("--add", multiple=True, metavar="TAG", help=N_("Add this mark."))
@option("--remove", multiple=True, metavar="TAG", help=N_("Take this mark away."))
@option("--set", "replace", multiple=True, metavar="TAG", help=N_("Put this in place of all."))
@wait_option
@click.pass_context
def tag(
    ctx: click.Context,
    /,
    *,
    point: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    replace: tuple[str, ...],
    wait: timedelta,
) -> None:
    from holdfast.app.tags import tag_points
    from holdfast.cli.point_report import tell_tags
    from holdfast.vault.tags import TagChange

    if not (add or remove or replace):
        raise click.UsageError(_("Name a mark with --add, --remove or --set"), ctx=ctx)
    run = start()
    change = TagChange(replace=replace or None, add=add, remove=remove)
    waiting = told_once(run.out)
    repository = run.open()
    with run.deleting("tag", wait=wait):
        changed = tag_points(repository, point, change, wait=wait, waiting=waiting)
    tell_tags(run.out, changed)
