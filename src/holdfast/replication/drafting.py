"""A walk over a machine, slice by slice, into layers that no point names yet.

A slice may be written twice, or in part, and read at another instant the second time: the step that
makes a point of the draft has everything that changed since the walk began.
"""

import msgspec

from holdfast.disks import images
from holdfast.replication.applying import Applying, generation_unknown, undone_on_error
from holdfast.replication.log_head import LogHead
from holdfast.replication.log_reader import parts
from holdfast.replication.log_writer import SealedLog
from holdfast.replication.replica_errors import ReplicaSliceUnexpected
from holdfast.replication.replica_facts import Draft
from holdfast.replication.replica_folder import ReplicaFolder, require_room
from holdfast.replication.replica_layers import (
    FORMAT,
    LayersBeingWritten,
    make_layer,
    new_layer,
    seal_layer,
    writable,
)
from holdfast.replication.replica_record import (
    Applied,
    Layer,
    LayerName,
    Record,
    with_applied,
    with_draft,
)
from holdfast.storage.durable import sync_folder


def apply_slice(record: Record, log: SealedLog, work: Applying) -> Record:
    """The record with the slice in its draft, written when this returns."""
    head = log.head
    draft = _fitting_draft(record, head)
    require_room(work.folder.site, log.plain_bytes, about=head.name)
    work.on_step("room seen")
    with undone_on_error(work.folder, record):
        if draft is None:
            # An older one is none any more.
            draft = Draft(generation=head.until, since=head.since, slices=0)
            record = with_draft(with_draft(record, None), draft)
        if head.slice < draft.slices:
            return record
        record = _with_all_disks(record, head, work)
        layers = _write(record, log, work)
        grown = msgspec.structs.replace(draft, slices=head.slice + 1)
        applied = Applied(hash=log.hash, generation=head.until)
        done = with_applied(with_draft(record, grown, layers), applied)
        work.folder.write(done)
    work.on_step("noted")
    return done


def _fitting_draft(record: Record, head: LogHead) -> Draft | None:
    """None: the slice begins a new one."""
    draft = record.facts.draft
    if draft is not None and draft.generation == head.until and draft.since == head.since:
        if head.slice > draft.slices:
            raise _unexpected(record, head, draft.slices)
        return draft
    is_known = draft is not None and draft.generation == head.until
    if is_known or (head.since and head.since != record.facts.head):
        raise generation_unknown(record, head.since)
    if head.slice:
        raise _unexpected(record, head, 0)
    return None


def _unexpected(record: Record, head: LogHead, wanted: int) -> ReplicaSliceUnexpected:
    return ReplicaSliceUnexpected(about=record.facts.name, wanted=wanted, slice=head.slice)


def _with_all_disks(record: Record, head: LogHead, work: Applying) -> Record:
    """Layers of the draft for the disks that have none yet, as large as the disks are now."""
    draft = record.facts.draft
    assert draft is not None
    new = []
    for disk in head.disks:
        known = record.layer(LayerName(disk.target, draft.generation))
        if known is None:
            name = LayerName(disk.target, draft.generation)
            layer = new_layer(name, size=disk.size, below=record.base(disk.target))
            make_layer(work.folder, layer)
            new.append(seal_layer(work.folder, layer))
        elif known.size < disk.size:
            new.append(_grown(work.folder, known, disk.size))
    if not new:
        return record
    sync_folder(work.folder.layers)
    work.on_step("begun")
    return with_draft(record, draft, new)


def _grown(folder: ReplicaFolder, layer: Layer, size: int) -> Layer:
    path = folder.layer(layer.name)
    with writable(path):
        images.resize(path, size, format_=FORMAT)
    return seal_layer(folder, msgspec.structs.replace(layer, size=size))


def _write(record: Record, log: SealedLog, work: Applying) -> list[Layer]:
    """The layers that were written, durable."""
    generation = log.head.until

    def layer_of(target: str) -> LayerName:
        name = LayerName(target, generation)
        work.folder.layer(name).chmod(0o600)
        return name

    with LayersBeingWritten(work.folder, work.clock) as layers:
        layers.write(parts(log.path), layer_of)
        work.on_step("written")
        layers.flush()
    sealed = []
    for target in layers.written:
        layer = record.layer(LayerName(target, generation))
        assert layer is not None
        sealed.append(seal_layer(work.folder, layer))
    work.on_step("sealed")
    return sealed
