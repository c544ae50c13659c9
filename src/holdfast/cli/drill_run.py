"""`holdfast drill run` and `schedule`."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.parameters import DURATION
from holdfast.cli.recovery_options import network_option, point_option
from holdfast.cli.run import start
from holdfast.cli.trial_options import check_option, is_any_said, read_trial_wish, within_option
from holdfast.cli.vm_host import host_option, start_on
from holdfast.fleet.recovery_arguments import NOTHING_PROMISED

if TYPE_CHECKING:
    from holdfast.app.drills import DrillPlan

_WISHES = ("point", "checks", "networks", "within")


class _Promised(click.ParamType[float]):
    """Seconds; `0` is no promise at all."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        if value == NOTHING_PROMISED:
            return 0.0
        return DURATION.convert(value, param, ctx).total_seconds()


_PROMISED = _Promised()
rpo_option = option(
    "--rpo",
    type=_PROMISED,
    metavar="TIME",
    help=N_("A failover may lose at most so much; 0: nothing is promised."),
)
rto_option = option(
    "--rto",
    type=_PROMISED,
    metavar="TIME",
    help=N_("All checks must have passed after so long; 0: nothing is promised."),
)


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_(
        "Run a drill of VM now: as it is scheduled, unless something else is said.\n\n"
        "Status 3 says that all went well, but an objective was missed."
    ),
    examples=[
        ("holdfast drill run web", N_("As it is scheduled, else with the usual checks.")),
        (
            "holdfast drill run web --point latest-app --check 'guest:systemctl is-active nginx'",
            N_("Another point, another check."),
        ),
    ],
)
@click.argument("vm")
@point_option
@check_option
@network_option
@within_option
@rpo_option
@rto_option
@host_option
@option("--scheduled", is_flag=True, hidden=True, help=N_("Begun by its schedule."))
def run(  # noqa: PLR0913  each option is a parameter
    vm: str,
    *,
    point: str,
    checks: tuple[str, ...],
    networks: tuple[tuple[str, str], ...],
    within: timedelta | None,
    rpo: float | None,
    rto: float | None,
    host: str | None,
    scheduled: bool,
) -> int:
    from holdfast.app.drills import run_drill
    from holdfast.app.replication_orders import who_asks
    from holdfast.cli.drill_report import end_status, tell_run
    from holdfast.cli.trial_report import listening

    given = _plan(point=point, checks=checks, networks=networks, within=within, rpo=rpo, rto=rto)
    started = start_on(host)
    done = run_drill(
        started.session,
        vm,
        given,
        who="schedule" if scheduled else who_asks(),
        is_scheduled=scheduled,
        listening=listening(started.out),
    )
    tell_run(started.out, done)
    return end_status(done)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Let drills of VM run by themselves on this host, which has its replica.\n\n"
        "`holdfast replication serve` begins them when it is time; one that was missed while the "
        "site was away is run once. What is not said stays as it was. From a server it is set with "
        "`holdfast failover order VM drill-schedule`."
    ),
    examples=[
        (
            "holdfast drill schedule web 'monthly 1st 03:00' --rto 15m --rpo 5m",
            N_("With objectives."),
        ),
        ("holdfast drill schedule web 'weekdays 04:30' --zone Asia/Seoul", N_("By those clocks.")),
        ("holdfast drill schedule web 'sun 03:00' --rto 0", N_("Its RTO is no promise any more.")),
        ("holdfast drill schedule web --never", N_("No more; past runs stay.")),
    ],
)
@click.argument("vm")
@click.argument("when", required=False)
@option("--never", is_flag=True, help=N_("End its schedule."))
@option("--zone", metavar="ZONE", help=N_("The time zone of the schedule; UTC if nothing is said."))
@point_option
@check_option
@network_option
@within_option
@rpo_option
@rto_option
@option("--usual-checks", is_flag=True, help=N_("Make the usual checks again, none of those set."))
@option("--no-network", is_flag=True, help=N_("Connect it to none again."))
def schedule(  # noqa: PLR0913  each option is a parameter
    vm: str,
    when: str | None,
    *,
    never: bool,
    zone: str | None,
    point: str,
    checks: tuple[str, ...],
    networks: tuple[tuple[str, str], ...],
    within: timedelta | None,
    rpo: float | None,
    rto: float | None,
    usual_checks: bool,
    no_network: bool,
) -> int:
    from dataclasses import replace

    from holdfast.app.drills import end_schedule, schedule_drill
    from holdfast.app.replication_orders import who_asks
    from holdfast.cli.drill_report import tell_drill
    from holdfast.fleet.local_time import read_zone

    if never == (when is not None):
        raise click.UsageError(_("Say when, as in 'monthly 1st 03:00', or --never"))
    if (usual_checks and checks) or (no_network and networks):
        raise click.UsageError(_("What is taken back cannot be set in the same command"))
    started = start()
    if never:
        tell_drill(started.out, end_schedule(started.session, vm))
        return Exit.FINE
    if zone is not None:
        read_zone(zone)
    given = _plan(point=point, checks=checks, networks=networks, within=within, rpo=rpo, rto=rto)
    emptied = {"checks": ()} if usual_checks else {}
    cut_off: dict[str, Any] = {"networks": {}} if no_network else {}
    wish = {**given.wish, **emptied, **cut_off}
    given = replace(given, schedule=when, zone=zone, wish=wish)
    tell_drill(started.out, schedule_drill(started.session, vm, given, who=who_asks()))
    return Exit.FINE


def _plan(
    *,
    point: str,
    checks: tuple[str, ...],
    networks: tuple[tuple[str, str], ...],
    within: timedelta | None,
    rpo: float | None,
    rto: float | None,
) -> "DrillPlan":
    """Only what was said: all else stays as it is."""
    from holdfast.app.drills import DrillPlan

    whole = read_trial_wish(point=point, checks=checks, networks=networks, within=within)
    wish = {name: getattr(whole, name) for name in _WISHES if is_any_said(name)}
    promised = {"rpo": rpo, "rto": rto}
    objective = {name: time or None for name, time in promised.items() if time is not None}
    return DrillPlan(wish=wish, objective=objective)
