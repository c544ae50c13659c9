"""`holdfast failover VM`: test, planned and unplanned."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.recovery_options import (
    address_option,
    force_option,
    hand_over_option,
    network_option,
    point_option,
    shutdown_option,
    try_shut_down_option,
)
from holdfast.cli.run import Run
from holdfast.cli.trial_options import (
    check_option,
    keep_option,
    read_trial_wish,
    within_option,
)
from holdfast.cli.vm_host import host_option, start_on

if TYPE_CHECKING:
    from holdfast.recovery.address_rules import AddressRule


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Fail the machine VM over to this host, or try that.\n\n"
        "--planned: the source shuts it down and sends its last changes; nothing is lost. With "
        "--live it goes on running while it moves. --unplanned: the source is gone, and what it "
        "wrote after the point is lost; while the source may be running a person must confirm that "
        "it does not. With --try-shut-down a source that still answers does first what it does for "
        "--planned, as far as it can. --test: another machine is started from the point, in isolation."
    ),
    examples=[
        (
            "holdfast failover web --test --check tcp:22 --keep 2h",
            N_("Look at it yourself; it is removed after two hours."),
        ),
        ("holdfast failover web --unplanned", N_("From the newest point.")),
        ("holdfast failover web --unplanned --point latest-app", N_("Applications knew of it.")),
        (
            "holdfast failover web --unplanned --source-is-down",
            N_("Its power is cut, I saw to it."),
        ),
        (
            "holdfast failover web --unplanned --try-shut-down --shutdown-within 2m",
            N_("Its host may still answer: then nothing is lost."),
        ),
        ("holdfast failover web --planned --network lan=dr-lan", N_("Connected to dr-lan here.")),
    ],
)
@click.argument("vm")
@option("--test", "is_test", is_flag=True, help=N_("Try a point in isolation; nothing changes."))
@option("--planned", is_flag=True, help=N_("The source works: shut it down there, lose nothing."))
@option("--live", is_flag=True, help=N_("With --planned: without shutting it down."))
@option("--unplanned", is_flag=True, help=N_("The source is gone: start one of its points."))
@option("--source-is-down", is_flag=True, help=N_("A person knows that it runs there no more."))
@try_shut_down_option
@force_option
@shutdown_option
@hand_over_option
@option(
    "--name",
    "new_name",
    default="",
    metavar="NAME",
    help=N_("Under this name here; its own is taken by another machine."),
)
@option(
    "--replace",
    "replaces",
    default="",
    metavar="NAME",
    help=N_("The machine of this host that has its name is renamed, and nothing else."),
)
@point_option
@network_option
@address_option
@check_option
@within_option
@keep_option
@host_option
def machine(  # noqa: PLR0913  each option is a parameter
    vm: str,
    *,
    is_test: bool,
    planned: bool,
    live: bool,
    unplanned: bool,
    source_is_down: bool,
    tries_shut_down: bool,
    is_forced: bool,
    shutdown: timedelta,
    is_only_handing_over: bool,
    point: str,
    networks: tuple[tuple[str, str], ...],
    addresses: "tuple[tuple[str, AddressRule], ...]",
    new_name: str,
    replaces: str,
    checks: tuple[str, ...],
    within: timedelta | None,
    keep: timedelta | None,
    host: str | None,
) -> int:
    from holdfast.app.recovery_here import RecoveryWish

    if is_test + planned + unplanned != 1:
        raise click.UsageError(_("Say one of --test, --planned and --unplanned"))
    if is_only_handing_over and (live or not planned):
        raise click.UsageError(_("--hand-over-only is said with --planned, without --live"))
    if live and not planned:
        raise click.UsageError(_("--live is said with --planned"))
    if tries_shut_down and not unplanned:
        raise click.UsageError(_("--try-shut-down is said with --unplanned"))
    if not is_test and (checks or within is not None or keep is not None):
        raise click.UsageError(_("--check, --within and --keep are said with --test"))
    if (is_test or live) and (new_name or replaces):
        raise click.UsageError(_("--name and --replace are said with --planned or --unplanned"))
    run = start_on(host)
    if is_test:
        from holdfast.cli.failover_test import carry_out_test

        tried = read_trial_wish(
            point=point,
            checks=checks,
            networks=networks,
            addresses=addresses,
            within=within,
            keep=keep,
        )
        return carry_out_test(run, vm, tried)
    wish = RecoveryWish(
        point=point,
        is_source_down=source_is_down,
        tries_shut_down=tries_shut_down,
        is_forced=is_forced,
        networks=dict(networks),
        addresses=dict(addresses),
        new_name=new_name,
        replaces=replaces,
        patience=shutdown.total_seconds(),
        is_only_handing_over=is_only_handing_over,
    )
    return _fail_over(run, vm, wish, is_planned=planned, is_live=live)


def _fail_over(run: Run, vm: str, wish: object, *, is_planned: bool, is_live: bool) -> int:
    from holdfast.app.recovery_here import RecoveryWish
    from holdfast.app.recovery_live import fail_over_live
    from holdfast.app.recovery_planned import fail_over_planned
    from holdfast.app.recovery_unplanned import fail_over_unplanned
    from holdfast.cli.recovery_steps import carry_out

    assert isinstance(wish, RecoveryWish)
    if is_live:
        return carry_out(run, vm, "planned-live", fail_over_live, wish)
    if is_planned:
        return carry_out(run, vm, "planned", fail_over_planned, wish)
    return carry_out(run, vm, "unplanned", fail_over_unplanned, wish)
