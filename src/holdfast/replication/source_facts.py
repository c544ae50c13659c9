"""What a source remembers of a replication: which generations there are, and a walk under way.

A generation is one instant of all disks of a machine, named as the checkpoint made at it. One of
a machine that is off has a name of its own and no checkpoint: its disks go on naming the one
before, and what has changed beyond it; see machines.drift.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from holdfast.machines.points import AuditMark, DiskFacts
from holdfast.replication.replica_facts import HISTORY

VERSION = 1


class LastBlock(msgspec.Struct, frozen=True, kw_only=True):
    """The last block of a disk that had data, by its number, with its SHA-256."""

    number: int
    digest: bytes


class KeptDisk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One disk at the instant of a generation, and what its next changes are relative to."""

    target: str
    size: int
    format: str = "raw"
    # Empty: nothing is recorded.
    checkpoint: str = ""
    drift: tuple[tuple[int, int], ...] = ()
    audit: AuditMark | None = None
    last: LastBlock | None = None
    # The images it consisted of, from the top; empty where nobody could look.
    chain: tuple[str, ...] = ()

    @property
    def facts(self) -> DiskFacts:
        """As the choice of a rung wants it."""
        return DiskFacts(
            target=self.target,
            size=self.size,
            format=self.format,
            checkpoint=self.checkpoint,
            generation=self.checkpoint,
            drift=self.drift,
            audit=self.audit,
        )


class Generation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    taken_at: datetime
    # None at all: this one can only be named, and nothing can be made relative to it.
    disks: tuple[KeptDisk, ...] = ()
    # The description of its checkpoint, with which it is made known again elsewhere.
    form: str = ""
    # Of a machine that was off: what its images looked like from outside.
    images: dict[str, tuple[int, ...]] = {}
    # The machine was as a snapshot had it, or went on from there.
    is_from_snapshot: bool = False

    def disk(self, target: str) -> KeptDisk | None:
        return next((disk for disk in self.disks if disk.target == target), None)

    @property
    def checkpoints(self) -> frozenset[str]:
        return frozenset(disk.checkpoint for disk in self.disks if disk.checkpoint)


