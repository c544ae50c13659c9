"""`holdfast failover check`: what an act would stumble over, before anybody begins it."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.recovery_options import address_option, network_option, point_option
from holdfast.cli.vm_host import host_option, start_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.app.recovery_preflight import Preflight
    from holdfast.cli.json_recovery import RecoveryPreflight
    from holdfast.recovery.address_rules import AddressRule

_ACTS = (
    *("test", "planned", "unplanned", "change-point"),
    *("undo", "commit", "reprotect", "failback"),
)


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_(
        "Look at everything an act of recovery needs at this host, and change nothing.\n\n"
        "Whether it is legal now, whether its source is heard, the point, the room, the networks, "
        "the firmware, what libvirt here says of the machine, and whether there is a way back. "
        "Status 3 says that something would refuse it."
    ),
    examples=[
        ("holdfast failover check web", N_("Before a planned failover.")),
        ("holdfast failover check web --act unplanned", N_("Its source is gone.")),
        ("holdfast failover check web --act test --point latest-app", N_("Of another point.")),
    ],
)
@click.argument("vm")
@option("--act", type=click.Choice(_ACTS), default="planned", help=N_("What is to be done."))
@point_option
@network_option
@address_option
@host_option
def check(
    vm: str,
    *,
    act: str,
    point: str,
    networks: tuple[tuple[str, str], ...],
    addresses: "tuple[tuple[str, AddressRule], ...]",
    host: str | None,
) -> int:
    from holdfast.app.recovery_here import RecoveryWish
    from holdfast.app.recovery_preflight import look_before
    from holdfast.recovery.record import ActKind

    run = start_on(host)
    wish = RecoveryWish(point=point, networks=dict(networks), addresses=dict(addresses))
    seen = look_before(run.session, vm, ActKind(act), wish)
    run.out.show(_event(seen), *_lines(seen))
    return Exit.FINE if seen.is_clear else Exit.WARNINGS


def _lines(seen: "Preflight") -> "Iterator[str]":
    for error in seen.problems:
        yield shown.line(f"✗ {error} [{error.code}]")
        yield shown.line(f"    → {error.advice}")
    for doubt in seen.doubts:
        yield shown.line(f"! {doubt}")
    if seen.point is not None:
        moment = shown.moment(seen.point.taken_at)
        yield _("Point: {generation}, {moment}").format(
            generation=seen.point.generation, moment=moment
        )
    if seen.is_clear:
        yield _("Nothing is in its way")


def _event(seen: "Preflight") -> "RecoveryPreflight":
    from holdfast.cli.json_recovery import RecoveryPreflight
    from holdfast.cli.output import encodable

    return RecoveryPreflight(
        vm=encodable(seen.name),
        uuid=seen.vm,
        act=seen.act.value,
        clear=seen.is_clear,
        generation=seen.point.generation if seen.point else None,
        taken_at=seen.point.taken_at.isoformat() if seen.point else None,
        problems=[
            {
                "code": each.code,
                "message": str(each),
                "remedy": each.advice,
                # So that it can be said again in another language.
                "fields": {name: str(value) for name, value in each.fields.items()},
            }
            for each in seen.problems
        ],
        doubts=list(seen.doubts),
        networks={
            line.old or line.mac: line.place.name if line.place else "none" for line in seen.lines
        },
    )
