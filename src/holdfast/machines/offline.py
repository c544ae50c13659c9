"""A point of a machine that is off, from its images: the hypervisor has no part in it.

The record of changes can be read but no new one begun, so the point names the same checkpoint as
the one before: that record says what changed since then, and more.
"""

import contextlib
from pathlib import Path

import msgspec

from holdfast.disks.images import inspect
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.serving import bitmap_context, served_image
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.hypervisor.states import Standing
from holdfast.machines.backup_errors import VmImageNotHere, VmStarted
from holdfast.machines.change_maps import (
    CHECKPOINT_FILE,
    can_record,
    has_lost_record,
    image_state,
    images_with_record,
)
from holdfast.machines.downgrades import downgrade
from holdfast.machines.drift import drift_of
from holdfast.machines.layer_reading import store_layered
from holdfast.machines.overlays import as_plain, layered_disks
from holdfast.machines.parents import Parent
from holdfast.machines.point_writer import PointWriter
from holdfast.machines.points import Consistency, DiskFacts
from holdfast.machines.stillness import Stilled
from holdfast.machines.storing import (
    DOMAIN_FILE,
    description,
    make_facts,
    report_of,
    require_consistency,
    store_disk,
    writer_for,
)
from holdfast.machines.tracking import DiskNow, MapState, Track, choose_track
from holdfast.machines.vm_disks import open_disk, required_disks
from holdfast.machines.vm_job import Gathered, VmJob, VmReport
from holdfast.machines.vm_state import copy_nvram, copy_tpm

_IN_ORDER = "shutdown"


def back_up_off(job: VmJob, parent: Parent | None) -> VmReport:
    domain = job.domain
    stilled = stillness_of(domain.standing())
    require_consistency(job, stilled)
    spec = domain.spec(inactive=True)
    disks, left_out = required_disks(spec)
    layered = {disk.target: disk for disk in layered_disks(spec, is_live=False)}
    gathered = Gathered(taken_at=job.clock.now(), left_out=left_out)
    gathered.files[DOMAIN_FILE] = as_plain(description(domain), layered.values())
    with job.place.made(), writer_for(job, parent) as writer:
        copy_nvram(spec, gathered)
        copy_tpm(spec, gathered)
        facts_of = [
            store_layered(job, writer, layered[disk.target], gathered=gathered, parent=parent)
            if disk.target in layered
            else _store(job, writer, disk, gathered=gathered, parent=parent)
            for disk in disks
        ]
        if domain.is_active():
            # Its QEMU takes the images for itself, so this should not happen; better be sure.
            raise VmStarted(about=spec.name)
        checkpoint = next((each.checkpoint for each in facts_of if each.checkpoint), "")
        _keep_checkpoint(gathered, checkpoint, parent)
        facts = make_facts(
            spec, gathered, stilled=stilled, disks=facts_of, checkpoint=checkpoint, parent=parent
        )
        point = writer.commit(facts, gathered.files)
    return report_of(job, gathered, point=point, facts=facts, stilled=stilled)


def stillness_of(standing: Standing) -> Stilled:
    """Who was shut down in order has closed its file systems; of the others nobody knows."""
    if standing.reason == _IN_ORDER:
        return Stilled(consistency=Consistency.FILESYSTEM)
    reason = downgrade("powered-off")
    return Stilled(consistency=Consistency.CRASH, downgrades=(reason,))


def _store(
    job: VmJob,
    writer: PointWriter,
    disk: DiskSpec,
    *,
    gathered: Gathered,
    parent: Parent | None,
) -> DiskFacts:
    image = image_of(job.domain, disk)
    track = _track(job, disk, image, parent)
    socket = job.place.folder / f"{disk.target}.nbd"
    format_ = disk.format or "raw"
    with served_image(
        image, socket, format_=format_, clock=job.clock, bitmap=track.since
    ) as address:
        assert isinstance(address, UnixAddress)
        context = bitmap_context(track.since) if track.since else None
        opened = open_disk(address, "", track, context=context, parent=parent, wish=job.audit_wish)
        with opened.source:
            # Only a record that is sound now will be of use to the next run.
            kept = {disk.target: track.since} if track.since and opened.track is track else {}
            facts = store_disk(writer, disk, opened, gathered=gathered, checkpoints=kept)
            drift = drift_of(opened.source.changed or (), opened.source.size) if kept else ()
            return msgspec.structs.replace(facts, drift=drift)


def image_of(domain: Domain | DomainSpec, disk: DiskSpec) -> Path:
    if disk.kind in ("file", "block") and disk.source and Path(disk.source).exists():
        return Path(disk.source)
    raise VmImageNotHere(
        about=domain.name, disk=disk.target, source=disk.source or disk.kind or "-"
    )


def _track(job: VmJob, disk: DiskSpec, image: Path, parent: Parent | None) -> Track:
    before = parent.disk(disk.target) if parent else None
    state = MapState.MISSING
    if before is not None and before.checkpoint and disk.format == "qcow2":
        state = image_state(disk, before.checkpoint)
        if state is MapState.RECORDING and has_lost_record(disk, before, is_live=False):
            state = MapState.MISSING
        if state is MapState.RECORDING and len(images_with_record(disk, before.checkpoint)) > 1:
            # What was written before a snapshot stands in another image's record.
            state = MapState.INCONSISTENT
    now = DiskNow(
        target=disk.target,
        size=inspect(image, format_=disk.format or "raw").virtual_size,
        can_record=can_record(disk, is_live=False),
        map_state=state,
    )
    return choose_track(now, before, wanted=job.wanted)


def _keep_checkpoint(gathered: Gathered, checkpoint: str, parent: Parent | None) -> None:
    stored = parent.file(CHECKPOINT_FILE) if checkpoint and parent else None
    if stored is not None:
        with contextlib.suppress(UnicodeDecodeError):
            stored.decode()
            gathered.files[CHECKPOINT_FILE] = stored
