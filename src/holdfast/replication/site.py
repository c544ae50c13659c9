"""The site that keeps replicas, in one folder each: what a source speaks to, near or far."""

import contextlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.replication.adoption import (
    Adopted,
    AdoptWish,
    LookWish,
    NoHome,
    OldHome,
    Suspects,
    WayBack,
    part_of,
)
from holdfast.replication.log_errors import LogNewer
from holdfast.replication.log_head import VERSION as LOG_VERSION
from holdfast.replication.receiver import Ack, Incoming, Prepared, ReplicaWish, SeedWish
from holdfast.replication.replica import Replica, SiteTools, remove_graves
from holdfast.replication.replica_adopting import Adopting
from holdfast.replication.replica_errors import ReplicaInUse, ReplicaMissing
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.replica_folder import (
    ReplicaFolder,
    is_short_of_room,
    open_folder,
    replicas_in,
    require_generation,
    require_room,
    require_target,
    room_of,
    site_errors,
)
from holdfast.replication.replica_guard import writers_of
from holdfast.replication.replica_hashes import require_range
from holdfast.replication.replica_incoming import present, remove_old, take_piece
from holdfast.replication.replica_lock import ReplicaLocks
from holdfast.replication.replicas_away import (
    Away,
    Sighting,
    due_to_go,
    list_away,
    purge,
    put_back,
    sighted,
)
from holdfast.replication.settings import PointPolicy
from holdfast.replication.site_orders import Desk, SiteOrder, SourceTidings, no_desk


def _nobody_listens(_step: str) -> None:
    """Steps are not shown."""


def no_machines() -> Sequence[DomainSpec]:
    return ()


