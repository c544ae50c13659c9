"""One replica at its site: what may be done to it, one thing at a time."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.replication.adoption import Suspects
from holdfast.replication.applying import Applying, apply_step, sweep_layers
from holdfast.replication.drafting import apply_slice
from holdfast.replication.log_errors import LogDamaged
from holdfast.replication.log_head import Kind
from holdfast.replication.log_reader import verify
from holdfast.replication.log_writer import SealedLog
from holdfast.replication.pins import Pin, pinned_generations, pins, put_pin, remove_pin
from holdfast.replication.point_files import sweep_points
from holdfast.replication.receiver import Ack, ReplicaWish, SeedWish
from holdfast.replication.replica_adopting import (
    Adopting,
    drop_imported,
    originals_of,
    put_adopted,
    suspects_of,
)
from holdfast.replication.replica_between import between
from holdfast.replication.replica_errors import (
    ReplicaInUse,
    ReplicaLogMissing,
    ReplicaMissing,
    ReplicaOfAnother,
    ReplicaPointMissing,
    ReplicaPointSpoiled,
)
from holdfast.replication.replica_facts import ReplicaFacts, ReplicaPoint
from holdfast.replication.replica_folder import (
    ReplicaFolder,
    remove_folder,
    require_generation,
    require_room,
    site_errors,
)
from holdfast.replication.replica_hashes import hashes_of, zero_hashes
from holdfast.replication.replica_lock import ReplicaLocks
from holdfast.replication.replica_merging import begin_merge, end_merge, make_merge_durable
from holdfast.replication.replica_record import (
    Applied,
    LayerName,
    Merging,
    Record,
    depth,
    judged,
    layers_of,
    with_applied,
    with_facts,
    without_points,
)
from holdfast.replication.replica_seeding import put_seed
from holdfast.replication.replicas_away import away_path
from holdfast.replication.settings import PointPolicy
from holdfast.replication.thinning import kept
from holdfast.storage.durable import sync_folder

# With more layers than points may be kept, what is merged does not keep up with what comes.
_DEEP = 100
_REMOVED = ".removed-"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTools:
    """What all replicas of a site share."""

    clock: Clock
    locks: ReplicaLocks
    # A word at each step, for tests that break in there.
    on_step: Callable[[str], None]


class Replica:
    def __init__(self, folder: ReplicaFolder, tools: SiteTools) -> None:
        self._folder = folder
        self._tools = tools

    def facts(self) -> ReplicaFacts | None:
        """As its files are at this moment; without waiting for who changes it."""
        record = self._read()
        while record is not None:
            seen = judged(record, self._folder.stamps(record))
            again = self._read()
            # Somebody was at work in between: the files are those of the newer record.
            if again == record:
                return seen.facts
            record = again
        return None

    def prepare(self, wish: ReplicaWish) -> tuple[ReplicaFacts, bool]:
        with site_errors(self._folder.path):
            return self._prepared(wish)

    def _prepared(self, wish: ReplicaWish) -> tuple[ReplicaFacts, bool]:
        is_new = not self._folder.is_there()
        if is_new:
            self._folder.make()
        with self._tools.locks.held(self._folder.vm, self._folder.lock):
            record = self._read() or _empty(wish)
            facts = record.facts
            if facts.source and wish.source and facts.source != wish.source:
                raise ReplicaOfAnother(about=facts.name, source=facts.source, asked=wish.source)
            if not facts.head:
                require_room(self._folder.site, wish.need_bytes, about=wish.name)
            source = wish.source or facts.source
            wanted = with_facts(record, name=wish.name, source=source)
            wanted = msgspec.structs.replace(wanted, policy=wish.points)
            if is_new or wanted != record:
                self._folder.write(wanted)
        return wanted.facts, is_new

    def apply(self, hash_: str) -> Ack:
        path = self._folder.log(hash_)
        with self._changing() as record:
            known = record.ack(hash_)
            if known is None:
                known = self._apply(record, path, hash_)
            with site_errors(path):
                path.unlink(missing_ok=True)
        self._tools.on_step("cleared")
        return Ack(generation=known.generation, hash=known.hash)

    def hashes(self, target: str, *, start: int, length: int, chunk: int) -> bytes:
        with self._changing() as record:
            base = record.base(target)
            if not base:
                return zero_hashes(length, chunk)
            return hashes_of(
                self._folder,
                LayerName(target, base),
                self._tools.clock,
                start=start,
                length=length,
                chunk=chunk,
            )

    def seed(self, wish: SeedWish) -> ReplicaFacts:
        require_generation(wish.generation)
        with self._changing() as record:
            return put_seed(self._folder, record, wish).facts

    def adopt(self, work: Adopting) -> ReplicaFacts:
        with self._changing() as record:
            if any(pin.holds_files for pin in self._pins()) and not _stands_on_layers(work):
                # Whatever stands on the layers of before would lose them.
                who = ", ".join(pin.who for pin in self._pins())
                raise ReplicaInUse(about=record.facts.name, who=who)
            facts = put_adopted(self._folder, record, work).facts
        self._tools.on_step("adopted")
        drop_imported(work)
        return facts

    def originals(self, generation: str) -> dict[str, str]:
        record = self._folder.read()
        return originals_of(record, self._point(record, generation))

    def between(self, one: str, other: str) -> dict[str, Suspects] | None:
        with self._changing() as record:
            return between(self._folder, record, one, other)

    def suspects(self, target: str) -> bytes:
        return suspects_of(self._folder, target)

    def remove(self) -> None:
        # What is then killed is deleted by who comes next.
        grave = self._folder.site / f"{_REMOVED}{self._folder.vm}-{secrets.token_hex(4)}"
        if not self._bury(grave):
            return
        self._tools.on_step("removed")
        with site_errors(grave):
            remove_folder(grave)

    def put_away(self, grace: timedelta) -> None:
        """Removed, and to be had back until then; see replicas_away."""
        if self._folder.is_bare():
            # The machine lives on here, and nothing else does.
            return
        until = self._tools.clock.now() + grace
        if self._bury(away_path(self._folder.site, self._folder.vm, until)):
            self._tools.on_step("put away")

    def _bury(self, grave: Path) -> bool:
        """Gone in one step; whether there was any."""
        if not self._folder.path.exists():
            return False
        with self._tools.locks.held(self._folder.vm, self._folder.lock):
            users = [pin.who for pin in self._pins() if pin.holds_files]
            if users:
                record = self._read()
                name = record.facts.name if record else self._folder.vm
                raise ReplicaInUse(about=name, who=", ".join(users))
            with site_errors(self._folder.path):
                self._folder.bury(grave)
                sync_folder(self._folder.site)
        return True

    def pin(self, generation: str, *, who: str, until: datetime | None) -> None:
        with self._changing() as record:
            self._point(record, generation)
            self._put_pin(generation, who=who, until=until, holds_files=False)

    def unpin(self, generation: str, *, who: str) -> None:
        require_generation(generation)
        with self._changing():
            remove_pin(self._folder, generation, who)

    def attach(self, generation: str, *, who: str, until: datetime | None) -> dict[str, Path]:
        """The image of each disk at that point, for overlays of whoever starts it.

        They are not written, and not changed by us, until they are unpinned.
        """
        with self._changing() as found:
            # Under a machine that has it open no merge goes on.
            record = self._merged(found) if found.merging else found
            point = self._point(record, generation)
            if point.is_spoiled:
                raise ReplicaPointSpoiled(about=record.facts.name, generation=generation)
            self._put_pin(generation, who=who, until=until, holds_files=True)
            names = {disk.target: LayerName(disk.target, disk.layer) for disk in point.disks}
        return {target: self._folder.layer(name) for target, name in names.items()}

    def thin(self, policy: PointPolicy | None = None) -> int:
        """How many points went; their layers are merged one by one later."""
        with self._changing() as record:
            thinned = self._thinned(record, policy or record.policy)
            return len(record.facts.points) - len(thinned.facts.points)

    def merge_one(self) -> bool:
        """Whether there was one; nobody who has come meanwhile waits for more than one."""
        if self._tools.locks.is_wanted(self._folder.vm):
            return False
        with self._changing() as record:
            merging = self._begin_merge(record)
        if merging is None:
            return False
        make_merge_durable(self._folder, merging)
        with self._changing() as record:
            end_merge(self._folder, record, merging, on_step=self._tools.on_step)
        return True

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Record]:
        """The replica as it is, without what somebody who was killed has left."""
        with site_errors(self._folder.path), self._locked():
            record = self._folder.read()
            seen = judged(record, self._folder.stamps(record))
            if seen != record:
                self._folder.write(seen)
            self._sweep(seen)
            yield seen

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._folder.is_there():
            raise ReplicaMissing(vm=self._folder.vm)
        with self._tools.locks.held(self._folder.vm, self._folder.lock):
            yield

    def _sweep(self, record: Record) -> None:
        sweep_layers(self._folder, record)
        with site_errors(self._folder.path):
            sweep_points(self._folder, record)

    def _apply(self, record: Record, path: Path, hash_: str) -> Applied:
        log = self._verified(path, hash_)
        self._tools.on_step("verified")
        head = log.head
        applied = Applied(hash=hash_, generation=head.until)
        facts = record.facts
        if head.kind is Kind.STEP and head.until in (facts.head, *facts.history):
            # The same instant came before, in another log: of steps that were merged meanwhile.
            self._folder.write(with_applied(record, applied))
            return applied
        if depth(record) > _DEEP:
            # Nobody tends it: what is merged must be more than what comes.
            record = self._thinned(record, record.policy)
            for _disk in range(2 * len(record.tops)):
                record = self._merged(record)
        work = Applying(folder=self._folder, clock=self._tools.clock, on_step=self._tools.on_step)
        done = (apply_slice if head.kind is Kind.SLICE else apply_step)(record, log, work)
        self._sweep(done)
        return applied

    def _verified(self, path: Path, hash_: str) -> SealedLog:
        if not path.exists():
            raise ReplicaLogMissing(vm=self._folder.vm, log=hash_)
        try:
            log = verify(path)
            if log.hash != hash_:
                raise LogDamaged(path=path, reason="its hash is not the one it is called by")
            if log.head.vm != self._folder.vm:
                raise LogDamaged(path=path, reason="it is of another machine")
        except LogDamaged:
            # It is sent anew, from its beginning.
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        return log

    def _thinned(self, record: Record, policy: PointPolicy) -> Record:
        points = record.facts.points
        stay = kept(points, policy, pinned=pinned_generations(self._pins()))
        gone = {point.generation for point in points} - stay
        if not gone:
            return record
        thinned = without_points(record, gone)
        self._folder.write(thinned)
        self._tools.on_step("thinned")
        self._sweep(thinned)
        return thinned

    def _begin_merge(self, record: Record) -> Merging | None:
        in_use = self._in_use(record)
        return begin_merge(self._folder, record, in_use=in_use, on_step=self._tools.on_step)

    def _merged(self, record: Record) -> Record:
        """After one merge, if there is one."""
        merging = self._begin_merge(record)
        if merging is None:
            return record
        make_merge_durable(self._folder, merging)
        noted = self._folder.read()
        return end_merge(self._folder, noted, merging, on_step=self._tools.on_step)

    def _in_use(self, record: Record) -> AbstractSet[LayerName]:
        found: set[LayerName] = set()
        for pin in self._pins():
            point = record.facts.point(pin.generation)
            if pin.holds_files and point is not None:
                found |= layers_of(record, point.disks)
        return found

    def _pins(self) -> list[Pin]:
        return pins(self._folder, self._tools.clock.now())

    def _put_pin(
        self, generation: str, *, who: str, until: datetime | None, holds_files: bool
    ) -> None:
        pin = Pin(
            generation=generation,
            who=who,
            since=self._tools.clock.now(),
            until=until,
            holds_files=holds_files,
        )
        put_pin(self._folder, pin)

    def _point(self, record: Record, generation: str) -> ReplicaPoint:
        point = record.facts.point(generation)
        if point is None:
            raise ReplicaPointMissing(about=record.facts.name, generation=generation)
        return point

    def _read(self) -> Record | None:
        try:
            return self._folder.read()
        except ReplicaMissing:
            return None


def remove_graves(site: Path) -> None:
    """Replicas whose removal was killed."""
    with contextlib.suppress(OSError):
        for name in os.listdir(site):
            if name.startswith(_REMOVED):
                remove_folder(site / name)


def _empty(wish: ReplicaWish) -> Record:
    facts = ReplicaFacts(vm=wish.vm, name=wish.name, source=wish.source)
    return Record(facts=facts, policy=wish.points)


def _stands_on_layers(work: Adopting) -> bool:
    return all(image.upon for image in work.images)
