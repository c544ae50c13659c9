"""The disks of a machine as they are now, and what became of their records of changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

from holdfast.disks.image_facts import Link
from holdfast.disks.images import inspect
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.domain_disks import disk_size
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.machines.change_maps import (
    can_record,
    chain_of,
    image_state,
    images_with_record,
    is_merged_away,
    live_states,
)
from holdfast.machines.offline import image_of
from holdfast.machines.pulling import patiently
from holdfast.machines.storing import description
from holdfast.machines.tracking import DiskNow, MapState
from holdfast.machines.vm_disks import required_disks
from holdfast.replication.source_facts import Generation
from holdfast.replication.source_job import SourceJob

_DESCRIPTION = "domain.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A machine, on or off."""

    spec: DomainSpec
    is_live: bool
    disks: tuple[DiskSpec, ...]
    left_out: Mapping[str, str]
    now: tuple[DiskNow, ...]
    # The images of each disk, from the top.
    chains: Mapping[str, tuple[str, ...]]

    @property
    def recordable(self) -> tuple[str, ...]:
        return tuple(disk.target for disk in self.now if disk.can_record)

    @property
    def formats(self) -> dict[str, str]:
        return {disk.target: disk.format or "raw" for disk in self.disks}

    def size(self, target: str) -> int:
        return next(disk.size for disk in self.now if disk.target == target)


def look_at(job: SourceJob, base: Generation | None, *, is_live: bool) -> Sight:
    """`base` is what the records of changes should be since."""
    domain = job.domain
    spec = domain.spec(inactive=not is_live)
    disks, left_out = required_disks(spec)
    found = _live(job, disks, base) if is_live else now_off(domain, disks, base)
    chains = {disk.target: chain_of(disk, is_live=is_live) for disk in disks}
    return Sight(
        spec=spec,
        is_live=is_live,
        disks=disks,
        left_out=left_out,
        now=tuple(without_lost(now, base, chains[now.target]) for now in found),
        chains={target: tuple(link.path for link in chain) for target, chain in chains.items()},
    )


def without_lost(now: DiskNow, base: Generation | None, chain: tuple[Link, ...]) -> DiskNow:
    before = base.disk(now.target) if base else None
    if before is None or now.map_state is not MapState.RECORDING:
        return now
    is_lost = is_merged_away(chain, before.chain)
    return replace(now, map_state=MapState.MISSING) if is_lost else now


def _live(
    job: SourceJob, disks: tuple[DiskSpec, ...], base: Generation | None
) -> tuple[DiskNow, ...]:
    states = _states(job, base) if base else {}
    return tuple(
        DiskNow(
            target=disk.target,
            size=disk_size(job.domain, disk.target).capacity,
            can_record=can_record(disk, is_live=True),
            map_state=states.get(disk.target, MapState.MISSING),
        )
        for disk in disks
    )


def _states(job: SourceJob, base: Generation) -> dict[str, MapState]:
    """A daemon that dies in the middle must not look like records that are gone."""
    found: dict[str, MapState] = {}
    for _try in range(2):
        patiently(lambda: list_checkpoints(job.domain), job.clock)
        found = _states_now(job.domain, base)
        if all(found.get(disk.target) for disk in base.disks if disk.checkpoint):
            break
    patiently(lambda: list_checkpoints(job.domain), job.clock)
    return found


def _states_now(domain: Domain, base: Generation) -> dict[str, MapState]:
    found = {}
    for name in sorted(base.checkpoints):
        # Its form is the newest checkpoint's, which is all that can be made known again.
        form = base.form if f">{name}<" in base.form else None
        states = live_states(domain, name, form)
        for disk in base.disks:
            if disk.checkpoint == name and disk.target in states:
                found[disk.target] = states[disk.target]
    return found


def now_off(
    machine: Domain | DomainSpec, disks: tuple[DiskSpec, ...], base: Generation | None
) -> tuple[DiskNow, ...]:
    """Of a machine that is off, as its images say it."""
    found = []
    for disk in disks:
        image = image_of(machine, disk)
        before = base.disk(disk.target) if base else None
        state = MapState.MISSING
        if before is not None and before.checkpoint and disk.format == "qcow2":
            state = _state_in_chain(disk, before.checkpoint)
        found.append(
            DiskNow(
                target=disk.target,
                size=inspect(image, format_=disk.format or "raw").virtual_size,
                can_record=can_record(disk, is_live=False),
                map_state=state,
            )
        )
    return tuple(found)


def _state_in_chain(disk: DiskSpec, checkpoint: str) -> MapState:
    """Of the image itself, and of those below it that have a part of the record."""
    state = image_state(disk, checkpoint)
    if state is not MapState.RECORDING:
        return state
    for path in images_with_record(disk, checkpoint)[1:]:
        bitmap = next(
            each for each in inspect(path, format_="qcow2").bitmaps if each.name == checkpoint
        )
        if bitmap.is_in_use:
            return MapState.INCONSISTENT
    return state


def looks_of(disks: tuple[DiskSpec, ...], domain: Domain) -> dict[str, tuple[int, ...]]:
    """What the images of a machine that is off look like from outside: equal, if nobody wrote.

    Its description is one of them, by a sum of it.
    """
    found: dict[str, tuple[int, ...]] = {_DESCRIPTION: (crc32(description(domain)),)}
    for disk in disks:
        found[disk.target] = look_of(image_of(domain, disk))
    return found


def look_of(image: Path) -> tuple[int, ...]:
    seen = image.stat()
    return (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)