class Site:
    """Keeps `Receiver`'s promises; one at a time changes a replica, in whatever process it is.

    `machines` tells of those of this host, to find one that would write to a replica; `desk` is
    where sources are heard, and told what is wanted of them; `home` gives the disks of a machine
    that ran here. What is removed can be had back for `grace`.
    """

    def __init__(  # noqa: PLR0913  each is a part of its host
        self,
        folder: Path,
        clock: Clock,
        *,
        machines: Callable[[], Sequence[DomainSpec]] = no_machines,
        on_step: Callable[[str], None] = _nobody_listens,
        desk: Desk = no_desk,
        home: OldHome | None = None,
        grace: timedelta = timedelta(0),
    ) -> None:
        self._folder = folder
        self._desk = desk
        self._home = home or NoHome()
        self._grace = grace
        self._clock = clock
        self._machines = machines
        self._sightings: dict[Path, Sighting] = {}
        self._tools = SiteTools(clock=clock, locks=ReplicaLocks(clock), on_step=on_step)

    @property
    def folder(self) -> Path:
        return self._folder

    def replicas(self) -> list[str]:
        """The machines it has replicas of."""
        return replicas_in(self._folder)

    def state(self, vm: str) -> ReplicaFacts | None:
        return self._replica(vm).facts()

    def prepare(self, wish: ReplicaWish) -> Prepared:
        if wish.log_version > LOG_VERSION:
            raise LogNewer(path=wish.name, version=wish.log_version)
        with site_errors(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        writers = self.writers(wish.vm)
        if writers:
            raise ReplicaInUse(about=wish.name, who=", ".join(writers))
        facts, is_new = self._replica(wish.vm).prepare(wish)
        room = room_of(self._folder)
        return Prepared(facts=facts, free_bytes=room.free, total_bytes=room.total, is_new=is_new)

    def incoming(self, vm: str, sha256: str, *, size: int) -> Incoming:
        folder = open_folder(self._folder, vm)
        record = folder.read()
        known = record.ack(sha256)
        if known is not None:
            ack = Ack(generation=known.generation, hash=known.hash)
            return Incoming(present=size, ack=ack)
        here = present(folder.log(sha256), size)
        # What comes, and what it becomes.
        require_room(self._folder, 2 * (size - here), about=record.facts.name)
        return Incoming(present=here)

    def take(self, vm: str, sha256: str, *, offset: int, content: memoryview) -> None:
        folder = open_folder(self._folder, vm)
        if not folder.is_there():
            raise ReplicaMissing(vm=vm)
        require_room(self._folder, len(content), about=vm)
        take_piece(folder.log(sha256), offset, content)

    def apply(self, vm: str, sha256: str) -> Ack:
        return self._replica(vm).apply(sha256)

    def hashes(self, vm: str, target: str, *, start: int, length: int, chunk: int) -> bytes:
        require_range(start=start, length=length, chunk=chunk)
        return self._replica(vm).hashes(target, start=start, length=length, chunk=chunk)

    def seed(self, vm: str, wish: SeedWish) -> ReplicaFacts:
        return self._replica(vm).seed(wish)

    def adopt_images(self, wish: ReplicaWish, work: Adopting) -> ReplicaFacts:
        """Make images of a machine of this host the newest layers of its replica here."""
        # One that came from another host is this one's by the very step that takes up the images.
        is_there = self.state(wish.vm) is not None
        self.prepare(msgspec.structs.replace(wish, source="") if is_there else wish)
        return self._replica(wish.vm).adopt(work)

    def originals(self, vm: str, generation: str) -> dict[str, str]:
        """By disk, the image of a machine of this host that a point stands on, where it does."""
        return self._replica(vm).originals(generation)

    def between(self, vm: str, one: str, other: str) -> dict[str, Suspects] | None:
        """Where two instants of a replica may differ; see replica_between."""
        return self._replica(vm).between(one, other)

    def remove(self, vm: str) -> None:
        if self._grace:
            self._replica(vm).put_away(self._grace)
        else:
            self._replica(vm).remove()

    def away(self) -> list[Away]:
        """Replicas that were removed, and can be had back."""
        return list_away(self._folder)

    def put_back(self, away: Away) -> None:
        put_back(self._folder, away)

    def pin(self, vm: str, generation: str, *, who: str, until: datetime | None = None) -> None:
        self._replica(vm).pin(generation, who=who, until=until)

    def unpin(self, vm: str, generation: str, *, who: str) -> None:
        self._replica(vm).unpin(generation, who=who)

    def adopt(self, vm: str, wish: AdoptWish) -> Adopted:
        return self._home.adopt(vm, wish)

    def look(self, vm: str, wish: LookWish) -> tuple[HoldfastError, ...]:
        return self._home.look(vm, wish)

    def way_back(self, vm: str, *, machine: str = "") -> WayBack:  # noqa: ARG002  for any machine
        return self._home.way_back(machine)

    def suspects(self, vm: str, target: str, *, start: int, length: int) -> bytes:
        require_target(target)
        return part_of(self._replica(vm).suspects(target), start, length)

    def tidings(self, vm: str, told: SourceTidings, *, machine: str = "") -> SiteOrder:
        return msgspec.structs.replace(self._desk(vm, told, machine), now=self._clock.now())

    def attach(
        self, vm: str, generation: str, *, who: str, until: datetime | None = None
    ) -> dict[str, Path]:
        """The image of each disk at a point, to start it upon overlays; `unpin` lets it go."""
        return self._replica(vm).attach(generation, who=who, until=until)

    def point_files(self, vm: str, generation: str) -> Path:
        """The folder with what lies beside the disks of a point."""
        require_generation(generation)
        return open_folder(self._folder, vm).points / generation

    def thin(self, vm: str, policy: PointPolicy | None = None) -> int:
        """Drop the points that are too many, by its own policy without one; how many."""
        return self._replica(vm).thin(policy)

    def merge_one(self, vm: str) -> bool:
        """Merge one layer that no point needs; whether there was one."""
        return self._replica(vm).merge_one()

    def tend(self, vm: str) -> bool:
        """Thin it, and merge one layer; whether there may be more to do."""
        self.thin(vm)
        remove_old(open_folder(self._folder, vm).incoming, self._clock.now())
        return self.merge_one(vm)

    def clean(self) -> None:
        """Remove what removals that were killed have left."""
        remove_graves(self._folder)

    def purge_due(self) -> list[Away]:
        """Removed replicas whose time is over, or whose room others need; what went."""
        found = self.away()
        now, monotonic = self._clock.now(), self._clock.monotonic()
        self._sightings = sighted(found, self._sightings, now, monotonic)
        gone = due_to_go(found, self._sightings, now, monotonic)
        if found and not gone and is_short_of_room(self._folder):
            # Replicas that are at work must go on, whatever the clocks say.
            gone = found[:1]
        for away in gone:
            purge(away)
        return gone

    def writers(self, vm: str) -> tuple[str, ...]:
        """Machines of this host that would write to its layers, if they were started."""
        return writers_of(self._layers(vm), self._machines())

    def _layers(self, vm: str) -> list[Path]:
        folder = open_folder(self._folder, vm)
        found: list[Path] = []
        with contextlib.suppress(OSError):
            found = [folder.layers / name for name in os.listdir(folder.layers)]
        return found

    def _replica(self, vm: str) -> Replica:
        return Replica(self._open(vm), self._tools)

    def _open(self, vm: str) -> ReplicaFolder:
        return open_folder(self._folder, vm)
