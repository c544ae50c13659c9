"""A disk that stands still in its files, of which the upper ones are what has changed."""

from pathlib import Path

import msgspec

from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_wire import ALLOCATION_DEPTH
from holdfast.disks.serving import served_image
from holdfast.machines.drift import drift_of
from holdfast.machines.layers import newer_layers
from holdfast.machines.overlays import LayeredDisk
from holdfast.machines.parents import Parent
from holdfast.machines.point_writer import PointWriter
from holdfast.machines.points import DiskFacts
from holdfast.machines.storing import store_disk
from holdfast.machines.tracking import LayersNow, choose_layers
from holdfast.machines.vm_disks import open_disk
from holdfast.machines.vm_job import Gathered, VmJob


def store_layered(
    job: VmJob,
    writer: PointWriter,
    disk: LayeredDisk,
    *,
    gathered: Gathered,
    parent: Parent | None,
) -> DiskFacts:
    """Its facts name the overlay it was relative to, if the record in it was sound."""
    before = parent.disk(disk.target) if parent else None
    top = disk.chain[0]
    newer = newer_layers(disk.chain, before.generation) if before else 0
    now = LayersNow(target=disk.target, size=top.size, newer=newer)
    track = choose_layers(now, before, wanted=job.wanted)
    with served_image(
        Path(top.path),
        job.place.folder / f"{disk.target}.nbd",
        format_=top.format,
        clock=job.clock,
        has_depths=True,
    ) as address:
        assert isinstance(address, UnixAddress)
        context = ALLOCATION_DEPTH if track.layers else None
        opened = open_disk(address, "", track, context=context, parent=parent, wish=job.audit_wish)
        with opened.source:
            facts = store_disk(writer, disk.plain, opened, gathered=gathered, checkpoints={})
            if not track.since or opened.track is not track:
                return facts
            drift = drift_of(opened.source.changed or (), opened.source.size)
            return msgspec.structs.replace(facts, generation=track.since, drift=drift)
