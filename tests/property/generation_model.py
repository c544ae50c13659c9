"""A machine, its records of changes and its replica in memory, under the real rules and real logs.

Only the reading and writing of disks is of the model: what is decided, remembered, merged, sent
and taken in is decided by the code itself. A disk is a list of blocks with a number each, 0 for
zeroes; a record of changes is the set of blocks that were written since it began.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.disks.spans import Span, merged
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.machines.blocks import BLOCK
from holdfast.machines.drift import drift_of, spans_of
from holdfast.machines.points import Rung
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.tracking import DiskNow, MapState, Track, Why, changed_spans
from holdfast.machines.vm_lock import FOLDER
from holdfast.replication import drafting
from holdfast.replication.applying import bases_of_step
from holdfast.replication.generations import Go, Move, WalkFirst, choose, next_move
from holdfast.replication.log_head import Kind, LoggedDisk, LogHead
from holdfast.replication.log_reader import files, parts, verify
from holdfast.replication.log_spool import Waiting
from holdfast.replication.log_writer import LogWriter, SealedLog
from holdfast.replication.receiver import Ack, Incoming
from holdfast.replication.replica_errors import ReplicaMissing
from holdfast.replication.replica_facts import Draft, ReplicaDisk, ReplicaFacts, ReplicaPoint
from holdfast.replication.replica_record import (
    Applied,
    Layer,
    LayerName,
    Record,
    Stamp,
    with_applied,
    with_draft,
    with_facts,
    with_point,
)
from holdfast.replication.resync import Because, sizes_there
from holdfast.replication.shipping import ByHand, Shipping, is_another_replica, reconcile
from holdfast.replication.source_facts import Generation, How, KeptDisk, Sent, Walk, WalkDisk
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.source_job import SourceJob, known, note_checkpoints
from holdfast.replication.source_making import keep_generation
from holdfast.replication.source_tracks import walk_over
from holdfast.testing.clock import FakeClock

VM = "6f0e2c6a-0f4e-4f43-9d5e-8d5d0f3f6a11"
SLICE_BLOCKS = 2

Blocks = list[int]


@dataclass
class Changes:
    """Of one checkpoint: the blocks written since, and whether it was closed in order."""

    dirty: set[int] = field(default_factory=set)
    is_sound: bool = True


@dataclass
class Image:
    blocks: Blocks
    can_record: bool = True
    records: dict[str, Changes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return BLOCK * len(self.blocks)

    def write(self, number: int, value: int) -> None:
        self.blocks[number] = value
        for record in self.records.values():
            record.dirty.add(number)

    def resize(self, count: int) -> None:
        """What grows is no part of any record, and what is cut off is forgotten by it."""
        self.blocks = (self.blocks + [0] * count)[:count]
        for record in self.records.values():
            record.dirty = {number for number in record.dirty if number < count}

    def killed(self) -> None:
        for record in self.records.values():
            record.is_sound = False

    def state(self, checkpoint: str) -> MapState:
        record = self.records.get(checkpoint)
        if record is None:
            return MapState.MISSING
        return MapState.RECORDING if record.is_sound else MapState.INCONSISTENT


@dataclass
class Machine:
    disks: dict[str, Image]
    is_live: bool = True

    def now(self, base: Generation | None) -> tuple[DiskNow, ...]:
        """As it is looked at: `base` says which record each disk should have."""
        return tuple(
            DiskNow(
                target=target,
                size=image.size,
                can_record=image.can_record,
                map_state=image.state(disk.checkpoint)
                if base and (disk := base.disk(target)) and disk.checkpoint
                else MapState.MISSING,
            )
            for target, image in self.disks.items()
        )

    def recordable(self) -> list[Image]:
        return [image for image in self.disks.values() if image.can_record]

    def keep_records(self, names: frozenset[str]) -> None:
        for image in self.disks.values():
            image.records = {name: each for name, each in image.records.items() if name in names}


class LinkCut(Exception):
    """The log is there and applied, and nobody here has heard of it."""


class ModelSite:
    """A replica whose layers are whole disks; what is accepted is decided by the real code."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self._folder = folder
        self._clock = clock
        self.record: Record | None = None
        self.layers: dict[LayerName, Blocks] = {}
        self.cuts_next = False

    def make(self) -> None:
        if self.record is None:
            self.record = Record(facts=ReplicaFacts(vm=VM, name="web", source="north"))

    def state(self, _vm: str) -> ReplicaFacts | None:
        return self.record.facts if self.record else None

    def incoming(self, _vm: str, hash_: str, *, size: int) -> Incoming:  # noqa: ARG002  of the seam
        record = self._there()
        found = record.ack(hash_)
        if found is not None:
            return Incoming(ack=Ack(generation=found.generation, hash=hash_))
        (self._folder / hash_).unlink(missing_ok=True)
        return Incoming()

    def take(self, _vm: str, hash_: str, *, offset: int, content: memoryview) -> None:
        with open(self._folder / hash_, "ab") as log:
            assert log.tell() == offset
            log.write(content)

    def apply(self, _vm: str, hash_: str) -> Ack:
        record, path = self._there(), self._folder / hash_
        log = verify(path)
        head = log.head
        known_names = (record.facts.head, *record.facts.history)
        applied = Applied(hash=hash_, generation=head.until)
        if head.kind is Kind.STEP and head.until in known_names:
            self.record = with_applied(record, applied)
        else:
            done = self._slice(record, log) if head.kind is Kind.SLICE else self._step(record, log)
            self.record = with_applied(done, applied)
        path.unlink()
        if self.cuts_next:
            self.cuts_next = False
            raise LinkCut
        return Ack(generation=head.until, hash=hash_)

    def hashes(self, _vm: str, target: str, *, start: int, length: int, chunk: int) -> bytes:
        assert chunk == BLOCK
        record = self._there()
        base = record.base(target)
        blocks = self.layers[LayerName(target, base)] if base else []
        first, count = start // BLOCK, -(-length // BLOCK)
        return b"".join(digest((blocks + [0] * (first + count))[first + n]) for n in range(count))

    def content(self, disk: ReplicaDisk) -> Blocks:
        return self.layers[LayerName(disk.target, disk.layer)]

    def spoil(self, target: str, number: int, value: int) -> None:
        """Somebody starts a machine on the newest layer."""
        record = self._there()
        disk = record.top(target)
        if disk is None:
            return
        name = LayerName(target, disk.layer)
        blocks = list(self.layers[name])
        if number < len(blocks):
            blocks[number] = value
            self.layers[name] = blocks
            points = tuple(
                msgspec.structs.replace(point, is_spoiled=True)
                if (seen := point.disk(target)) and seen.layer == disk.layer
                else point
                for point in record.facts.points
            )
            self.record = with_facts(record, written=name.file, points=points)
            draft = record.facts.draft
            if draft is not None and draft.since:
                # A draft stands on what was written to.
                self.record = with_draft(self.record, None)

    def _there(self) -> Record:
        if self.record is None:
            raise ReplicaMissing(vm=VM)
        return self.record

    def _step(self, record: Record, log: SealedLog) -> Record:
        head = log.head
        bases = bases_of_step(record, head)
        written = contents(log.path)
        made, disks = list[Layer](), list[ReplicaDisk]()
        for disk in head.disks:
            base = bases[disk.target]
            if base is not None and base.size == disk.size and disk.target not in written:
                disks.append(base)
                continue
            below = self.layers[LayerName(disk.target, base.layer)] if base else []
            made.append(self._layer(disk, head.until, base.layer if base else "", below))
            put(self.layers[made[-1].name], written.get(disk.target, {}))
            disks.append(ReplicaDisk(target=disk.target, size=disk.size, layer=head.until))
        point = ReplicaPoint(
            generation=head.until,
            taken_at=head.taken_at,
            applied_at=self._clock.now(),
            consistency=head.consistency,
            disks=tuple(disks),
            files=tuple(files(log.path)),
        )
        draft = record.facts.draft
        drafted = [each for each in record.layers if draft and each.generation == head.since]
        return with_point(record, point, [*drafted, *made])

    def _slice(self, record: Record, log: SealedLog) -> Record:
        head = log.head
        draft = drafting._fitting_draft(record, head)
        if draft is None:
            draft = Draft(generation=head.until, since=head.since, slices=0)
            record = with_draft(with_draft(record, None), draft)
        if head.slice < draft.slices:
            return record
        made = []
        for disk in head.disks:
            name = LayerName(disk.target, draft.generation)
            layer = record.layer(name)
            if layer is None:
                base = record.base(disk.target)
                below = self.layers[LayerName(disk.target, base)] if base else []
                layer = self._layer(disk, draft.generation, base, below)
                made.append(layer)
            put(self.layers[name], contents(log.path).get(disk.target, {}))
        grown = msgspec.structs.replace(draft, slices=head.slice + 1)
        return with_draft(record, grown, made)

    def _layer(self, disk: LoggedDisk, generation: str, below: str, blocks: Blocks) -> Layer:
        count = disk.size // BLOCK
        name = LayerName(disk.target, generation)
        self.layers[name] = (blocks + [0] * count)[:count]
        return Layer(
            target=disk.target,
            generation=generation,
            size=disk.size,
            stamp=Stamp(size=0, mtime_ns=0),
            below=below,
        )


