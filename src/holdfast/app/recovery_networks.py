"""Which networks of this host stand for those of the machines that come here."""

from collections.abc import Iterable, Mapping

import msgspec

from holdfast.machines.new_identity import parse_network
from holdfast.recovery.networks import KeptPlace, load_networks, save_networks


def change_networks(
    home: str, *, wanted: Mapping[str, str], forget: Iterable[str], is_test: bool
) -> dict[str, KeptPlace | None]:
    """Those that hold afterwards, of failovers or of tests."""
    known = load_networks(home)
    kept = dict(known.test if is_test else known.networks)
    for old in forget:
        kept.pop(old, None)
    for old, new in wanted.items():
        kept[old] = _place(old, new)
    changed = msgspec.structs.replace(known, **{"test" if is_test else "networks": kept})
    if changed != known:
        save_networks(home, changed)
    return kept


def _place(old: str, new: str) -> KeptPlace | None:
    place = parse_network(f"{old}={new}")[1]
    return KeptPlace(name=place.name, is_bridge=place.is_bridge) if place else None
