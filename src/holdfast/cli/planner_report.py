"""`holdfast planner report`: figures out of profiles."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.parameters import DURATION, GROWTH, MOMENT
from holdfast.cli.run import Run, start

if TYPE_CHECKING:
    from holdfast.replication.planner.planning import Plan


_SHORTEST, _MINUTE, _LONGEST = 30, 60, 24 * 3600


class _Bandwidth(click.ParamType[float]):
    name = "bandwidth"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        from holdfast.replication.planner.bandwidth import parse_bandwidth

        try:
            return value if isinstance(value, float) else parse_bandwidth(str(value))
        except ValueError:
            text = _("{value!r} is not a bandwidth like 100mbit")
            self.fail(text.format(value=value), param, ctx)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Say what a replication of the profiled machines needs: bandwidth, room, time, order.\n\n"
        "For a copy every 30 seconds, 5, 15, 30 and 60 minutes: the bandwidth with which each is in "
        "time, always and 90 % of the time; what would be late with less; what a link you have can "
        "achieve. Then the batches of first copies, the room at the site and here, and what is "
        "against each machine."
    ),
    examples=[
        ("holdfast planner report", N_("What is needed.")),
        ("holdfast planner report --bandwidth 100mbit", N_("What a link can achieve.")),
        (
            "holdfast planner report --html plan.html --csv plan.csv",
            N_("A page to show around, and figures for a table."),
        ),
        ("holdfast planner report --send main", N_("Kept by the server, for the console.")),
    ],
)
@option(
    "--rpo",
    type=DURATION,
    default=timedelta(minutes=15),
    metavar="TIME",
    help=N_("Plan for a copy each so often, as in 30s, 5m or 15m."),
)
@option("--bandwidth", type=_Bandwidth(), metavar="RATE", help=N_("The link there is: 100mbit."))
@option("--growth", type=GROWTH, default=0.3, metavar="SHARE", help=N_("Writing grows by: 30%."))
@option(
    "--percentile",
    type=click.FloatRange(1, 100),
    default=95.0,
    metavar="NUMBER",
    help=N_("Which percentile is told beside peaks: 95."),
)
@option("--from", "begin", type=MOMENT, metavar="TIME", help=N_("Only what was seen from then on."))
@option("--to", "end", type=MOMENT, metavar="TIME", help=N_("Only what was seen before then."))
@option("--html", type=click.Path(dir_okay=False), help=N_("Write a page into this file."))
@option("--csv", "table", type=click.Path(dir_okay=False), help=N_("Write the machines into it."))
@option(
    "--send",
    "vault",
    metavar="VAULT",
    help=N_("Keep the page on the server too, with those of this vault."),
)
def report(  # noqa: PLR0913  a parameter per option
    *,
    rpo: timedelta,
    bandwidth: float | None,
    growth: float,
    percentile: float,
    begin: datetime | None,
    end: datetime | None,
    html: str | None,
    table: str | None,
    vault: str | None,
) -> None:
    from holdfast.app.planner_report import ReportWish
    from holdfast.app.planner_report import report as made
    from holdfast.cli.planner_report_text import tell_plan
    from holdfast.replication.planner.machine_plan import Assumed

    run = start()
    assumed = Assumed(interval=_interval(rpo), growth=growth, percent=percentile)
    wish = ReportWish(assumed=assumed, bandwidth=bandwidth, begin=begin, end=end)
    plan = made(run.session, wish)
    now = run.session.clock.now()
    files = _files(plan, html, table, now)
    if vault is not None:
        _send(run, plan, vault, now)
    tell_plan(run.out, plan, files)


def _interval(rpo: timedelta) -> int:
    """What was seen is known by the minute, and of half a minute it is half of that."""
    seconds = round(rpo.total_seconds())
    if seconds == _SHORTEST or (not seconds % _MINUTE and 0 < seconds <= _LONGEST):
        return seconds
    raise click.UsageError(_("--rpo is 30s, or whole minutes up to 24h"))


def _files(plan: "Plan", html: str | None, table: str | None, now: datetime) -> list[str]:
    """Written before anything is told: what cannot be written is an error."""
    from holdfast.app.planner_files import write_report_file
    from holdfast.replication.planner.page import page
    from holdfast.replication.planner.plan_csv import csv_of

    if html is not None:
        write_report_file(html, page(plan, made_at=now))
    if table is not None:
        write_report_file(table, csv_of(plan))
    return [file for file in (html, table) if file is not None]


def _send(run: Run, plan: "Plan", vault: str, now: datetime) -> None:
    """To the server somebody is logged in at; as with files, before anything is told."""
    import platform

    from holdfast.app.server_client import connect
    from holdfast.replication.planner.page import page

    interval = plan.wish.assumed.interval
    need = plan.need(interval)
    facts = {
        "machines": len(plan.machines),
        "interval": interval,
        "bandwidth": need.always if need else None,
    }
    body = {
        "vault": vault,
        "title": _("Replication plan of {host}").format(host=platform.node()),
        "page": page(plan, made_at=now),
        "made_at": now.isoformat(),
        "facts": facts,
    }
    connect(run.session.settings.home).post("/reports/kept", body)
