"""A machine that moves to another host while it runs, with what its disks hold in their top images.

It stays paused there: whoever moves it says when it runs on, and until then nothing was lost here.
libvirt speaks to the other host itself, through sockets of this one.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.binding import load
from holdfast.hypervisor.domains import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationWay:
    """Sockets of this host; `memory` and `disks` have the same path on the other one."""

    libvirt: Path
    memory: Path
    disks: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What the machine is there: as it runs, and as it is started the next time."""

    live: str
    kept: str
    targets: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationStats:
    """As libvirt tells it, in bytes and milliseconds."""

    memory_bytes: int = 0
    disk_bytes: int = 0
    downtime_ms: int = 0
    elapsed_ms: int = 0


def leaving_forms(domain: Domain) -> tuple[str, str]:
    """As it runs and as it is kept, in the form in which libvirt takes it to another host."""
    libvirt = load()
    flags = libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE
    with domain.handle() as handle:
        live = str(handle.XMLDesc(flags))
        return live, str(handle.XMLDesc(flags | libvirt.VIR_DOMAIN_XML_INACTIVE))


def migrate_paused(
    domain: Domain, way: MigrationWay, arrival: Arrival, *, bytes_per_second: int | None = None
) -> MigrationStats:
    """Off here and paused there when this returns; raises what kept it, and then it is here."""
    libvirt = load()
    flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER
    flags |= libvirt.VIR_MIGRATE_NON_SHARED_INC | libvirt.VIR_MIGRATE_PERSIST_DEST
    flags |= libvirt.VIR_MIGRATE_PAUSED | libvirt.VIR_MIGRATE_AUTO_CONVERGE
    # A disk that cannot be written there ends it, instead of a guest that is stopped here.
    flags |= libvirt.VIR_MIGRATE_ABORT_ON_ERROR
    params: dict[str, Any] = {
        libvirt.VIR_MIGRATE_PARAM_URI: f"unix://{way.memory}",
        libvirt.VIR_MIGRATE_PARAM_DISKS_URI: f"unix://{way.disks}",
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: arrival.live,
        libvirt.VIR_MIGRATE_PARAM_PERSIST_XML: arrival.kept,
        libvirt.VIR_MIGRATE_PARAM_MIGRATE_DISKS: list(arrival.targets),
    }
    if bytes_per_second is not None:
        params[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = max(1, bytes_per_second >> 20)
    with domain.handle() as handle:
        handle.migrateToURI3(f"qemu+unix:///system?socket={way.libvirt}", params, flags)
    return _completed(domain)


def stop_migration(domain: Domain) -> None:
    """The one under way, if there is one."""
    with contextlib.suppress(HoldfastError), domain.handle() as handle:
        handle.abortJob()


def _completed(domain: Domain) -> MigrationStats:
    """Nothing is lost if nobody can be asked."""
    found: Mapping[str, Any] = {}
    with contextlib.suppress(HoldfastError), domain.handle() as handle:
        found = handle.jobStats(load().VIR_DOMAIN_JOB_STATS_COMPLETED)
    return read_migration(found)


def read_migration(found: Mapping[str, Any]) -> MigrationStats:
    return MigrationStats(
        memory_bytes=int(found.get("memory_processed", 0)),
        disk_bytes=int(found.get("disk_processed", 0)),
        downtime_ms=int(found.get("downtime", 0)),
        elapsed_ms=int(found.get("time_elapsed", 0)),
    )