class Sent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file sent.json: what counts is what stands here, whatever logs lie in the spool."""

    version: int = VERSION
    site: str
    acked: Generation | None = None
    # The newest in the spool; None: nothing waits there.
    spooled: Generation | None = None
    # Names the site has had, the newest last.
    history: tuple[str, ...] = ()
    # The number of the log that was begun to be sent, which may be at the site already.
    attempted: int = 0
    # Why everything must be compared before another point can be made; empty: it need not.
    must_walk: str = ""
    must_walk_since: datetime | None = None
    # Disks whose record is not to be trusted in that, even where it seems sound; "*" is every one.
    distrusted: tuple[str, ...] = ()
    # The walk that has ended with a step; its file may still be there.
    walked: str = ""
    # What the old host of the machine has: no record alone says how that differs from here.
    adopted: str = ""
    # What the walk that ended last has sent, in bytes of the disks.
    walked_bytes: int = 0

    @property
    def base(self) -> Generation | None:
        """What the next step is relative to."""
        return self.spooled or self.acked

    @property
    def is_adopted(self) -> bool:
        """Only a walk can go on from there."""
        return self.base is not None and self.base.name == self.adopted

    @property
    def is_settled(self) -> bool:
        """The site has all that was taken of it, and the next step can go on from there."""
        is_shipped = self.acked is not None and self.spooled is None
        return is_shipped and not self.must_walk and not self.is_adopted

    def must(self, why: str, now: datetime, *distrusted: str) -> "Sent":
        """A walk must come before the next point; the first reason counts."""
        return msgspec.structs.replace(
            self,
            must_walk=self.must_walk or why,
            must_walk_since=self.must_walk_since or now,
            distrusted=tuple(dict.fromkeys((*self.distrusted, *distrusted))),
        )

    def without_queue(self) -> "Sent":
        """What waits is not sent: the next step is relative to what the site has."""
        return msgspec.structs.replace(self, spooled=None, attempted=0)

    def with_acked(self, generation: Generation) -> "Sent":
        """The site has it. Of one before the newest only the name is known."""
        is_newest = self.spooled is not None and self.spooled.name == generation.name
        acked = self.spooled if is_newest and self.spooled else generation
        history = tuple(name for name in self.history if name != acked.name)
        return msgspec.structs.replace(
            self,
            acked=acked,
            spooled=None if is_newest else self.spooled,
            history=(*history, acked.name)[-HISTORY:],
            attempted=0,
        )


class How(StrEnum):
    """How a disk is walked."""

    # Nothing of it is at the site.
    FULL = "full"
    # What differs from what is there.
    COMPARE = "compare"
    # Its record of changes is sound, though another disk's is not.
    CHANGES = "changes"
    # Its record of changes, and where the old host may have something else; see adoption.
    UNION = "union"


class WalkDisk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    target: str
    size: int
    format: str = "raw"
    how: How = How.FULL
    # Why no cheaper way, a code of machines.tracking.Why.
    why: str = ""
    # What its record is since, and what that does not know.
    checkpoint: str = ""
    before: int = 0
    drift: tuple[tuple[int, int], ...] = ()
    # How much of it the site's newest point has.
    there: int = 0
    chain: tuple[str, ...] = ()


class Walk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file walk.json. `generation` is the checkpoint made before the first slice was read."""

    version: int = VERSION
    generation: str
    # What the site had when it began, empty for nothing.
    since: str = ""
    why: str
    begun_at: datetime
    disks: tuple[WalkDisk, ...]
    # What the site's newest point has, by size.
    there: dict[str, int] = {}
    # How much data there is in a slice at most; holes make it longer.
    slice_bytes: int
    # Where each slice begins that was logged: a disk's number and a place on it.
    starts: tuple[tuple[int, int], ...] = ()
    # Where the next one begins.
    next_start: tuple[int, int] = (0, 0)
    # How many slices were logged, and how many of them the site has.
    made: int = 0
    acked: int = 0
    form: str = ""
    # Logged bytes so far.
    logged_bytes: int = 0

    @property
    def is_read(self) -> bool:
        """At least one slice was made, so that the site has a draft, and all of it is in one."""
        return self.made > 0 and self.next_start[0] >= len(self.disks)

    @property
    def slices(self) -> int:
        """As far as is known; more than were made while it is not all read."""
        return self.made if self.is_read else self.made + 1

    @property
    def walk_bytes(self) -> int:
        return sum(disk.size for disk in self.disks)

    @property
    def is_over(self) -> bool:
        """Nothing is left but the step that makes it one instant."""
        return self.is_read and self.acked >= self.made

    @property
    def checkpoints(self) -> frozenset[str]:
        """All that must stay while it goes on."""
        records = {disk.checkpoint for disk in self.disks if disk.checkpoint}
        return frozenset({self.generation} | records)

    @property
    def is_resync(self) -> bool:
        return bool(self.since)

    @property
    def base(self) -> Generation:
        """What the step that ends it is relative to."""
        walked = {
            disk.target: KeptDisk(
                target=disk.target,
                size=disk.size,
                format=disk.format,
                checkpoint=self.generation,
                chain=disk.chain,
            )
            for disk in self.disks
        }
        others = {
            target: KeptDisk(target=target, size=size)
            for target, size in self.there.items()
            if target not in walked
        }
        return Generation(
            name=self.generation,
            taken_at=self.begun_at,
            disks=(*walked.values(), *others.values()),
            form=self.form,
        )

    def with_slice(self, end: int, *, logged: int) -> "Walk":
        """The next one was logged, up to that place of its disk."""
        number, _start = self.next_start
        is_end = number >= len(self.disks) or end >= self.disks[number].size
        return msgspec.structs.replace(
            self,
            starts=(*self.starts, self.next_start),
            next_start=(number + 1, 0) if is_end else (number, end),
            made=self.made + 1,
            logged_bytes=self.logged_bytes + logged,
        )

    def back_to(self, slices: int) -> "Walk":
        """The site has so many; what is beyond them is made again."""
        if slices >= self.made:
            # More than is known here, where an older state was put back: those are made again.
            again = (self.next_start,) * (slices - self.made)
            starts = (*self.starts, *again)
            return msgspec.structs.replace(self, acked=slices, made=slices, starts=starts)
        return msgspec.structs.replace(
            self,
            acked=slices,
            made=slices,
            starts=self.starts[:slices],
            next_start=self.starts[slices],
        )

    @property
    def next_disk(self) -> WalkDisk | None:
        number = self.next_start[0]
        return self.disks[number] if number < len(self.disks) else None

    def reached(self, slices: int) -> int:
        """How many bytes of the disks so many slices have dealt with."""
        number, start = self.starts[slices] if slices < len(self.starts) else self.next_start
        return sum(disk.size for disk in self.disks[:number]) + start
