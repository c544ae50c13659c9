"""To what the network cards of a machine are connected on another host. Pure but for its file.

What was said for this time is first, then what is kept for the host, then a network of the same
name, else the first one of the host in the order of the alphabet. A card that shall not be
connected stays in the machine with its line unplugged: nothing changes for the guest.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.machine_spec import NicSpec
from holdfast.machines.state_files import replace_file
from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.card_ports import Offer
from holdfast.recovery.promotion_errors import NetworksUnreadable
from holdfast.recovery.record_folder import FOLDER

_FILE = "networks.json"
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
# Cards of these kinds are connected to something of the host that has a name.
_NAMED_KINDS = ("network", "bridge", "direct")
# What else they are connected to exists everywhere.
_EVERYWHERE = ("user", "null", "ethernet")


class KeptPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    is_bridge: bool = False

    @property
    def place(self) -> NetworkPlace:
        return NetworkPlace(name=self.name, is_bridge=self.is_bridge)


class NetworkMap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By the network's or bridge's name on the other host; None: it is not connected."""

    networks: dict[str, KeptPlace | None] = {}
    # The same for tests.
    test: dict[str, KeptPlace | None] = {}
    # Addresses of this site, by the network's on the other host or by machine and card.
    addresses: dict[str, AddressRule] = {}
    test_addresses: dict[str, AddressRule] = {}


class Because(StrEnum):
    """Why a card is connected to what it is connected to."""

    WISH = "wish"
    KEPT = "kept"
    SAME_NAME = "same-name"
    FIRST = "first"
    ISOLATED = "isolated"
    ANYWHERE = "anywhere"
    # Nothing here fits: it must be said.
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworksHere:
    """What there is to be connected to; networks without a way out reach nothing but each other."""

    networks: Sequence[str] = ()
    bridges: Sequence[str] = ()
    without_way_out: Sequence[str] = ()
    # What cards may have there, as far as it is known.
    offers: Mapping[NetworkPlace, Offer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One card: `place` None is a line that is unplugged; `old` is where it was connected."""

    mac: str
    old: str
    place: NetworkPlace | None
    because: Because


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkWish:
    """`wanted` by address of a card, or by its old network; `kept` by its old network."""

    wanted: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    kept: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    # What nobody said anything about is not connected.
    is_isolated: bool = False


def choose_lines(
    nics: Sequence[NicSpec], wish: NetworkWish, here: NetworksHere
) -> tuple[Line, ...]:
    return tuple(_line(nic, wish, here) for nic in nics)


def load_networks(home: str) -> NetworkMap:
    path = _path(home)
    try:
        return msgspec.json.decode(path.read_bytes(), type=NetworkMap)
    except FileNotFoundError:
        return NetworkMap()
    except (OSError, msgspec.DecodeError) as err:
        raise NetworksUnreadable(path=path, reason=err) from err


def save_networks(home: str, networks: NetworkMap) -> None:
    path = _path(home)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, msgspec.json.format(msgspec.json.encode(networks), indent=2) + b"\n")


def kept_places(kept: Mapping[str, KeptPlace | None]) -> dict[str, NetworkPlace | None]:
    return {old: None if new is None else new.place for old, new in kept.items()}


def named_lines(lines: Sequence[Line]) -> dict[str, str]:
    """For the record: by the old network, or by address where it had none."""
    return {line.old or line.mac: line.place.name if line.place else "" for line in lines}


def _line(nic: NicSpec, wish: NetworkWish, here: NetworksHere) -> Line:
    mac, old = (nic.mac or "").lower(), nic.source or ""
    place, because = _place(nic, _by_address(wish.wanted), wish, here)
    return Line(mac=mac, old=old, place=place, because=because)


def _place(
    nic: NicSpec,
    wanted: Mapping[str, NetworkPlace | None],
    wish: NetworkWish,
    here: NetworksHere,
) -> tuple[NetworkPlace | None, Because]:
    for name in ((nic.mac or "").lower(), nic.source or ""):
        if name and name in wanted:
            return wanted[name], Because.WISH
    if nic.source and nic.source in wish.kept:
        return wish.kept[nic.source], Because.KEPT
    if wish.is_isolated:
        return None, Because.ISOLATED
    if nic.kind in _EVERYWHERE:
        return None, Because.ANYWHERE
    return _found(nic, here)


def _found(nic: NicSpec, here: NetworksHere) -> tuple[NetworkPlace | None, Because]:
    name = nic.source or ""
    if nic.kind == "bridge" and name in here.bridges:
        return NetworkPlace(name=name, is_bridge=True), Because.SAME_NAME
    if name in here.networks:
        return NetworkPlace(name=name), Because.SAME_NAME
    if name in here.bridges:
        return NetworkPlace(name=name, is_bridge=True), Because.SAME_NAME
    if here.networks and nic.kind in _NAMED_KINDS:
        return NetworkPlace(name=min(here.networks)), Because.FIRST
    if here.bridges and nic.kind in _NAMED_KINDS:
        return NetworkPlace(name=min(here.bridges), is_bridge=True), Because.FIRST
    return None, Because.NOWHERE


def _by_address(wanted: Mapping[str, NetworkPlace | None]) -> dict[str, NetworkPlace | None]:
    return {name.lower() if _MAC.fullmatch(name) else name: place for name, place in wanted.items()}


def _path(home: str) -> Path:
    return Path(home, FOLDER, _FILE)