class Source:
    """A replicator without its threads."""

    def __init__(self, home: Path, machine: Machine, site: ModelSite, clock: FakeClock) -> None:
        self.machine, self.site, self.clock = machine, site, clock
        self.home = home
        (home / FOLDER).mkdir()
        self.folder = SourceFolder(str(home), VM)
        # What each disk was at the instant of each generation.
        self.truth: dict[str, dict[str, Blocks]] = {}
        self.is_connected = False
        # What was read for the site, by how it was known to be needed.
        self.walks: list[tuple[WalkDisk, bool, str]] = []
        self.steps: list[tuple[Track, bool]] = []

    @property
    def job(self) -> SourceJob:
        named = type("Named", (), {"uuid": VM, "name": "web"})()
        return SourceJob(
            domain=cast("Any", named),
            site="south",
            home=str(self.home),
            place=ScratchPlace.of(str(self.home), VM),
            clock=self.clock,
            folder=self.folder,
            receiver=cast("Any", self.site),
            slice_bytes=SLICE_BLOCKS * BLOCK,
        )

    def reconcile(self) -> None:
        self.site.make()
        reconcile(self.job, self.site.state(VM))
        self.is_connected = True

    def advance(self, *, is_killed: bool = False) -> Move:
        """One thing; `is_killed`: before it counts."""
        try:
            return self._advance(is_killed=is_killed)
        except HoldfastError as err:
            # A site that is asked for hashes may have been put back, or be empty.
            if not is_another_replica(err):
                raise
            self.reconcile()
            return Move.WAIT

    def _advance(self, *, is_killed: bool) -> Move:
        job = self.job
        sent, walk = known(job)
        move = next_move(sent, walk, waits=bool(job.spool.counted(sent, walk)))
        if move is Move.WALK and not self.is_connected:
            # The loop asks first.
            self.reconcile()
            return self._advance(is_killed=is_killed)
        self._tidy_up()
        waiting = job.spool.settle(sent, walk)
        match move:
            case Move.SLICE if walk is not None:
                self._slice(walk, is_killed=is_killed)
            case Move.WALK:
                self._begin(sent, is_killed=is_killed)
            case Move.STEP:
                return self._step(sent, walk, waiting, is_killed=is_killed)
            case _:
                pass
        return move

    def ship(self) -> bool:
        """Whether anything could be sent."""
        try:
            sent = Shipping(self.job, ByHand(cast("Any", self.site)), self.clock).ship_one()
        except LinkCut:
            return True
        except HoldfastError as err:
            if not is_another_replica(err):
                raise
            self.reconcile()
            return True
        return sent is not None

    @property
    def is_walking(self) -> bool:
        return known(self.job)[1] is not None

    def order(self) -> None:
        sent, walk = known(self.job)
        if walk is None:
            self.folder.keep_sent(sent.must(Because.ASKED, self.clock.now(), "*"))

    def _tidy_up(self) -> None:
        """What a run that was killed has left, and what nobody needs any more."""
        keep = note_checkpoints(self.job, *known(self.job))
        if self.machine.is_live:
            self.machine.keep_records(keep)

    def _begin(self, sent: Sent, *, is_killed: bool) -> None:
        job, facts = self.job, self.site.state(VM)
        head = facts.head if facts else ""
        there = sizes_there(facts)
        now = self.machine.now(sent.acked)
        over = walk_over(
            now,
            base=sent.acked if sent.acked and sent.acked.name == head else None,
            there=there,
            distrusted=sent.distrusted,
            formats={},
        )
        if not over.is_needed:
            self._step(sent, None, [], is_killed=is_killed)
            return
        for disk in over.disks:
            is_distrusted = bool({disk.target, "*"} & {*sent.distrusted})
            legal = self._is_recorded(disk.target, sent.acked, head, there) and not is_distrusted
            self.walks.append((disk, legal, head))
        walk = Walk(
            generation=new_name(),
            since=head,
            why=sent.must_walk or Because.FIRST,
            begun_at=self.clock.now(),
            disks=over.disks,
            there=there,
            slice_bytes=job.slice_bytes,
        )
        keep = note_checkpoints(job, sent, walk)
        if not self.machine.is_live:
            self.machine.keep_records(keep)
        for image in self.machine.recordable():
            image.records[walk.generation] = Changes()
        if not is_killed:
            self.folder.keep_walk(walk)

    def _is_recorded(
        self, target: str, acked: Generation | None, head: str, there: dict[str, int]
    ) -> bool:
        """Whether a sound record of exactly what the site has is there: seen from above."""
        image = self.machine.disks[target]
        if target not in there or not image.can_record:
            return False
        kept = acked.disk(target) if acked and acked.name == head else None
        name = kept.checkpoint if kept else head
        return image.state(name) is MapState.RECORDING and image.size >= there[target]

    def _slice(self, walk: Walk, *, is_killed: bool) -> None:
        for disk in walk.disks:
            image = self.machine.disks.get(disk.target)
            if image is None:
                continue
            is_sound = image.state(walk.generation) is MapState.RECORDING
            if not is_sound or image.size < disk.size:
                self._lost(Because.WALK_LOST)
                return
        next_disk, start = walk.next_disk, walk.next_start[1]
        end = 0 if next_disk is None else min(next_disk.size, start + walk.slice_bytes)
        part = None if next_disk is None else (next_disk, start, end)
        if part is not None and self._is_cut(walk, *part):
            self._lost(Why.MAP_WRONG, part[0].target)
            return
        disks = [] if part is None else [part[0]]
        head = LogHead(
            kind=Kind.SLICE,
            vm=VM,
            name="web",
            since=walk.since,
            until=walk.generation,
            slice=walk.made,
            taken_at=self.clock.now(),
            disks=tuple(
                LoggedDisk(target=d.target, size=d.size, rung=_RUNGS[d.how]) for d in disks
            ),
        )
        with LogWriter(self.job.spool.next_path(), head) as log:
            if part is not None and part[0].target in self.machine.disks:
                self._log_slice(log, *part)
            log.seal()
        if not is_killed and next_disk is not None:
            self._remember_data(walk, next_disk.target, start, end)
        if not is_killed:
            self.folder.keep_walk(walk.with_slice(end, logged=0))

    def _remember_data(self, walk: Walk, target: str, start: int, end: int) -> None:
        image = self.machine.disks.get(target)
        if image is None:
            return
        maps = self.folder.data_map(walk.generation)
        data = bytearray(maps.get(target, b"").ljust(len(image.blocks), b"\0"))
        for number in range(start // BLOCK, end // BLOCK):
            data[number] |= bool(image.blocks[number])
        self.folder.keep_data_map(walk.generation, maps | {target: bytes(data)})

    def _is_cut(self, walk: Walk, disk: WalkDisk, start: int, end: int) -> bool:
        image = self.machine.disks.get(disk.target)
        if disk.how is not How.CHANGES or image is None:
            return False
        changed = self._changed(image, disk.checkpoint, disk.before, disk.drift)
        data = self._data_of(walk.since, disk.target)
        return any(
            data[number : number + 1] == b"\1"
            and not image.blocks[number]
            and number not in changed
            for number in range(start // BLOCK, end // BLOCK)
        )

    def _log_slice(self, log: LogWriter, disk: WalkDisk, start: int, end: int) -> None:
        image = self.machine.disks[disk.target]
        numbers = set(range(start // BLOCK, end // BLOCK))
        if disk.how is How.COMPARE:
            numbers = self._differing(disk.target, sorted(numbers), disk.there)
        elif disk.how is How.CHANGES:
            assert image.state(disk.checkpoint) is MapState.RECORDING
            numbers &= self._changed(image, disk.checkpoint, disk.before, disk.drift)
        else:
            numbers = {number for number in numbers if image.blocks[number]}
        log_blocks(log, disk.target, image, numbers)

    def _differing(self, target: str, numbers: list[int], there: int) -> set[int]:
        """What the site has else, or has not: its disk is of so many bytes."""
        asked = [number for number in numbers if number < there // BLOCK]
        if not asked:
            return set(numbers)
        answer = self.site.hashes(
            VM, target, start=asked[0] * BLOCK, length=len(asked) * BLOCK, chunk=BLOCK
        )
        blocks = self.machine.disks[target].blocks
        same = {
            number
            for at, number in enumerate(asked)
            if answer[32 * at : 32 * at + 32] == digest(blocks[number])
        }
        return set(numbers) - same

    def _changed(
        self, image: Image, since: str, before: int, drift: tuple[tuple[int, int], ...]
    ) -> set[int]:
        dirty = [Span(n * BLOCK, (n + 1) * BLOCK) for n in image.records[since].dirty]
        spans = merged([*dirty, *spans_of(drift, image.size)])
        changed = changed_spans(spans, size=image.size, before=before)
        return {n for start, end in changed for n in range(start // BLOCK, -(-end // BLOCK))}

    def _step(
        self, sent: Sent, walk: Walk | None, waiting: list[Waiting], *, is_killed: bool
    ) -> Move:
        base = walk.base if walk else sent.base
        match choose(self.machine.now(base), base, waits=bool(waiting)):
            case WalkFirst(why=why):
                self._lost(why.value)
                return Move.WALK
            case Go(tracks=tracks):
                lies = [track.target for track in tracks.values() if self._is_lie(track, base)]
                if lies:
                    self._lost(Why.MAP_WRONG, lies[0])
                    return Move.WALK
                self._log_step(base, walk, tracks.values(), is_killed=is_killed)
                return Move.STEP
            case _:
                return Move.WAIT

    def _log_step(
        self,
        base: Generation | None,
        walk: Walk | None,
        tracks: Iterable[Track],
        *,
        is_killed: bool,
    ) -> None:
        name = new_name()
        if self.machine.is_live:
            for image in self.machine.recordable():
                image.records[name] = Changes()
        head = LogHead(
            kind=Kind.STEP,
            vm=VM,
            name="web",
            since=base.name if base else "",
            until=name,
            taken_at=self.clock.now(),
            disks=tuple(
                LoggedDisk(
                    target=track.target,
                    size=self.machine.disks[track.target].size,
                    rung=track.rung,
                    why=track.why.value,
                )
                for track in tracks
            ),
        )
        with LogWriter(self.job.spool.next_path(), head) as log:
            kept = [self._log_disk(log, track, base, name) for track in tracks]
            log.seal()
        self.truth[name] = {t: list(image.blocks) for t, image in self.machine.disks.items()}
        if not is_killed:
            generation = Generation(name=name, taken_at=self.clock.now(), disks=tuple(kept))
            walked = walk.generation if walk else ""
            keep_generation(self.job, generation, self._data(), walked=walked)

    def _data(self) -> dict[str, bytes]:
        """Which blocks have data, a byte for each."""
        disks = self.machine.disks.items()
        return {target: bytes(map(bool, image.blocks)) for target, image in disks}

    def _data_of(self, generation: str, target: str) -> bytes:
        """Where it had data, a byte for each block.

        Of a generation of which only the site knew that is not remembered, and the audit comes to
        see what was cut off; here it comes at once.
        """
        known_data = self.folder.data_map(generation)
        if not known_data and generation in self.truth:
            return bytes(map(bool, self.truth[generation].get(target, [])))
        return known_data.get(target, b"")

    def _is_lie(self, track: Track, base: Generation | None) -> bool:
        """Whether something that was data is a hole now, and was never written to."""
        before = base.disk(track.target) if base else None
        if base is None or before is None or track.since is None:
            return False
        image = self.machine.disks[track.target]
        changed = self._changed(image, track.since, before.size, before.drift)
        data = self._data_of(base.name, track.target)
        return any(
            had_data and not image.blocks[number] and number not in changed
            for number, had_data in enumerate(data[: len(image.blocks)])
        )

    def _log_disk(
        self, log: LogWriter, track: Track, base: Generation | None, name: str
    ) -> KeptDisk:
        image = self.machine.disks[track.target]
        before = base.disk(track.target) if base else None
        every = set(range(len(image.blocks)))
        changed = every
        if track.rung is Rung.BITMAP and track.since and before is not None:
            assert image.state(track.since) is MapState.RECORDING
            changed = self._changed(image, track.since, before.size, before.drift)
        elif track.rung is Rung.HASH and before is not None:
            there = min(before.size, image.size)
            changed = self._differing(track.target, sorted(every), there)
        is_recorded = before is not None and image.state(before.checkpoint) is MapState.RECORDING
        self.steps.append((track, is_recorded))
        log_blocks(log, track.target, image, changed)
        checkpoint = track.since or ""
        if self.machine.is_live:
            checkpoint = name if image.can_record else ""
        spans = [Span(n * BLOCK, (n + 1) * BLOCK) for n in sorted(changed)]
        has_drift = checkpoint and not self.machine.is_live
        return KeptDisk(
            target=track.target,
            size=image.size,
            checkpoint=checkpoint,
            drift=drift_of(spans, image.size) if has_drift else (),
        )

    def _lost(self, why: str, *distrusted: str) -> None:
        sent, _walk = known(self.job)
        self.folder.keep_walk(None)
        self.folder.keep_sent(sent.must(why, self.clock.now(), *distrusted))
        self.job.spool.settle(*known(self.job))


_RUNGS = {How.FULL: Rung.FULL, How.COMPARE: Rung.HASH, How.CHANGES: Rung.BITMAP}


def digest(value: int) -> bytes:
    return sha256(value.to_bytes(4, "big")).digest()


def log_blocks(log: LogWriter, target: str, image: Image, numbers: set[int]) -> None:
    for number in sorted(numbers):
        value = image.blocks[number]
        if value:
            log.data(target, number * BLOCK, value.to_bytes(4, "big") * (BLOCK // 4))
        else:
            log.zero(target, number * BLOCK, BLOCK)


def contents(path: Path) -> dict[str, dict[int, int]]:
    """Of a log: the number of each block it has, by disk."""
    found: dict[str, dict[int, int]] = {}
    for target, offset, length, content in parts(path):
        value = int.from_bytes(content[:4], "big") if content else 0
        for at in range(offset, offset + length, BLOCK):
            found.setdefault(target, {})[at // BLOCK] = value
    return found


def put(blocks: Blocks, written: dict[int, int]) -> None:
    for number, value in written.items():
        blocks[number] = value


def new_home() -> Path:
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="hf-model-", dir=shared if shared.is_dir() else None))
