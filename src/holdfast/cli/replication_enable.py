"""`holdfast replication enable`."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.replication_options import INTERVALS, OFTEN, RATE, WINDOW
from holdfast.cli.vm_host import host_option, start_on

if TYPE_CHECKING:
    from holdfast.replication.settings import Limit

_MOST_HOURS = 15 * 24


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.DECIDE, Exit.LOCKED],
    help=N_(
        "Have a site follow a virtual machine: see what is against it here, on the way and there, "
        "copy the machine, and go on with what it changes.\n\n"
        "Each step is noted. After a failure the same command goes on with the step that failed, "
        "and a copy where it stopped. Said again, it changes the settings that are named, and "
        "keeps the others."
    ),
    examples=[
        ("holdfast replication enable web --to south", N_("A point each five minutes.")),
        (
            "holdfast replication enable db --to south --every 30s --app-every 1h",
            N_("Each half minute; once an hour its databases hold still for it."),
        ),
        (
            "holdfast replication enable web --to south --limit 20mbit@'weekdays 08:00-18:00'",
            N_("Slowly while people work."),
        ),
        (
            "holdfast replication enable store --to south --seed vda=store.qcow2",
            N_("With a disk that was carried to the folder `seeds` of the site."),
        ),
    ],
)
@click.argument("vm")
@host_option
@option("--to", "to", metavar="SITE", required=True, help=N_("The site, by its name."))
@option(
    "--every",
    type=click.Choice(tuple(INTERVALS)),
    help=N_("How often; 5m if nothing was ever said."),
)
@option(
    "--points",
    "hours",
    type=click.IntRange(min=1, max=_MOST_HOURS),
    metavar="HOURS",
    help=N_("How long points are kept at the site, ever fewer with age; 24 hours."),
)
@option(
    "--app-every",
    type=OFTEN,
    metavar="TIME",
    help=N_("How often the guest is held still for a point, as in 1h, or never; 1h."),
)
@option(
    "--seed",
    metavar="DISK=FILE,…",
    help=N_("Begin with images in the folder `seeds` of the site; only what differs is sent."),
)
@option(
    "--limit",
    "limits",
    type=RATE,
    multiple=True,
    metavar="RATE[@WINDOW]",
    help=N_("Send no faster, as in 20mbit; the first window that fits counts; 0 sends nothing."),
)
@option("--no-limit", is_flag=True, help=N_("Send as fast as it goes again."))
@option("--priority", type=int, metavar="N", help=N_("Who has a greater one is sent first; 0."))
@option("--group", metavar="NAME", help=N_("Machines of one group are taken at one instant."))
@option(
    "--resync-window",
    type=WINDOW,
    metavar="WINDOW",
    help=N_("When all may be compared by itself, as in 'daily 22:00-06:00'; '' is always."),
)
@option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="NAME=VALUE",
    help=N_(
        "Above what its health is no longer normal, as in rpo-warn=20m, missed-warn=30% or "
        "spool-act=60%."
    ),
)
@option("--partly", is_flag=True, help=N_("Agree to disks that cannot be replicated."))
@option("--one-way", is_flag=True, help=N_("Agree that nothing can be brought back to here."))
def enable(  # noqa: PLR0913  a parameter per option
    vm: str,
    *,
    host: str | None,
    to: str,
    every: str | None,
    hours: int | None,
    app_every: int | None,
    seed: str | None,
    limits: "tuple[Limit, ...]",
    no_limit: bool,
    priority: int | None,
    group: str | None,
    resync_window: str | None,
    thresholds: tuple[str, ...],
    partly: bool,
    one_way: bool,
) -> None:
    from holdfast.app.replication_wanted import Wish
    from holdfast.app.replication_works import Agreed
    from holdfast.app.replication_works import enable as enable_replication
    from holdfast.cli.replication_steps import tell_enabled, told_steps
    from holdfast.replication.threshold_reading import read_threshold

    if limits and no_limit:
        raise click.UsageError(_("--limit and --no-limit cannot be said together"))
    run = start_on(host)
    wish = Wish(
        every=INTERVALS[every] if every else None,
        app_every=app_every,
        hours=hours,
        seed=seed,
        limits=() if no_limit else limits or None,
        priority=priority,
        group=group,
        resync_window=resync_window,
        thresholds=dict(map(read_threshold, thresholds)),
    )
    with run.out.progress() as on_progress:
        done = enable_replication(
            run.session,
            vm,
            to,
            wish,
            agreed=Agreed(partly=partly, one_way=one_way),
            on_step=told_steps(run, vm),
            on_progress=on_progress,
        )
    tell_enabled(run.out, done)
