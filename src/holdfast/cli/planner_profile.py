"""`holdfast planner profile`: look at what machines write."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.parameters import DURATION
from holdfast.cli.vm_host import host_option, start_on

if TYPE_CHECKING:
    from holdfast.cli.run import Run


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED],
    help=N_(
        "Look every 15 seconds at what virtual machines write, and keep it by the minute.\n\n"
        "Where an image can record its changes, a checkpoint that is made anew each quarter of an "
        "hour also says how much differs in the end; backups and replications do not notice it. "
        "Ctrl-C ends it at any time, what was seen is kept, and another run goes on with it. "
        "A crash loses a minute."
    ),
    examples=[
        ("holdfast planner profile --all --for 7d", N_("All machines, for a week.")),
        ("holdfast planner profile web mail", N_("Two of them, until Ctrl-C.")),
        (
            "holdfast planner profile --all --for 7d --probe north",
            N_("Try what the link to the site north carries as well."),
        ),
    ],
)
@click.argument("vms", nargs=-1, metavar="[VM]…")
@option("--all", "all_vms", is_flag=True, help=N_("All machines, also those that come later."))
@option("--for", "lasts", type=DURATION, help=N_("End by itself after this time, as in 7d."))
@option("--probe", metavar="SITE", help=N_("First try what the link to this site carries."))
@host_option
def profile(
    vms: tuple[str, ...],
    *,
    all_vms: bool,
    lasts: timedelta | None,
    probe: str | None,
    host: str | None,
) -> None:
    if bool(vms) == all_vms:
        raise click.UsageError(_("Name machines, or say --all."))
    run = start_on(host)
    if probe is not None:
        _probe(run, probe)
    _profile(run, vms, lasts)


def _probe(run: "Run", site: str) -> None:
    from holdfast.app.planner_probe import probe_site
    from holdfast.cli.planner_profile_text import tell_probe

    tell_probe(run.out, probe_site(run.session, site))


def _profile(run: "Run", vms: tuple[str, ...], lasts: timedelta | None) -> None:
    from holdfast.app.planner_profile import ProfileWish, Telling, profile_machines
    from holdfast.app.stop_signals import stopped_by_signals
    from holdfast.cli.planner_profile_text import ProfileTold

    told = ProfileTold(run.out, lasts)
    with stopped_by_signals() as stop, run.out.progress() as on_progress:
        telling = Telling(
            is_over=stop.is_set,
            on_begun=told.begun,
            on_seen=lambda seen: told.seen(seen, on_progress),
        )
        seen = profile_machines(run.session, ProfileWish(vms=vms, lasts=lasts), telling)
    told.done(seen)
