"""Which networks and addresses of this host stand for those of the machines that come here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from holdfast.machines.new_identity import parse_network
from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.networks import KeptPlace, NetworkMap, load_networks, save_networks


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNetworks:
    """What holds here, of failovers or of tests."""

    networks: Mapping[str, KeptPlace | None]
    addresses: Mapping[str, AddressRule]


def change_networks(
    home: str,
    *,
    wanted: Mapping[str, str],
    addresses: Mapping[str, AddressRule],
    forget: Iterable[str],
    is_test: bool,
) -> SiteNetworks:
    """Those that hold afterwards, of failovers or of tests."""
    known = load_networks(home)
    networks = dict(known.test if is_test else known.networks)
    rules = dict(known.test_addresses if is_test else known.addresses)
    for old in forget:
        networks.pop(old, None)
        rules.pop(old, None)
    networks |= {old: _place(old, new) for old, new in wanted.items()}
    rules |= addresses
    changed = _changed(known, networks, rules, is_test=is_test)
    if changed != known:
        save_networks(home, changed)
    return SiteNetworks(networks=networks, addresses=rules)


def _changed(
    known: NetworkMap,
    networks: dict[str, KeptPlace | None],
    rules: dict[str, AddressRule],
    *,
    is_test: bool,
) -> NetworkMap:
    if is_test:
        return msgspec.structs.replace(known, test=networks, test_addresses=rules)
    return msgspec.structs.replace(known, networks=networks, addresses=rules)


def _place(old: str, new: str) -> KeptPlace | None:
    place = parse_network(f"{old}={new}")[1]
    return KeptPlace(name=place.name, is_bridge=place.is_bridge) if place else None
