"""Disks of a running machine: their sizes and counters, and libvirt's own jobs on them."""

from dataclasses import dataclass
from enum import Enum

from holdfast.hypervisor.binding import load
from holdfast.hypervisor.domains import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSize:
    """Bytes: what the guest sees, what is written, how large the file or device is."""

    capacity: int
    allocation: int
    physical: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskCounters:
    """Since the machine was started."""

    read_bytes: int
    read_requests: int
    written_bytes: int
    write_requests: int
    flushes: int


class DiskJobKind(Enum):
    """As libvirt numbers them."""

    UNKNOWN = 0
    PULL = 1
    COPY = 2
    COMMIT = 3
    ACTIVE_COMMIT = 4
    BACKUP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskJob:
    kind: DiskJobKind
    done: int
    total: int

    @property
    def is_ready(self) -> bool:
        """Source and copy are equal, and are kept equal until the pivot."""
        return self.done == self.total and self.total > 0


def disk_size(domain: Domain, target: str) -> DiskSize:
    with domain.handle() as handle:
        capacity, allocation, physical = handle.blockInfo(target)
    return DiskSize(capacity=capacity, allocation=allocation, physical=physical)


def disk_counters(domain: Domain, target: str) -> DiskCounters:
    with domain.handle() as handle:
        found: dict[str, int] = handle.blockStatsFlags(target)
    return DiskCounters(
        read_bytes=found.get("rd_bytes", 0),
        read_requests=found.get("rd_operations", 0),
        written_bytes=found.get("wr_bytes", 0),
        write_requests=found.get("wr_operations", 0),
        flushes=found.get("flush_operations", 0),
    )


def disk_job(domain: Domain, target: str) -> DiskJob | None:
    """The job on this disk, whoever began it."""
    with domain.handle() as handle:
        found: dict[str, int] = handle.blockJobInfo(target, 0)
    if not found:
        return None
    number = found.get("type", 0)
    known = number in {kind.value for kind in DiskJobKind}
    return DiskJob(
        kind=DiskJobKind(number if known else 0),
        done=found.get("cur", 0),
        total=found.get("end", 0),
    )


def pull_disk(domain: Domain, target: str, *, bytes_per_second: int = 0) -> None:
    """Begin to fetch all a disk's backing holds into the disk itself; it ends by itself."""
    flags = load().VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES
    with domain.handle() as handle:
        handle.blockPull(target, bytes_per_second, flags)


def copy_disk(
    domain: Domain, target: str, *, destination_xml: str, onto_existing: bool = False
) -> None:
    """Begin a copy that is kept equal until `end_disk_job`; only a pivot moves the machine."""
    libvirt = load()
    # Without "transient job" libvirt refuses a persistent machine: a restart loses the copy.
    flags = libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    if onto_existing:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT
    with domain.handle() as handle:
        handle.blockCopy(target, destination_xml, {}, flags)


def end_disk_job(domain: Domain, target: str, *, pivot: bool = False) -> None:
    flags = load().VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT if pivot else 0
    with domain.handle() as handle:
        handle.blockJobAbort(target, flags)


def grow_disk(domain: Domain, target: str, *, size: int) -> None:
    with domain.handle() as handle:
        handle.blockResize(target, size, load().VIR_DOMAIN_BLOCK_RESIZE_BYTES)


def attach_device(domain: Domain, xml: str, *, for_good: bool = False) -> None:
    """Plug a device into the running machine; `for_good` keeps it for the next start too."""
    with domain.handle() as handle:
        handle.attachDeviceFlags(xml, _affected(for_good=for_good))


def detach_device(domain: Domain, xml: str, *, for_good: bool = False) -> None:
    """Ask the guest to let go of a device: it is gone when the description lacks it."""
    with domain.handle() as handle:
        handle.detachDeviceFlags(xml, _affected(for_good=for_good))


def _affected(*, for_good: bool) -> int:
    libvirt = load()
    live = int(libvirt.VIR_DOMAIN_AFFECT_LIVE)
    return live | int(libvirt.VIR_DOMAIN_AFFECT_CONFIG) if for_good else live
