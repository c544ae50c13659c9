"""The disk counters of all machines of a host, in one question that waits for none of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.hypervisor.binding import load
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_disks import DiskCounters

_OFF = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCounters:
    uuid: str
    name: str
    # Another number after each start; None: it is off.
    run: int | None
    # None: it is busy, and its counters cannot be had now.
    disks: Mapping[str, DiskCounters] | None


def machine_counters(host: Host) -> list[MachineCounters]:
    libvirt = load()
    flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    with host.asking() as connection:
        found = connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_BLOCK, flags)
        return [_of(domain, told) for domain, told in found]


def _of(domain: Any, told: Mapping[str, Any]) -> MachineCounters:
    number = domain.ID()
    run = None if number == _OFF else int(number)
    return MachineCounters(
        uuid=domain.UUIDString(),
        name=domain.name(),
        run=run,
        disks={} if run is None else read_counters(told),
    )


def read_counters(told: Mapping[str, Any]) -> dict[str, DiskCounters] | None:
    """Libvirt's flat list of block.N.… by disk."""
    found = {}
    for number in range(told.get("block.count", 0)):
        part = f"block.{number}."
        if f"{part}wr.bytes" not in told:
            # An empty drive has none; a machine that is busy tells them of no disk at all.
            continue
        found[str(told[f"{part}name"])] = DiskCounters(
            read_bytes=told.get(f"{part}rd.bytes", 0),
            read_requests=told.get(f"{part}rd.reqs", 0),
            written_bytes=told[f"{part}wr.bytes"],
            write_requests=told.get(f"{part}wr.reqs", 0),
            flushes=told.get(f"{part}fl.reqs", 0),
        )
    return found or None
