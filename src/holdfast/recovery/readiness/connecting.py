"""Whether a guest's cards get their addresses at another host as they do here. Pure.

The cards keep their addresses and their places in the machine, so names that hang upon these hold;
only a copy for a test on a network with a way out has other card addresses.
"""

import fnmatch
from collections.abc import Iterator, Sequence

from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.recovery.address_rules import GuestCard
from holdfast.recovery.readiness.facts import Method, Network, Profile
from holdfast.recovery.readiness.findings import Finding, Weight, found


def judge_network(spec: DomainSpec, network: Network | None) -> Iterator[Finding]:
    macs = {(nic.mac or "").lower() for nic in spec.nics if nic.is_link_up}
    if not macs:
        return
    if network is None:
        yield found("unknown-network", Weight.UNKNOWN)
        return
    for mac in sorted(macs):
        cards = [card for card in network.cards if card.mac == mac]
        physical = [card for card in cards if card.device in network.physical]
        if not physical:
            yield found("card-unseen", Weight.HINDERS, mac=mac)
            continue
        yield from _about_card(physical[0], cards, network)
    yield from _about_names(spec, network)


def _about_card(card: GuestCard, cards: Sequence[GuestCard], network: Network) -> Iterator[Finding]:
    """`cards` are those with its address: itself, and a bridge or a bond above it."""
    profiles = [(one, above) for above in cards for one in network.profiles if _is_for(one, above)]
    held = [each for above in cards for each in above.addresses]
    if not profiles:
        yield from _without_profile(card, held_lent=[each.is_lent for each in held], of=network)
        return
    if held and not any(one.at_boot for one, _above in profiles):
        yield found("card-not-at-boot", Weight.HINDERS, device=card.device)
    bound = [one for one, above in profiles if one.mac == above.mac]
    if bound and len(bound) == len(profiles):
        yield found("card-by-mac", Weight.NOTE, device=card.device, file=bound[0].file)
    fixed = [one for one, _above in profiles if one.method is Method.STATIC and one.at_boot]
    if fixed:
        addresses = ", ".join(str(each.held) for each in held if not each.is_lent)
        yield found("card-static", Weight.NOTE, device=card.device, addresses=addresses or "-")


def _is_for(profile: Profile, card: GuestCard) -> bool:
    if profile.mac:
        return profile.mac == card.mac
    patterns = profile.device.split()
    return not patterns or any(fnmatch.fnmatchcase(card.device, each) for each in patterns)


def _without_profile(
    card: GuestCard, *, held_lent: Sequence[bool], of: Network
) -> Iterator[Finding]:
    # A program that connects every card asks for an address, and sets none.
    if not held_lent or (of.is_eager and all(held_lent)):
        return
    known = {each.device for each in of.cards}
    others = sorted({one.device for one in of.profiles if one.device and one.device not in known})
    yield found(
        "card-not-kept", Weight.HINDERS, device=card.device, others=", ".join(others) or "-"
    )


def _about_names(spec: DomainSpec, network: Network) -> Iterator[Finding]:
    macs = {(nic.mac or "").lower() for nic in spec.nics}
    ours = {card.device for card in network.cards if card.mac in macs}
    if names := sorted(ours & network.named_by_mac):
        yield found("card-named-by-mac", Weight.NOTE, devices=", ".join(names))
