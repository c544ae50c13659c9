"""`holdfast failover change-point` and `undo`."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_
from holdfast.cli.command import Command
from holdfast.cli.recovery_options import (
    address_option,
    discard_option,
    network_option,
    point_option,
)
from holdfast.cli.vm_host import host_option, start_on

if TYPE_CHECKING:
    from holdfast.recovery.address_rules import AddressRule


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Start another point of a machine that was failed over to this host.\n\n"
        "What runs is stopped, and what it wrote since is lost. It can be done until the failover "
        "is committed."
    ),
    examples=[
        ("holdfast failover points web", N_("What there is to choose from.")),
        ("holdfast failover change-point web --point latest-app", N_("Asks before it drops.")),
    ],
)
@click.argument("vm")
@point_option
@network_option
@address_option
@discard_option
@host_option
def change_point(
    vm: str,
    *,
    point: str,
    networks: tuple[tuple[str, str], ...],
    addresses: "tuple[tuple[str, AddressRule], ...]",
    is_discarding: bool,
    host: str | None,
) -> int:
    from holdfast.app.recovery_change_point import change_point as change
    from holdfast.app.recovery_here import RecoveryWish
    from holdfast.cli.recovery_steps import carry_out

    wish = RecoveryWish(
        point=point, networks=dict(networks), addresses=dict(addresses), is_discarding=is_discarding
    )
    return carry_out(start_on(host), vm, "change-point", change, wish)


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Take a failover back: what was begun or runs here goes, and the source has the machine "
        "again.\n\n"
        "What it wrote here is lost. The source hears of it as soon as it is there; until then the "
        "machine runs nowhere. A replication of the source goes on where it was."
    ),
    examples=[("holdfast failover undo web --discard-changes", N_("Without being asked."))],
)
@click.argument("vm")
@discard_option
@host_option
def undo(vm: str, *, is_discarding: bool, host: str | None) -> int:
    from holdfast.app.recovery_here import RecoveryWish
    from holdfast.app.recovery_undo import undo as take_back
    from holdfast.cli.recovery_steps import carry_out

    wish = RecoveryWish(is_discarding=is_discarding)
    return carry_out(start_on(host), vm, "undo", take_back, wish)
