"""`holdfast replication intake`: how fast a site takes logs in."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.cli.command import Command, option
from holdfast.cli.replication_options import RATE
from holdfast.cli.run import start

if TYPE_CHECKING:
    from holdfast.replication.settings import Limit


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.USAGE],
    help=N_(
        "Say how fast this site takes change logs in, from all hosts and machines together.\n\n"
        "Without an option, show it. What each host sends at most is said there, with "
        "`holdfast replication enable --limit`; the lower of both counts."
    ),
    examples=[
        (
            "holdfast replication intake --limit 100mbit@'weekdays 08:00-18:00'",
            N_("At other times as fast as it comes."),
        ),
        ("holdfast replication intake --no-limit", N_("Always as fast as it comes.")),
    ],
)
@option(
    "--limit",
    "limits",
    type=RATE,
    multiple=True,
    metavar="RATE[@WINDOW]",
    help=N_("Take in no faster, as in 100mbit; the first window that fits counts."),
)
@option("--no-limit", is_flag=True, help=N_("Take in as fast as it comes again."))
def intake(*, limits: "tuple[Limit, ...]", no_limit: bool) -> None:
    from holdfast.app.replication_intake import intake_limits, put_intake_limits
    from holdfast.cli.json_replicating import SiteIntake

    if limits and no_limit:
        raise click.UsageError(_("--limit and --no-limit cannot be said together"))
    if any(not each.bytes_per_second for each in limits):
        raise click.UsageError(
            _("A site that takes nothing in would not hear its sources: pause them, or dismiss one")
        )
    run = start()
    home = run.session.settings.home
    if limits or no_limit:
        put_intake_limits(home, limits)
    now = intake_limits(home)
    event = SiteIntake(
        limits=[{"bytes_per_second": each.bytes_per_second, "window": each.window} for each in now]
    )
    run.out.done(event, *(map(_line, now) if now else [_("As fast as it comes")]))


def _line(limit: "Limit") -> str:
    rate = format_size(limit.bytes_per_second)
    if limit.window:
        return _("At most {rate} a second, {window}").format(rate=rate, window=limit.window)
    return _("At most {rate} a second").format(rate=rate)
