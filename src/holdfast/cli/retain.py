"""`holdfast retain`: keep what rules hold, forget the rest."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.run import start
from holdfast.cli.waiting import told_once, wait_option

if TYPE_CHECKING:
    from holdfast.vault.policy.retention import GroupBy
    from holdfast.vault.policy.retention_rules import Rule

_UNITS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
_GROUPS = ("host", "paths", "tags")


@click.command(
    cls=Command,
    help=N_(
        "Keep the recovery points that a rule holds, and forget the others.\n\n"
        "The newest point of each machine and path always stays. A weekly, monthly or yearly "
        "point that was missed is taken over by the next one. Forgetting frees no space; "
        "prune does."
    ),
    exits=[Exit.LOCKED, Exit.DAMAGE],
    examples=[
        (
            "holdfast retain --keep-daily 7 --keep-weekly 4 --dry-run",
            N_("Say for every point which rule holds it, and change nothing."),
        ),
        (
            "holdfast retain --keep-daily 14 --keep-yearly '10 on last sat of march' --prune",
            N_("With a day of its own for a rule, and free the space at once."),
        ),
        ("holdfast retain --keep-within 3m --keep-tag audit", N_("By age and by mark.")),
    ],
)
@option("--keep-last", multiple=True, metavar="N", help=N_("The newest N."))
@option("--keep-hourly", multiple=True, metavar="N", help=N_("The newest of each of N hours."))
@option("--keep-daily", multiple=True, metavar="N", help=N_("The newest of each of N days."))
@option(
    "--keep-weekly",
    multiple=True,
    metavar="N",
    help=N_("The newest of each of N weeks, or as in '4 on sat'."),
)
@option(
    "--keep-monthly",
    multiple=True,
    metavar="N",
    help=N_("The newest of each of N months, or as in '12 on last sat', '12 on day 15'."),
)
@option(
    "--keep-yearly",
    multiple=True,
    metavar="N",
    help=N_("The newest of each of N years, or as in '10 on last sat of march'."),
)
@option(
    "--keep-within",
    multiple=True,
    metavar="TIME",
    help=N_("All that are at most so much older than the newest, as in 14d or 1y6m."),
)
@option("--keep-within-hourly", multiple=True, metavar="TIME", help=N_("One an hour, so long."))
@option("--keep-within-daily", multiple=True, metavar="TIME", help=N_("One a day, so long."))
@option("--keep-within-weekly", multiple=True, metavar="TIME", help=N_("One a week, so long."))
@option("--keep-within-monthly", multiple=True, metavar="TIME", help=N_("One a month, so long."))
@option("--keep-within-yearly", multiple=True, metavar="TIME", help=N_("One a year, so long."))
@option("--keep-tag", multiple=True, metavar="TAG[,TAG…]", help=N_("All that bear these marks."))
@option("--host", "hosts", multiple=True, help=N_("Only points of this machine."))
@option("--tag", "tags", multiple=True, help=N_("Only points with this mark."))
@option("--path", "paths", multiple=True, help=N_("Only points of this path."))
@option(
    "--group-by",
    default="host,paths",
    metavar="WHAT",
    help=N_("Count apart for each of: host, paths, tags; 'host,paths' when not given."),
)
@option(
    "--zone",
    metavar="ZONE",
    help=N_("Count days in this time zone, as in Europe/Berlin; else in that of each point."),
)
@option("--dry-run", is_flag=True, help=N_("Say what would be done, but change nothing."))
@option("--prune", "with_prune", is_flag=True, help=N_("Free the space afterwards."))
@wait_option
@click.pass_context
def retain(  # noqa: PLR0913  a parameter per option
    ctx: click.Context,
    /,
    *,
    group_by: str,
    hosts: tuple[str, ...],
    tags: tuple[str, ...],
    paths: tuple[str, ...],
    zone: str | None,
    dry_run: bool,
    with_prune: bool,
    wait: timedelta,
    **rules: Any,
) -> None:
    from holdfast.app.points import PointFilter
    from holdfast.app.retain import retain as retain_points
    from holdfast.cli.prune import run_prune
    from holdfast.cli.retain_report import tell
    from holdfast.fleet.local_time import read_zone
    from holdfast.vault.policy.retention import Policy

    counted_in = read_zone(zone) if zone else None
    policy = Policy(rules=_rules(rules), group_by=_groups(group_by), zone=counted_in)
    if not policy.rules:
        raise click.UsageError(_("Name at least one rule, as in --keep-daily 7"), ctx=ctx)
    run = start()
    repository = run.open()
    waiting = told_once(run.out)
    only = PointFilter(hosts=hosts, tags=tags, paths=paths)
    with run.deleting("retain", wait=wait, dry_run=dry_run):
        plan = retain_points(
            repository, policy, only=only, dry_run=dry_run, wait=wait, waiting=waiting
        )
        tell(run.out, plan, dry_run=dry_run)
        if with_prune and not dry_run:
            run_prune(run.out, repository, wait=wait)


def _rules(given: dict[str, tuple[str, ...]]) -> "tuple[Rule, ...]":
    from holdfast.vault.policy.retention_grammar import parse_every, parse_tagged, parse_within
    from holdfast.vault.policy.retention_rules import Unit

    found: list[Rule] = []
    for unit in _UNITS:
        for text in given[f"keep_{unit}"]:
            found += parse_every(Unit(unit), text)
    for unit in ("", *_UNITS[1:]):
        option_name = f"keep_within_{unit}".rstrip("_")
        found += [parse_within(text, Unit(unit) if unit else None) for text in given[option_name]]
    return (*found, *map(parse_tagged, given["keep_tag"]))


def _groups(text: str) -> "frozenset[GroupBy]":
    from holdfast.vault.policy.retention import GroupBy

    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in _GROUPS:
            sentence = _("{name!r} is none of host, paths, tags").format(name=name)
            raise click.BadParameter(sentence, param_hint="--group-by")
    return frozenset(map(GroupBy, names))
