"""A step of a machine that is off, from its images: the hypervisor has no part in it.

The record of changes can be read but no new one begun, so the generation names the checkpoint of
the one before, and what has changed beyond it. While nobody writes to the images there is nothing
to do at all, and no image is opened.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.serving import bitmap_context, served_image
from holdfast.disks.spans import Span
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.machines.backup_errors import VmStarted
from holdfast.machines.change_maps import images_with_record
from holdfast.machines.drift import drift_of, spans_of
from holdfast.machines.nbd_source import NbdSource
from holdfast.machines.offline import image_of, stillness_of
from holdfast.machines.points import Rung
from holdfast.machines.storing import DOMAIN_FILE, description, require_consistency
from holdfast.machines.tracking import Track, Why
from holdfast.machines.vm_disks import required_disks
from holdfast.machines.vm_job import Gathered
from holdfast.machines.vm_state import copy_nvram, copy_tpm
from holdfast.replication.log_writer import LogWriter
from holdfast.replication.source_audit import Looked, look
from holdfast.replication.source_facts import Generation, KeptDisk
from holdfast.replication.source_job import Held, SourceJob
from holdfast.replication.source_looking import Sight, looks_of
from holdfast.replication.source_making import (
    RecordLost,
    StepMade,
    asking,
    check_samples,
    head_of_step,
    keep_generation,
    log_files,
)
from holdfast.replication.source_reading import Amount, log_changes, log_differences
from holdfast.replication.source_tracks import choose_tracks


def is_unchanged(job: SourceJob, base: Generation | None) -> bool:
    """Nobody has written to the images since the generation, which was made of them."""
    if base is None or not base.images:
        return False
    disks, _left_out = required_disks(job.domain.spec(inactive=True))
    return base.images == looks_of(disks, job.domain)


def step_off(job: SourceJob, found: Held, sight: Sight) -> StepMade:
    with off_throughout(job), job.place.made():
        return _OffStep(job, found, sight).run()


@contextlib.contextmanager
def off_throughout(job: SourceJob) -> Iterator[None]:
    """Of a machine that was off at the beginning: VmStarted when that is what went wrong."""
    try:
        yield
    except VmStarted:
        raise
    except HoldfastError as err:
        # Its QEMU has the images and records open now, and whatever went wrong comes from that.
        if job.domain.is_active():
            raise VmStarted(about=job.domain.name) from err
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    looked: Looked
    amount: Amount
    kept: KeptDisk


class _OffStep:
    def __init__(self, job: SourceJob, found: Held, sight: Sight) -> None:
        self._job = job
        self._sight = sight
        self._walk = found.walk if found.walk and found.walk.is_over else None
        self._base = self._walk.base if self._walk else found.base
        self._is_behind = bool(found.waiting)
        self._tracks = choose_tracks(sight.now, self._base)

    def run(self) -> StepMade:
        job, name = self._job, new_name()
        gathered = self._gathered()
        looks = looks_of(self._sight.disks, job.domain)
        stilled = stillness_of(job.domain.standing())
        require_consistency(job, stilled)
        head = head_of_step(
            job,
            self._sight,
            gathered,
            since=self._base.name if self._base else "",
            until=name,
            tracks=self._tracks,
            stilled=stilled,
        )
        job.on_step("ready")
        with LogWriter(job.spool.next_path(), head) as writer:
            log_files(writer, gathered)
            read = {disk.target: self._read(writer, disk) for disk in self._sight.disks}
            job.on_step("read")
            require_off(job, self._sight, looks)
            if self._walk is None and not self._is_behind:
                check_samples(job, [each.looked.sampled for each in read.values()])
            sealed = writer.seal()
        job.on_step("sealed")
        generation = Generation(
            name=name,
            taken_at=gathered.taken_at,
            disks=tuple(each.kept for each in read.values()),
            form=self._base.form if self._base else "",
            images=looks,
            is_from_snapshot=job.domain.standing().is_from_snapshot,
        )
        data = {target: each.looked.data for target, each in read.items()}
        keep_generation(job, generation, data, walked=self._walk.generation if self._walk else "")
        job.on_step("kept")
        return StepMade(
            log=sealed,
            generation=generation,
            dirty={target: each.amount.dirty for target, each in read.items()},
            consistency=stilled.consistency,
            tracks=self._tracks,
        )

    def _gathered(self) -> Gathered:
        job, spec = self._job, self._sight.spec
        gathered = Gathered(taken_at=job.clock.now(), left_out=dict(self._sight.left_out))
        gathered.files[DOMAIN_FILE] = description(job.domain)
        copy_nvram(spec, gathered)
        copy_tpm(spec, gathered)
        return gathered

    def _read(self, writer: LogWriter, disk: DiskSpec) -> _Read:
        job, track = self._job, self._tracks[disk.target]
        before = self._base.disk(disk.target) if self._base else None
        with opened_off(job, disk, track.since, before=before) as source:
            data = job.folder.data_map(self._base.name) if self._base else {}
            looked = look(
                source, before, data.get(disk.target, b""), target=disk.target, wish=job.wish
            )
            if looked.lie is not None:
                raise RecordLost(Why.MAP_WRONG, disk.target)
            amount = self._log(writer, track, source, before)
            kept = self._kept(disk, track, source, looked)
        return _Read(looked=looked, amount=amount, kept=kept)

    def _log(
        self, writer: LogWriter, track: Track, source: NbdSource, before: KeptDisk | None
    ) -> Amount:
        if track.rung is Rung.HASH and before is not None:
            ask = asking(self._job, track.target, is_behind=self._is_behind)
            there, whole = min(before.size, source.size), Span(0, source.size)
            return log_differences(writer, track.target, source, whole, ask=ask, there=there)
        return log_changes(writer, track.target, source)

    def _kept(self, disk: DiskSpec, track: Track, source: NbdSource, looked: Looked) -> KeptDisk:
        changed = source.changed if track.since else None
        return KeptDisk(
            target=disk.target,
            size=source.size,
            format=disk.format or "raw",
            # Only a record that is sound now will be of use to the next step.
            checkpoint=track.since or "",
            drift=drift_of(changed, source.size) if changed else (),
            audit=looked.mark,
            last=looked.last,
            chain=self._sight.chains.get(disk.target, ()),
        )


def require_off(job: SourceJob, sight: Sight, looks: dict[str, tuple[int, ...]]) -> None:
    """What was read is one instant only if nobody wrote meanwhile; a start is never hindered."""
    if job.domain.is_active() or looks_of(sight.disks, job.domain) != looks:
        raise VmStarted(about=job.domain.name)


@contextlib.contextmanager
def opened_off(
    job: SourceJob, disk: DiskSpec, since: str | None, *, before: KeptDisk | None
) -> Iterator[NbdSource]:
    """A disk of a machine that is off, and its record since a checkpoint."""
    resting = Resting(machine=job.domain, folder=job.place.folder, clock=job.clock)
    with opened_resting(resting, disk, since, before=before) as source:
        yield source


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """A machine that is off, and where sockets may be made to read its disks."""

    machine: Domain | DomainSpec
    folder: Path
    clock: Clock


@contextlib.contextmanager
def opened_resting(
    resting: Resting, disk: DiskSpec, since: str | None, *, before: KeptDisk | None
) -> Iterator[NbdSource]:
    image, format_ = image_of(resting.machine, disk), disk.format or "raw"
    below = [_recorded(resting, path, disk.target, since) for path in _below(disk, since)]
    with served_image(
        image,
        _socket(resting, disk.target),
        format_=format_,
        clock=resting.clock,
        bitmap=since,
        lets_others_write=True,
    ) as address:
        context = bitmap_context(since) if since else None
        assert isinstance(address, UnixAddress)
        with NbdSource(address, "", context=context, before=before.size if before else 0) as source:
            if before is not None and since:
                source.also_changed(spans_of(before.drift, source.size))
                for spans in below:
                    source.also_changed([Span(a, min(b, source.size)) for a, b in spans])
            yield source


def _below(disk: DiskSpec, since: str | None) -> list[Path]:
    return images_with_record(disk, since)[1:] if since else []


def _recorded(resting: Resting, path: Path, target: str, since: str | None) -> list[Span]:
    """What an image below has of the record."""
    assert since is not None
    with (
        served_image(
            path,
            _socket(resting, target),
            format_="qcow2",
            clock=resting.clock,
            bitmap=since,
            lets_others_write=True,
        ) as address,
        NbdSource(address, "", context=bitmap_context(since)) as source,
    ):
        return [Span(*each) for each in source.changed or ()]


def _socket(resting: Resting, target: str) -> Path:
    return resting.folder / f"{target}.nbd"
