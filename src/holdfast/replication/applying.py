"""A change log becomes a point of a replica, or a part of its draft: all of it, or nothing.

What is made exists when replica.json names it. Until then it is nothing, whatever has died, and
goes when the replica is changed next.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.machines.points import Rung
from holdfast.replication.log_head import LoggedDisk, LogHead
from holdfast.replication.log_reader import files, parts
from holdfast.replication.log_writer import SealedLog
from holdfast.replication.point_files import put_point_files
from holdfast.replication.replica_errors import ReplicaGenerationUnknown, ReplicaWasWritten
from holdfast.replication.replica_facts import ReplicaDisk, ReplicaPoint
from holdfast.replication.replica_folder import ReplicaFolder, require_room, site_errors
from holdfast.replication.replica_layers import (
    LayersBeingWritten,
    make_layer,
    new_layer,
    seal_layer,
)
from holdfast.replication.replica_record import (
    Applied,
    Layer,
    LayerName,
    Record,
    with_applied,
    with_point,
)
from holdfast.storage.durable import sync_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """What applying a log needs; `on_step` gets a word at each step, for tests that break there."""

    folder: ReplicaFolder
    clock: Clock
    on_step: Callable[[str], None]


def apply_step(record: Record, log: SealedLog, work: Applying) -> Record:
    """The record with the new point; it is written, and the point exists, when this returns."""
    bases = bases_of_step(record, log.head)
    require_room(work.folder.site, log.plain_bytes, about=log.head.name)
    work.on_step("room seen")
    with undone_on_error(work.folder, record):
        beside = files(log.path)
        made = _made_layers(log, bases, work)
        layers = [*_sealed_draft(record, log.head, work.folder), *made.values()]
        disks = tuple(_disk(disk, log.head.until, made, bases) for disk in log.head.disks)
        point = _point(log.head, disks, tuple(sorted(beside)), now=work.clock.now())
        previous = record.facts.points[-1] if record.facts.points else None
        with site_errors(work.folder.path, about=log.head.name):
            put_point_files(work.folder, point, beside, like=previous)
        work.on_step("point put")
        applied = Applied(hash=log.hash, generation=log.head.until)
        done = with_applied(with_point(record, point, layers), applied)
        work.folder.write(done)
    work.on_step("noted")
    return done


def bases_of_step(record: Record, head: LogHead) -> Mapping[str, ReplicaDisk | None]:
    """What each disk of the log is put upon; None: upon nothing. Refused where it does not fit."""
    facts = record.facts
    if not head.since:
        return {disk.target: None for disk in head.disks}
    if facts.draft is not None and head.since == facts.draft.generation:
        # A disk that cannot be walked has no layer in the draft, and was compared with the head.
        below = record.tops if facts.draft.since else ()
        found = {disk.target: disk for disk in below}
        found |= _tops_of_draft(record, facts.draft.generation)
    elif facts.head and head.since == facts.head:
        if facts.written:
            raise ReplicaWasWritten(layer=facts.written, about=facts.name)
        found = {disk.target: disk for disk in record.tops}
    else:
        raise generation_unknown(record, head.since)
    return {disk.target: _base(record, head, disk, found) for disk in head.disks}


def generation_unknown(record: Record, since: str) -> ReplicaGenerationUnknown:
    facts = record.facts
    return ReplicaGenerationUnknown(
        about=facts.name,
        since=since or "-",
        head=facts.head or "-",
        history=", ".join(facts.history),
    )


@contextlib.contextmanager
def undone_on_error(folder: ReplicaFolder, record: Record) -> Iterator[None]:
    """What the record does not name goes again when it does not come to its end."""
    try:
        with site_errors(folder.path, about=record.facts.name):
            yield
    except BaseException:
        # A disk that fails now fails at that as well; whoever changes it next sweeps again.
        with contextlib.suppress(HoldfastError):
            sweep_layers(folder, folder.read())
        raise


def sweep_layers(folder: ReplicaFolder, record: Record) -> None:
    """Files of layers that replica.json does not name."""
    known = {layer.file for layer in record.layers}
    with site_errors(folder.path, about=record.facts.name):
        for path in folder.layers.iterdir():
            if path.name not in known:
                path.unlink()


def _tops_of_draft(record: Record, generation: str) -> dict[str, ReplicaDisk]:
    return {
        layer.target: ReplicaDisk(target=layer.target, size=layer.size, layer=generation)
        for layer in record.layers
        if layer.generation == generation
    }


def _base(
    record: Record, head: LogHead, disk: LoggedDisk, found: Mapping[str, ReplicaDisk]
) -> ReplicaDisk | None:
    """A log that has all of a disk needs nothing below; neither does one that was compared."""
    base = found.get(disk.target)
    if disk.rung is Rung.FULL:
        return None
    if base is None and disk.rung is not Rung.HASH:
        raise generation_unknown(record, head.since)
    return base


def _made_layers(
    log: SealedLog, bases: Mapping[str, ReplicaDisk | None], work: Applying
) -> dict[str, Layer]:
    """A layer for each disk that was written, or is of another size, or is new."""
    head, made = log.head, dict[str, Layer]()

    def layer_of(target: str) -> LayerName:
        disk = head.disk(target)
        assert disk is not None
        if target not in made:
            base = bases[target]
            name = LayerName(target, head.until)
            made[target] = new_layer(name, size=disk.size, below=base.layer if base else "")
            make_layer(work.folder, made[target])
        return made[target].name

    for disk in head.disks:
        base = bases[disk.target]
        if base is None or base.size != disk.size:
            layer_of(disk.target)
    with LayersBeingWritten(work.folder, work.clock) as layers:
        layers.write(parts(log.path), layer_of)
        work.on_step("written")
        layers.flush()
    sealed = {target: seal_layer(work.folder, layer) for target, layer in made.items()}
    sync_folder(work.folder.layers)
    work.on_step("sealed")
    return sealed


def _sealed_draft(record: Record, head: LogHead, folder: ReplicaFolder) -> list[Layer]:
    """A slice that was killed may have left them writable, and without a stamp."""
    generation = record.facts.draft.generation if record.facts.draft else ""
    if head.since != generation:
        return []
    found = [layer for layer in record.layers if layer.generation == generation]
    return [seal_layer(folder, layer) for layer in found]


def _point(
    head: LogHead, disks: tuple[ReplicaDisk, ...], names: tuple[str, ...], *, now: datetime
) -> ReplicaPoint:
    return ReplicaPoint(
        generation=head.until,
        taken_at=head.taken_at,
        applied_at=now,
        consistency=head.consistency,
        downgrades=head.downgrades,
        disks=disks,
        rungs={disk.target: disk.rung for disk in head.disks},
        whys={disk.target: disk.why for disk in head.disks if disk.why},
        left_out=head.left_out,
        group=head.group,
        files=names,
    )


def _disk(
    disk: LoggedDisk,
    generation: str,
    made: Mapping[str, Layer],
    bases: Mapping[str, ReplicaDisk | None],
) -> ReplicaDisk:
    if disk.target in made:
        return ReplicaDisk(target=disk.target, size=disk.size, layer=generation)
    base = bases[disk.target]
    assert base is not None
    return base
