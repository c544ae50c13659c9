"""`holdfast commit`, `reprotect` and `failback`: after a failover, and home again."""

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
    shutdown_option,
)
from holdfast.cli.vm_host import host_option, start_on

if TYPE_CHECKING:
    from holdfast.recovery.address_rules import AddressRule


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Keep what a failover has brought: the machine stays here, and its other points go.\n\n"
        "It can be reprotected and failed back afterwards, but not undone. With "
        "--complete-migration there is no way back either: it is a machine of this host, its disks "
        "stand on their own while it runs on, and its replica goes."
    ),
    examples=[
        ("holdfast commit web", N_("The room its other points took is free.")),
        ("holdfast commit web --complete-migration", N_("It has moved for good; asks first.")),
    ],
)
@click.argument("vm")
@option("--complete-migration", is_flag=True, help=N_("Close the way back as well."))
@option("--yes", is_flag=True, help=N_("Do not ask whether the way back may be closed."))
@host_option
def commit(vm: str, *, complete_migration: bool, yes: bool, host: str | None) -> int:
    from holdfast.app.recovery_commit import commit as keep
    from holdfast.app.recovery_here import RecoveryWish
    from holdfast.cli.recovery_steps import carry_out

    wish = RecoveryWish(is_completing=complete_migration, is_agreed=yes)
    return carry_out(start_on(host), vm, "commit", keep, wish)


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Let the old home of a machine follow what it does at this host, so that it can go back.\n\n"
        "Its disks there are taken up where they are, and only what differs is sent."
    ),
    examples=[("holdfast reprotect web", N_("Where it runs since the failover."))],
)
@click.argument("vm")
@host_option
def reprotect(vm: str, *, host: str | None) -> int:
    from holdfast.app.recovery_here import RecoveryWish
    from holdfast.app.recovery_reprotect import reprotect as protect_in_reverse
    from holdfast.cli.recovery_steps import carry_out

    return carry_out(start_on(host), vm, "reprotect", protect_in_reverse, RecoveryWish())


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Bring a machine home that was failed over and reprotected: without loss, and as it was.\n\n"
        "Typed at its home. With --live it goes on running while it moves."
    ),
    examples=[
        ("holdfast failback web", N_("Shut down there, started here.")),
        ("holdfast failback web --live", N_("Without shutting it down.")),
    ],
)
@click.argument("vm")
@option("--live", is_flag=True, help=N_("Without shutting it down."))
@force_option
@shutdown_option
@hand_over_option
@network_option
@address_option
@host_option
def failback(  # noqa: PLR0913  each option is a parameter
    vm: str,
    *,
    live: bool,
    is_forced: bool,
    shutdown: timedelta,
    is_only_handing_over: bool,
    networks: tuple[tuple[str, str], ...],
    addresses: "tuple[tuple[str, AddressRule], ...]",
    host: str | None,
) -> int:
    from holdfast.app.recovery_failback import fail_back
    from holdfast.app.recovery_here import RecoveryWish
    from holdfast.app.recovery_live import fail_back_live
    from holdfast.cli.recovery_steps import carry_out

    if live and is_only_handing_over:
        raise click.UsageError(_("--live and --hand-over-only cannot be said together"))
    if live and is_forced:
        raise click.UsageError(_("--live and --force cannot be said together"))
    wish = RecoveryWish(
        is_forced=is_forced,
        networks=dict(networks),
        addresses=dict(addresses),
        patience=shutdown.total_seconds(),
        is_only_handing_over=is_only_handing_over,
    )
    use, act = (fail_back_live, "failback-live") if live else (fail_back, "failback")
    return carry_out(start_on(host), vm, act, use, wish)
