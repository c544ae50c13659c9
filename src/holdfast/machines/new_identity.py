"""Who a restored machine is: its names and addresses, and where its disks lie. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.hypervisor.domain_identity import DiskPlace, Identity, NetworkPlace
from holdfast.hypervisor.machine_spec import DomainSpec, NicSpec
from holdfast.machines.disk_files import DiskFile

NVRAM_FILE = "nvram.fd"
# Who made the card; the rest of an address is its number.
_VENDOR = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the new machine shall differ from the one in the point."""

    name: str
    folder: Path
    # UUID and addresses of network cards stay: the old one must be gone for good.
    keeps_identity: bool = False
    networks: Mapping[str, NetworkPlace | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """Where new ids come from."""

    new_uuid: Callable[[], str]
    # So many random bytes.
    token: Callable[[int], bytes]


def identity_of(
    spec: DomainSpec, wish: Wish, disks: Sequence[DiskFile], chance: Chance
) -> Identity:
    """Disks that the point lacks are taken out: they are the old machine's, or its host's."""
    lost = spec.data_disks if wish.keeps_identity else spec.hard_disks
    places: dict[str, DiskPlace | None] = {disk.target: None for disk in lost}
    places |= {
        disk.target: DiskPlace(path=str(wish.folder / disk.path.name), format=disk.format)
        for disk in disks
    }
    return Identity(
        name=wish.name,
        uuid=None if wish.keeps_identity else chance.new_uuid(),
        # It goes back in time, whoever it is: the guest has to learn that.
        generation_id=chance.new_uuid() if spec.generation_id else None,
        # Never that of the old machine, also where the point has no variables.
        nvram=str(wish.folder / NVRAM_FILE) if spec.firmware.nvram else None,
        disks=places,
        macs={} if wish.keeps_identity else _new_macs(spec.nics, chance),
        networks=wish.networks,
        without_host_devices=not wish.keeps_identity,
        without_host_parts=not wish.keeps_identity,
    )


def disks_taken_out(identity: Identity) -> tuple[str, ...]:
    return tuple(target for target, place in identity.disks.items() if place is None)


def _new_macs(nics: Sequence[NicSpec], chance: Chance) -> dict[str, str]:
    return {
        nic.mac: nic.mac[:_VENDOR] + "".join(f":{each:02x}" for each in chance.token(3))
        for nic in nics
        if nic.mac is not None
    }


def parse_network(text: str) -> tuple[str, NetworkPlace | None]:
    """OLD=NEW, OLD=bridge:NEW or OLD=none, as a person types it; ValueError otherwise."""
    old, equals, new = text.partition("=")
    if not old or not equals or not new:
        raise ValueError(text)
    if new == "none":
        return old, None
    kind, colon, bridge = new.partition(":")
    if colon and kind == "bridge" and bridge:
        return old, NetworkPlace(name=bridge, is_bridge=True)
    return old, NetworkPlace(name=new)
