"""What was seen of a machine as the planner keeps it, with how its changes can be measured."""

from datetime import datetime

from holdfast.hypervisor.domain_disks import DiskSize
from holdfast.machines.preflight import DiskSheet, MachineSeen, Sheet, Taken
from holdfast.machines.tracking import Tracking
from holdfast.replication.planner.machine_facts import (
    DiskFacts,
    MachineFacts,
    Measure,
    RemarkFacts,
)

_COUNTED = (Taken.TRACKED, Taken.COMPARED)
# By somebody, for the bitmaps in this machine's images.
_DECIDED_AGAINST = (Tracking.HASH, Tracking.OVERLAY)
_PLAIN = (str, int, float, bool)


def kept_facts(
    sheet: Sheet,
    seen: MachineSeen,
    sizes: dict[str, DiskSize],
    *,
    tracking: Tracking,
    host: str,
    at: datetime,
) -> MachineFacts:
    return MachineFacts(
        uuid=sheet.uuid,
        name=sheet.name,
        host=host,
        seen_at=at,
        disks=tuple(_disk(disk, sizes.get(disk.target), tracking) for disk in sheet.disks),
        memory=seen.spec.memory_bytes,
        vcpus=seen.spec.vcpus,
        extent=sheet.extent.value,
        consistency=sheet.consistency,
        remarks=tuple(
            RemarkFacts(
                code=remark.code,
                weight=remark.weight.value,
                disk=target,
                values={
                    k: v if isinstance(v, _PLAIN) else str(v) for k, v in remark.values.items()
                },
            )
            for target, remark in sheet.all_remarks()
        ),
    )


def never_recorded(facts: MachineFacts, tracking: Tracking) -> frozenset[str] | None:
    """Disks of which is not asked what differs; None: of no disk, whichever there will be."""
    if tracking in _DECIDED_AGAINST:
        return None
    return frozenset(disk.target for disk in facts.disks if disk.measure is Measure.WRITTEN)


def _disk(disk: DiskSheet, size: DiskSize | None, tracking: Tracking) -> DiskFacts:
    measure, why = _measure(disk, tracking)
    whole = disk.size or (size.capacity if size else 0)
    return DiskFacts(
        target=disk.target,
        size=whole,
        # A device has no allocation of its own: all of it is read.
        allocated=(size.allocation if size else 0) or whole,
        format=disk.format,
        measure=measure,
        why=why,
        taken=disk.taken.value,
    )


def _measure(disk: DiskSheet, tracking: Tracking) -> tuple[Measure, str]:
    if disk.taken not in _COUNTED:
        return Measure.WRITTEN, "not-taken"
    if tracking in _DECIDED_AGAINST:
        return Measure.WRITTEN, f"tracking-{tracking.value}"
    if disk.taken is Taken.COMPARED:
        return Measure.WRITTEN, "no-bitmaps"
    return Measure.UNIQUE, ""
