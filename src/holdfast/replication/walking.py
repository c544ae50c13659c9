"""A walk over all of a machine: the first copy, a copy that was carried there, a resync.

A checkpoint is made; then each disk is read in slices, each at an instant of its own after it,
each with a log and a job of its own. What is written meanwhile is in the record since the
checkpoint, and the step that ends the walk brings it: then all of it is one instant. However large
the disks are, a slice is all that a death costs, and all that the spool must hold.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from holdfast.base.errors import HoldfastError
from holdfast.base.units import GIB, MIB
from holdfast.disks.images import add_bitmap, remove_bitmap
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.spans import Span, clipped, intersection, union
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.checkpoints import create_checkpoint, stored_form
from holdfast.hypervisor.xml_reading import Element, sub, write_xml
from holdfast.machines.adopting import end_our_job
from holdfast.machines.blocks import touched
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.drift import spans_of
from holdfast.machines.nbd_source import NbdSource
from holdfast.machines.offline import image_of
from holdfast.machines.points import Rung
from holdfast.machines.pulling import patiently, prepare_pull, undone_on_error
from holdfast.machines.records_off import drop_records_off
from holdfast.machines.scratch_guard import guarded
from holdfast.machines.tracking import MapState, Track, Why
from holdfast.replication.log_head import Kind, LoggedDisk, LogHead
from holdfast.replication.log_writer import LogWriter, SealedLog
from holdfast.replication.offline_cycle import opened_off, require_off
from holdfast.replication.source_audit import is_cut
from holdfast.replication.source_errors import WalkBroken
from holdfast.replication.source_facts import How, KeptDisk, Walk, WalkDisk
from holdfast.replication.source_job import SourceJob, known, note_checkpoints
from holdfast.replication.source_looking import Sight, looks_of
from holdfast.replication.source_making import RecordLost, asking
from holdfast.replication.source_reading import Amount, log_differences, log_spans
from holdfast.replication.source_tracks import walk_over

# One question about where data is; the digests of so much are 8 MiB.
_WINDOW = 64 * GIB
# By the record of changes, or by it and another one.
_RECORDED = (How.CHANGES, How.UNION)
_RUNGS = {
    How.FULL: Rung.FULL,
    How.COMPARE: Rung.HASH,
    How.CHANGES: Rung.BITMAP,
    How.UNION: Rung.BITMAP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteHas:
    """What a walk begins upon; empty for nothing at all."""

    head: str = ""
    disks: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceMade:
    log: SealedLog
    walk: Walk
    dirty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What of a disk is in a slice: up to where, how much, and where it had data."""

    end: int
    amount: Amount = field(default_factory=Amount)
    data: tuple[Span, ...] = ()


_NOTHING = _Part(end=0)


def begin_walk(job: SourceJob, sight: Sight, site: SiteHas, *, why: str) -> Walk | None:
    """From its checkpoint on everything is recorded; None where no disk can be recorded.

    The machine is held by the caller, and no log waits.
    """
    sent, _before = known(job)
    there = dict(site.disks or {})
    is_known = sent.acked is not None and sent.acked.name == site.head
    over = walk_over(
        sight.now,
        base=sent.acked if is_known else None,
        there=there,
        distrusted=sent.distrusted,
        formats=sight.formats,
        united=job.folder.suspects(site.head) if is_known and sent.is_adopted else None,
    )
    if not over.is_needed:
        return None
    walk = Walk(
        generation=new_name(),
        since=site.head,
        why=why,
        begun_at=job.clock.now(),
        disks=tuple(
            msgspec.structs.replace(disk, chain=sight.chains.get(disk.target, ()))
            for disk in over.disks
        ),
        there=there,
        slice_bytes=job.slice_bytes,
    )
    # Noted before it is made: what is made and not noted would be removed, and this way round
    # nothing is lost either.
    note_checkpoints(job, sent, walk)
    walk = msgspec.structs.replace(walk, form=_begin_record(job, sight, walk.generation))
    job.folder.keep_walk(walk)
    job.on_step("walk-begun")
    return walk


