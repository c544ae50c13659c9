"""What the disks of a machine that ran here hold since it was shipped last, disk by disk.

Each is looked at as a step of the machine would: by its record of changes, if that is sound, and
with the same doubt. What nobody knows is said, and is compared then; it is never passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.machines.audit_plan import AuditWish
from holdfast.machines.change_maps import chain_of
from holdfast.machines.offline import image_of
from holdfast.machines.points import Rung
from holdfast.machines.tracking import DiskNow, Why, choose_track
from holdfast.replication.adoption import SOUND, AdoptedDisk, Suspects
from holdfast.replication.offline_cycle import Resting, opened_resting
from holdfast.replication.source_audit import look
from holdfast.replication.source_facts import Generation, KeptDisk, Sent
from holdfast.replication.source_looking import look_of, now_off, without_lost

_ALL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """`suspects` mean something only where `disk.why` is empty."""

    disk: AdoptedDisk
    suspects: Suspects


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What the old host knows of the replication from there; `data` is where its disks had data."""

    sent: Sent | None
    data: Mapping[str, bytes]
    # Nothing that was recorded here counts, as a person has said.
    is_distrusted: bool = False

    @property
    def acked(self) -> Generation | None:
        return self.sent.acked if self.sent else None

    def trusts(self, target: str) -> bool:
        doubted = {*self.sent.distrusted} if self.sent else {_ALL}
        return not self.is_distrusted and not {target, _ALL} & doubted


def look_home(
    resting: Resting, spec: DomainSpec, disks: tuple[DiskSpec, ...], shipped: Shipped
) -> tuple[Looked, ...]:
    """The machine is off, and stays off while this looks."""
    found = []
    for disk, now in zip(disks, now_off(spec, disks, shipped.acked), strict=True):
        before = shipped.acked.disk(disk.target) if shipped.acked else None
        found.append(_looked(resting, disk, now, before=before, shipped=shipped))
    return tuple(found)


def _looked(
    resting: Resting, disk: DiskSpec, now: DiskNow, *, before: KeptDisk | None, shipped: Shipped
) -> Looked:
    if before is None or not shipped.trusts(disk.target):
        return _unknown(disk, now, Why.FIRST if before is None else Why.ASKED)
    if _is_untouched(resting, disk, shipped.acked):
        return _known(disk, now, Suspects.none(now.size))
    chain = chain_of(disk, is_live=False)
    track = choose_track(without_lost(now, shipped.acked, chain), before.facts)
    if track.rung is not Rung.BITMAP:
        return _unknown(disk, now, track.why)
    return _by_record(resting, disk, now, before=before, shipped=shipped)


def _is_untouched(resting: Resting, disk: DiskSpec, acked: Generation | None) -> bool:
    """Nobody has written to its image since it was shipped last, of a machine that was off.

    So even one that keeps no record needs no comparison. A device does not say when it was written.
    """
    image = image_of(resting.machine, disk)
    known = acked.images.get(disk.target) if acked else None
    return image.is_file() and known == look_of(image)


def _by_record(
    resting: Resting, disk: DiskSpec, now: DiskNow, *, before: KeptDisk, shipped: Shipped
) -> Looked:
    with opened_resting(resting, disk, before.checkpoint, before=before) as source:
        wish = AuditWish(now=resting.clock.now(), whole=False)
        data = shipped.data.get(disk.target, b"")
        doubted = look(source, before, data, target=disk.target, wish=wish)
        if doubted.lie is not None:
            return _unknown(disk, now, Why.MAP_WRONG)
        return _known(disk, now, Suspects.of(source.changed or (), now.size))


def _known(disk: DiskSpec, now: DiskNow, suspects: Suspects) -> Looked:
    return Looked(disk=_disk(disk, now, SOUND, suspects.total), suspects=suspects)


def _unknown(disk: DiskSpec, now: DiskNow, why: Why) -> Looked:
    everything = Suspects.of([(0, now.size)], now.size)
    return Looked(disk=_disk(disk, now, why.value, now.size), suspects=everything)


def _disk(disk: DiskSpec, now: DiskNow, why: str, suspect: int) -> AdoptedDisk:
    return AdoptedDisk(
        target=disk.target,
        size=now.size,
        format=disk.format or "raw",
        why=why,
        suspect_bytes=suspect,
    )
