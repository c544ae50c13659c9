"""A point of a machine that runs, by overlays: new ones are put on its disks, and it goes on in them.

What lies below stands still and is read from its files, and what lies in it since the newest point
has changed. When the point is in the vault it is merged down. Killed in the middle, all of it is
still there: the next backup has one more image to look at.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.disks.images import links
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.machines.adopting import drop_checkpoints
from holdfast.machines.backup_errors import VmImageNotHere
from holdfast.machines.layer_reading import store_layered
from holdfast.machines.overlay_merging import merge_unneeded
from holdfast.machines.overlay_putting import prepared_layers, settle_layers
from holdfast.machines.overlays import (
    LayeredDisk,
    as_plain,
    layered_disk,
    new_layers,
    require_layers,
    require_room,
)
from holdfast.machines.parents import Parent
from holdfast.machines.point_writer import PointReport
from holdfast.machines.points import VmPoint
from holdfast.machines.stillness import Stilled
from holdfast.machines.storing import (
    DOMAIN_FILE,
    description,
    make_facts,
    report_of,
    require_consistency,
    writer_for,
)
from holdfast.machines.vm_disks import required_disks
from holdfast.machines.vm_job import Gathered, VmJob, VmReport
from holdfast.machines.vm_state import copy_nvram, copy_tpm


def back_up_by_overlays(job: VmJob, parent: Parent | None, *, keep: frozenset[str]) -> VmReport:
    """`keep` are generations and checkpoints that points elsewhere name."""
    return _OverlayCycle(job, parent).run(keep)


class _OverlayCycle:
    def __init__(self, job: VmJob, parent: Parent | None) -> None:
        self._job = job
        self._domain = job.domain
        self._parent = parent
        self._spec = job.domain.spec()
        chosen, left_out = required_disks(self._spec)
        require_layers(job.domain, self._spec, chosen)
        for disk in chosen:
            if disk.source is None or not Path(disk.source).exists():
                raise VmImageNotHere(about=job.domain.name, disk=disk.target, source=disk.source)
        self._disks = tuple(layered_disk(disk, is_live=True) for disk in chosen)
        require_room(job.domain, self._disks, job.overlay_reserve)
        self._gathered = Gathered(taken_at=job.clock.now(), left_out=left_out)

    def run(self, keep: frozenset[str]) -> VmReport:
        job, gathered, name = self._job, self._gathered, new_name()
        gathered.files[DOMAIN_FILE] = as_plain(description(self._domain), self._disks)
        copy_tpm(self._spec, gathered)
        stilled = self._put(new_layers(self._disks, name))
        require_consistency(job, stilled)
        with job.place.made():
            point, facts = self._store(name, stilled)
        # Only now: until the point was named, what lay below was what counts.
        job.on_step("stored")
        with contextlib.suppress(HoldfastError):
            # What is not merged now, the next run will merge.
            merge_unneeded(self._domain, job.clock, needed=keep | {name})
            drop_checkpoints(self._domain, keep=keep)
        return report_of(job, gathered, point=point, facts=facts, stilled=stilled)

    def _put(self, files: Mapping[str, str]) -> Stilled:
        job = self._job
        prepared = prepared_layers(self._domain, files, home=job.home)
        still = job.stillness(self._domain)
        job.on_step("ready")
        try:
            with still.held():
                prepared.put()
                self._gathered.taken_at = job.clock.now()
                copy_nvram(self._spec, self._gathered)
        finally:
            settle_layers(self._domain, job.clock, home=job.home)
        job.on_step("begun")
        return still.outcome()

    def _store(self, name: str, stilled: Stilled) -> tuple[PointReport, VmPoint]:
        gathered = self._gathered
        with writer_for(self._job, self._parent) as writer:
            disks = [
                msgspec.structs.replace(
                    store_layered(
                        self._job, writer, _frozen(disk), gathered=gathered, parent=self._parent
                    ),
                    generation=name,
                    drift=(),
                )
                for disk in self._disks
            ]
            self._job.on_step("read")
            facts = make_facts(
                self._spec,
                gathered,
                stilled=stilled,
                disks=disks,
                checkpoint="",
                parent=self._parent,
            )
            return writer.commit(facts, gathered.files), facts


def _frozen(disk: LayeredDisk) -> LayeredDisk:
    """What the machine wrote to until now; its images say what lies below it."""
    top = disk.chain[0]
    return replace(disk, chain=links(Path(top.path), format_=top.format, is_live=True))