def _begin_record(job: SourceJob, sight: Sight, name: str) -> str:
    """Of all disks that can be recorded; its description, which makes it known again."""
    if sight.is_live:
        create_checkpoint(job.domain, name, disks=sight.recordable)
        return stored_form(job.domain, name)
    begun: list[Path] = []
    # While it is off, libvirt does not remove those nobody needs.
    keep = CheckpointNotes(job.home, job.uuid, job.clock).of_others("")
    drop_records_off(job.domain, keep=keep)
    try:
        for disk in sight.disks:
            if disk.target in sight.recordable:
                path = image_of(job.domain, disk)
                add_bitmap(path, name)
                begun.append(path)
    except BaseException:
        for path in begun:
            with contextlib.suppress(HoldfastError):
                remove_bitmap(path, name)
        raise
    return form_of(name, sight.recordable, job.clock.now().timestamp())


def form_of(name: str, disks: tuple[str, ...], created: float) -> str:
    """As libvirt would describe a checkpoint whose bitmaps are in the images already."""
    root = Element("domaincheckpoint")
    sub(root, "name").text = name
    sub(root, "creationTime").text = str(int(created))
    listed = sub(root, "disks")
    for target in disks:
        sub(listed, "disk", {"name": target, "checkpoint": "bitmap", "bitmap": name})
    return write_xml(root)


def make_slice(job: SourceJob, walk: Walk, sight: Sight) -> SliceMade:
    """The next one, into the spool. The machine is held by the caller."""
    _require_record(walk, sight)
    disk = walk.next_disk
    head = _head(job, walk, sight, disk)
    with LogWriter(job.spool.next_path(), head) as writer:
        part = _log_part(job, writer, walk, sight, disk) if disk else _NOTHING
        sealed = writer.seal()
    job.on_step("sliced")
    if disk is not None and part.data:
        _remember_data(job, walk, disk, part.data)
    made = walk.with_slice(part.end, logged=part.amount.logged)
    job.folder.keep_walk(made)
    return SliceMade(log=sealed, walk=made, dirty=part.amount.dirty)


def _remember_data(job: SourceJob, walk: Walk, disk: WalkDisk, data: Sequence[Span]) -> None:
    """By it the step that ends the walk sees a disk that was cut off and has grown again.

    No record knows of that, and the slices have what was there before.
    """
    maps = job.folder.data_map(walk.generation)
    found = touched(data, disk.size)
    known_before = np.unpackbits(np.frombuffer(maps.get(disk.target, b""), dtype=np.uint8))
    found[: len(known_before)] |= known_before[: len(found)].astype(np.bool_)
    maps[disk.target] = np.packbits(found).tobytes()
    job.folder.keep_data_map(walk.generation, maps)


def _require_record(walk: Walk, sight: Sight) -> None:
    """Everything since its checkpoint must be in the record, or the slices are of no instant."""
    for disk in walk.disks:
        now = next((each for each in sight.now if each.target == disk.target), None)
        if now is None:
            # Unplugged: the step that ends the walk goes without it.
            continue
        if now.map_state is not MapState.RECORDING:
            raise WalkBroken(about=sight.spec.name, reason=f"{disk.target}: {now.map_state.value}")
        if now.size < disk.size:
            raise WalkBroken(about=sight.spec.name, reason=f"{disk.target}: {Why.SHRUNK.value}")


def _head(job: SourceJob, walk: Walk, sight: Sight, disk: WalkDisk | None) -> LogHead:
    return LogHead(
        kind=Kind.SLICE,
        vm=job.uuid,
        name=job.domain.name,
        since=walk.since,
        until=walk.generation,
        slice=walk.made,
        taken_at=job.clock.now(),
        disks=tuple(
            LoggedDisk(
                target=disk.target,
                size=disk.size,
                format=disk.format,
                rung=_RUNGS[disk.how],
                why=disk.why,
            )
            for disk in ([disk] if disk else [])
        ),
        left_out=dict(sight.left_out),
    )


def _log_part(job: SourceJob, writer: LogWriter, walk: Walk, sight: Sight, disk: WalkDisk) -> _Part:
    if all(now.target != disk.target for now in sight.now):
        return _Part(end=disk.size)
    start = walk.next_start[1]
    with _opened(job, sight, disk) as source:
        if disk.how in _RECORDED:
            source.also_changed(_not_recorded(job, walk, disk, source.size))
        within = Span(start, _end_of_slice(source, disk, start, most=walk.slice_bytes))
        if disk.how is How.CHANGES:
            _require_whole(job, walk, disk, source, within)
        data = clipped(source.data_within(within), within)
        amount = _log(job, writer, disk, source, within)
        return _Part(end=within.end, amount=amount, data=tuple(data))


