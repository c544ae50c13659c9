"""Which addresses machines have at this site: of one card, or of a whole network. Pure.

A rule is for a card of a machine (`web/lan`, `web/52:54:00:aa:bb:01`), or for all addresses of a
network (`192.0.2.0/24`): these keep the part that names the host. Who gets an address by DHCP gets
one here as well, and no rule is for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Interface,
    IPv6Interface,
    ip_address,
    ip_interface,
    ip_network,
)

import msgspec

from holdfast.recovery.record import CardAddress

Held = IPv4Interface | IPv6Interface
_GATEWAY, _DNS = "gateway", "dns"


class AddressRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`to` is an address with its prefix, or a network like the one it stands for."""

    to: str
    gateway: str = ""
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestAddress:
    """One that a guest has; it may be lent to it by DHCP."""

    held: Held
    is_lent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestCard:
    """A network device in a guest; several may have the address of one card: a bridge, a VLAN."""

    device: str
    mac: str
    addresses: tuple[GuestAddress, ...] = ()
    # Where it sends what is for nobody it knows.
    gateways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugged:
    """A card whose line leads somewhere: its address now and before, and its network before."""

    mac: str
    old_mac: str
    old_network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`lent` are those that DHCP sees to."""

    changes: tuple[CardAddress, ...] = ()
    lent: tuple[str, ...] = ()


def parse_rule(text: str, *, is_own: bool = False) -> tuple[str, AddressRule]:
    """OLD=NEW[,gateway=ADDRESS][,dns=ADDRESS]…, as a person types it; ValueError otherwise.

    With `is_own` it is said of one machine, and OLD may be just a card of it.
    """
    rule, *options = text.split(",")
    old, equals, new = rule.partition("=")
    if not equals:
        raise ValueError(text)
    gateway, dns = "", []
    for word, _equals, value in (option.partition("=") for option in options):
        if word == _DNS:
            dns.append(value)
        elif word == _GATEWAY and not gateway:
            gateway = value
        else:
            raise ValueError(text)
    return make_rule(old, new, gateway=gateway, dns=dns, is_own=is_own)


def make_rule(
    old: str, new: str, *, gateway: str, dns: Sequence[str], is_own: bool = False
) -> tuple[str, AddressRule]:
    """The same of its parts."""
    key, to = _own_sides(old, new) if is_own and "/" not in old else _sides(old, new)
    return key, AddressRule(
        to=to,
        gateway=str(ip_address(gateway)) if gateway else "",
        dns=tuple(str(ip_address(one)) for one in dns),
    )


def rule_text(key: str, rule: AddressRule) -> str:
    """As `parse_rule` reads it."""
    options = [f"{_GATEWAY}={rule.gateway}"] if rule.gateway else []
    return ",".join([f"{key}={rule.to}", *options, *(f"{_DNS}={one}" for one in rule.dns)])


def of_machine(rules: Mapping[str, AddressRule], name: str) -> dict[str, AddressRule]:
    """What was said of this machine alone, as it is said among those of a site."""
    return {key if "/" in key else f"{name}/{key}": rule for key, rule in rules.items()}


def rules_of(rules: Mapping[str, AddressRule], names: Sequence[str]) -> dict[str, AddressRule]:
    """Those that are for cards of the machine itself, by card."""
    found = {}
    for key, rule in rules.items():
        name, _slash, card = key.rpartition("/")
        if not _is_network(key) and name in names:
            found[card] = rule
    return found


def choose_addresses(
    plugged: Sequence[Plugged],
    cards: Sequence[GuestCard],
    rules: Mapping[str, AddressRule],
    *,
    names: Sequence[str],
) -> Chosen:
    """`names` are those the machine goes by, its UUID among them."""
    own = rules_of(rules, names)
    changes: list[CardAddress] = []
    lent: list[str] = []
    for card in plugged:
        devices = [each for each in cards if each.mac == card.mac]
        rule = own.get(card.old_mac) or own.get(card.old_network)
        chosen = (
            _of_card(card.mac, devices, rule) if rule else _of_networks(card.mac, devices, rules)
        )
        changes += chosen.changes
        lent += chosen.lent
    return Chosen(changes=tuple(changes), lent=tuple(lent))


def _sides(old: str, new: str) -> tuple[str, str]:
    if _is_network(old):
        before, after = ip_network(old), ip_network(new)
        if (before.version, before.prefixlen) != (after.version, after.prefixlen):
            raise ValueError(new)
        return str(before), str(after)
    name, slash, card = old.rpartition("/")
    if not slash or not name:
        raise ValueError(old)
    own, to = _own_sides(card, new)
    return f"{name}/{own}", to


def _own_sides(card: str, new: str) -> tuple[str, str]:
    if not card or "/" not in new:
        raise ValueError(card)
    return card.lower() if card.count(":") else card, str(ip_interface(new))


def _is_network(key: str) -> bool:
    try:
        ip_network(key)
    except ValueError:
        return False
    return "/" in key


def _of_card(mac: str, devices: Sequence[GuestCard], rule: AddressRule) -> Chosen:
    new = ip_interface(rule.to)
    found = [
        each for card in devices for each in card.addresses if each.held.version == new.version
    ]
    if any(each.is_lent for each in found):
        return Chosen(lent=tuple(str(each.held) for each in found if each.is_lent))
    old = tuple(str(each.held) for each in found if each.held.ip != new.ip)
    change = CardAddress(mac=mac, old=old, new=str(new), gateway=rule.gateway, dns=rule.dns)
    return Chosen(changes=(change,))


def _of_networks(
    mac: str, devices: Sequence[GuestCard], rules: Mapping[str, AddressRule]
) -> Chosen:
    changes, lent = [], []
    for card in devices:
        for each in card.addresses:
            key = _narrowest(each.held, rules)
            if key is None:
                continue
            if each.is_lent:
                lent.append(str(each.held))
                continue
            changes.append(_translated(mac, card, each.held, key=key, rule=rules[key]))
    return Chosen(changes=tuple(changes), lent=tuple(lent))


def _narrowest(held: Held, rules: Mapping[str, AddressRule]) -> str | None:
    fitting = [key for key in rules if _is_network(key) and held.ip in ip_network(key)]
    return max(fitting, key=lambda key: ip_network(key).prefixlen, default=None)


def _translated(
    mac: str, card: GuestCard, held: Held, *, key: str, rule: AddressRule
) -> CardAddress:
    """It keeps its part of the address, and so does the gateway that nobody says anything about."""
    gateway = rule.gateway or next(_gateways(card, key, rule), "")
    new = f"{_moved(str(held.ip), key, rule.to)}/{held.network.prefixlen}"
    return CardAddress(mac=mac, old=(str(held),), new=new, gateway=gateway, dns=rule.dns)


def _gateways(card: GuestCard, key: str, rule: AddressRule) -> Iterator[str]:
    for gateway in card.gateways:
        if ip_address(gateway) in ip_network(key):
            yield _moved(gateway, key, rule.to)


def _moved(address: str, old: str, new: str) -> str:
    host = int(ip_address(address)) - int(ip_network(old).network_address)
    return str(ip_network(new).network_address + host)
