"""`holdfast failover networks`: which networks of this host stand for those of the machines."""

from typing import TYPE_CHECKING

import click

from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.output import Output, encodable
from holdfast.cli.recovery_options import ADDRESS_RULE, NETWORKS
from holdfast.cli.run import start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.recovery.address_rules import AddressRule
    from holdfast.recovery.networks import KeptPlace


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Show or set which networks and addresses of this host stand for the machines'.\n\n"
        "What is said with --network at a failover comes before it. A network that nothing is said "
        "about is the one of the same name here, else the first one in the order of the alphabet.\n\n"
        "--address gives machines with static addresses those of this site: all of a network "
        "(192.0.2.0/24=198.51.100.0/24, the part that names the host stays), or one card of a machine "
        "(VM/NETWORK or VM/MAC=198.51.100.7/24). They are set through the guest's agent once it runs, "
        "and nothing in its files is changed: at home it has its old ones again. Who gets an address "
        "by DHCP gets it here as well, and needs no rule."
    ),
    examples=[
        ("holdfast failover networks", N_("As it is set.")),
        ("holdfast failover networks --set lan=dr-lan", N_("From now on, for every failover.")),
        ("holdfast failover networks --set lan=none --test", N_("Unplugged in tests.")),
        (
            "holdfast failover networks --address 192.0.2.0/24=198.51.100.0/24,gateway=198.51.100.1",
            N_("Static addresses, their last part kept."),
        ),
        (
            "holdfast failover networks --address web/lan=198.51.100.7/24,dns=198.51.100.53",
            N_("Of one card of one machine."),
        ),
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
@option(
    "--address",
    "addresses",
    type=ADDRESS_RULE,
    multiple=True,
    metavar="OLD=NEW",
    help=N_(
        "Addresses of NEW in place of OLD: two networks, or VM/NETWORK=ADDRESS/LENGTH; "
        ",gateway=ADDRESS and ,dns=ADDRESS may follow."
    ),
)
@option("--forget", multiple=True, metavar="OLD", help=N_("Nothing is said about OLD any more."))
@option("--test", "is_test", is_flag=True, help=N_("Those of test failovers."))
def networks(
    *,
    wanted: tuple[tuple[str, str], ...],
    addresses: "tuple[tuple[str, AddressRule], ...]",
    forget: tuple[str, ...],
    is_test: bool,
) -> None:
    from holdfast.app.recovery_networks import change_networks

    run = start()
    kept = change_networks(
        run.session.settings.home,
        wanted=dict(wanted),
        addresses=dict(addresses),
        forget=forget,
        is_test=is_test,
    )
    _tell(run.out, kept.networks)
    _tell_addresses(run.out, kept.addresses)


def _tell(out: Output, kept: "Mapping[str, KeptPlace | None]") -> None:
    from holdfast.cli.json_recovery import NetworkMapped

    for old, place in sorted(kept.items()):
        new = _typed(place)
        line = f"{shown.line(old)} → {shown.line(new)}"
        out.show(NetworkMapped(network=encodable(old), to=encodable(new)), line)
    if not kept:
        out.remark(_("Nothing is set: each network is the one of the same name, else the first."))


def _tell_addresses(out: Output, rules: "Mapping[str, AddressRule]") -> None:
    from holdfast.cli.json_addresses import AddressMapped

    for old, rule in sorted(rules.items()):
        event = AddressMapped(
            address=encodable(old), to=rule.to, gateway=rule.gateway or None, dns=list(rule.dns)
        )
        rest = [_("gateway {address}").format(address=rule.gateway)] if rule.gateway else []
        rest += [_("DNS {address}").format(address=each) for each in rule.dns]
        out.show(event, ", ".join((f"{shown.line(old)} → {rule.to}", *rest)))


def _typed(place: "KeptPlace | None") -> str:
    if place is None:
        return "none"
    return f"bridge:{place.name}" if place.is_bridge else place.name
