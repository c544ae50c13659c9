"""What a machine becomes when it is booted from a point: its description, and who it is then."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.hypervisor.domain_identity import DiskPlace, Identity, NbdBacking, with_identity
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.machines.boot_records import Boot

# Of QEMU's; the rest is chosen at random.
_MAC_PREFIX = (0x52, 0x54, 0x00)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootPlan:
    """`sizes` has the disks that the point has; `description` is the new machine's."""

    boot: Boot
    description: str
    sizes: Mapping[str, int]
    nvram: bytes | None = None
    tpm: bytes | None = None
    has_agent: bool = False


def new_uuid() -> str:
    return str(uuid.uuid4())


def description_of(xml: str, boot: Boot, *, is_isolated: bool) -> str:
    """The machine of a point with an identity of its own, its disks backed by the vault.

    Its own UUID, generation and network addresses: whatever goes by them inside the guest and
    around it sees a copy, not the original twice. Disks that the point has not are left out, or
    the copy would write to those of the original.
    """
    spec = read_domain(xml)
    identity = Identity(
        name=boot.name,
        uuid=boot.uuid,
        generation_id=new_uuid(),
        nvram=str(boot.nvram) if spec.firmware.is_uefi else None,
        disks=_disks(spec, boot),
        macs={nic.mac: _new_mac() for nic in spec.nics if nic.mac},
        without_ways_out=is_isolated,
        without_host_devices=True,
        without_host_parts=True,
        console_log=str(boot.console),
        stop_on_error=True,
    )
    return with_identity(xml, identity)


def without_backing(xml: str, boot: Boot) -> str:
    """The same machine on disks that hold everything themselves."""
    places = {each: DiskPlace(path=str(boot.disk(each)), format="qcow2") for each in boot.targets}
    return with_identity(xml, Identity(disks=places))


def _disks(spec: DomainSpec, boot: Boot) -> dict[str, DiskPlace | None]:
    places: dict[str, DiskPlace | None] = {disk.target: None for disk in spec.hard_disks}
    for target in boot.targets:
        backing = NbdBacking(socket=str(boot.socket), export=target)
        places[target] = DiskPlace(path=str(boot.disk(target)), format="qcow2", backing=backing)
    return places


def _new_mac() -> str:
    return ":".join(f"{each:02x}" for each in (*_MAC_PREFIX, *secrets.token_bytes(3)))