def _not_recorded(job: SourceJob, walk: Walk, disk: WalkDisk, size: int) -> list[Span]:
    """What may differ from what the site has, and is in no record of this host."""
    drift = spans_of(disk.drift, size)
    if disk.how is not How.UNION:
        return drift
    suspects = job.folder.suspects(walk.since).get(disk.target)
    if suspects is None:
        raise RecordLost(Why.MAP_MISSING, disk.target)
    spans = (Span(start, min(end, size)) for start, end in suspects.spans())
    return union(drift, [span for span in spans if span.length > 0])


def _require_whole(
    job: SourceJob, walk: Walk, disk: WalkDisk, source: NbdSource, within: Span
) -> None:
    """That its record is sound does not mean that nothing was cut off."""
    acked = known(job)[0].acked
    before = acked.disk(disk.target) if acked and acked.name == walk.since else None
    data = job.folder.data_map(walk.since).get(disk.target, b"")
    if before is not None and is_cut(source, before, data, within=within):
        raise RecordLost(Why.MAP_WRONG, disk.target)


def _end_of_slice(source: NbdSource, disk: WalkDisk, start: int, *, most: int) -> int:
    """Where so much data has come together; holes cost nothing, but for their digests."""
    window = Span(start, min(disk.size, start + _WINDOW))
    spans = source.data_within(window)
    if disk.how in _RECORDED:
        changed = clipped([Span(*each) for each in source.changed or ()], window)
        spans = intersection(spans, changed)
    left = most
    for span in spans:
        if span.length >= left:
            end = span.start + left
            # A log's frames and a replica's clusters are not to be cut.
            return min(window.end, end + -end % MIB)
        left -= span.length
    return window.end


def _log(
    job: SourceJob, writer: LogWriter, disk: WalkDisk, source: NbdSource, within: Span
) -> Amount:
    if disk.how is How.COMPARE:
        ask = asking(job, disk.target, is_behind=False)
        return log_differences(writer, disk.target, source, within, ask=ask, there=disk.there)
    if disk.how in _RECORDED:
        spans = clipped([Span(*each) for each in source.changed or ()], within)
        return log_spans(writer, disk.target, source, spans, with_zeros=True)
    return log_spans(writer, disk.target, source, [within], with_zeros=False)


@contextlib.contextmanager
def _opened(job: SourceJob, sight: Sight, disk: WalkDisk) -> Iterator[NbdSource]:
    if not sight.is_live:
        spec = next(each for each in sight.disks if each.target == disk.target)
        before = KeptDisk(target=disk.target, size=disk.before) if disk.checkpoint else None
        looks = looks_of(sight.disks, job.domain)
        with (
            job.place.made(),
            opened_off(job, spec, disk.checkpoint or None, before=before) as source,
        ):
            yield source
            require_off(job, sight, looks)
        return
    with (
        job.place.made(),
        guarded(job.domain, job.place, job.clock, reserve=job.reserve, share=job.scratch_share),
        undone_on_error(job.domain, job.clock, ""),
        _pulled(job, disk) as source,
    ):
        yield source


@contextlib.contextmanager
def _pulled(job: SourceJob, disk: WalkDisk) -> Iterator[NbdSource]:
    """One disk as it is now, in a job of its own that makes no checkpoint."""
    track = Track(
        target=disk.target,
        rung=_RUNGS[disk.how],
        why=Why.TRACKED if disk.checkpoint else Why.FIRST,
        since=disk.checkpoint or None,
    )
    prepared = prepare_pull(
        job.domain, job.place, name="", tracks={disk.target: track}, recordable=()
    )
    pull = prepared.begin()
    job.on_step("slice-begun")
    if pull.tracks[disk.target].since != track.since:
        raise WalkBroken(
            about=job.domain.name, reason=f"{disk.target}: {Why.MAP_INCONSISTENT.value}"
        )
    plan = pull.plan.disks[0]
    with NbdSource(
        UnixAddress(path=Path(pull.plan.socket)),
        plan.export,
        context=plan.context,
        before=disk.before,
    ) as source:
        yield source
    patiently(lambda: end_our_job(job.domain, job.clock), job.clock)
