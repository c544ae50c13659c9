"""`holdfast failover networks`: which networks of this host stand for those of the machines."""

from typing import TYPE_CHECKING

import click

from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.output import Output, encodable
from holdfast.cli.recovery_options import NETWORKS
from holdfast.cli.run import start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.recovery.networks import KeptPlace


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Show or set which network of this host stands for one of the machines'.\n\n"
        "What is said with --network at a failover comes before it. A network that nothing is said "
        "about is the one of the same name here, else the first one in the order of the alphabet."
    ),
    examples=[
        ("holdfast failover networks", N_("As it is set.")),
        ("holdfast failover networks --set lan=dr-lan", N_("From now on, for every failover.")),
        ("holdfast failover networks --set lan=none --test", N_("Unplugged in tests.")),
        ("holdfast failover networks --forget lan", N_("As if nothing had been said.")),
    ],
)
@option(
    "--set",
    "wanted",
    type=NETWORKS,
    multiple=True,
    metavar="OLD=NEW",
    help=N_("NEW stands for OLD; bridge:NEW is a bridge, none leaves cards unplugged."),
)
@option("--forget", multiple=True, metavar="OLD", help=N_("Nothing is said about OLD any more."))
@option("--test", "is_test", is_flag=True, help=N_("Those of test failovers."))
def networks(
    *, wanted: tuple[tuple[str, str], ...], forget: tuple[str, ...], is_test: bool
) -> None:
    from holdfast.app.recovery_networks import change_networks

    run = start()
    kept = change_networks(
        run.session.settings.home, wanted=dict(wanted), forget=forget, is_test=is_test
    )
    _tell(run.out, kept)


def _tell(out: Output, kept: "Mapping[str, KeptPlace | None]") -> None:
    from holdfast.cli.json_recovery import NetworkMapped

    for old, place in sorted(kept.items()):
        new = _typed(place)
        line = f"{shown.line(old)} → {shown.line(new)}"
        out.show(NetworkMapped(network=encodable(old), to=encodable(new)), line)
    if not kept:
        out.remark(_("Nothing is set: each network is the one of the same name, else the first."))


def _typed(place: "KeptPlace | None") -> str:
    if place is None:
        return "none"
    return f"bridge:{place.name}" if place.is_bridge else place.name
