"""A site of which one can see that it is right: each disk is its bytes, each log is put upon them.

It knows nothing of images, and refuses what a site must refuse.
"""

# ruff: noqa: ARG002  it keeps one machine, and is asked as if there were many

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from holdfast.base.errors import HoldfastError
from holdfast.machines.points import Rung
from holdfast.replication.adoption import Adopted, AdoptWish, LookWish, WayBack
from holdfast.replication.log_head import Kind, LogHead
from holdfast.replication.log_reader import files, parts, verify
from holdfast.replication.receiver import Ack, Incoming, Prepared, ReplicaWish, SeedWish
from holdfast.replication.replica_errors import (
    ReplicaGenerationUnknown,
    ReplicaMissing,
    ReplicaSliceUnexpected,
)
from holdfast.replication.replica_facts import Draft, ReplicaDisk, ReplicaFacts, ReplicaPoint
from holdfast.replication.site_orders import SiteOrder, SourceTidings

Disks = dict[str, bytearray]
NOTHING_THERE = "the site had nothing"
NO_SUCH_DISK = "the site had no such disk"
# It could have been compared.
THERE = "the disk was there"


class Taken(NamedTuple):
    """How a disk was read that came in a generation, and what of it was there already."""

    kind: Kind
    rung: Rung
    had: str


@dataclass(slots=True)
class ModelSite:
    folder: Path
    name: str = "south"
    head: str = ""
    history: list[str] = field(default_factory=list)
    disks: Disks = field(default_factory=dict)
    points: list[ReplicaPoint] = field(default_factory=list)
    heads: list[LogHead] = field(default_factory=list)
    beside: dict[str, bytes] = field(default_factory=dict)
    draft: Draft | None = None
    drafted: Disks = field(default_factory=dict)
    coming: dict[str, bytearray] = field(default_factory=dict)
    acks: dict[str, Ack] = field(default_factory=dict)
    shipped: int = 0
    # By generation and disk, whatever became of it later; the slices of a walk are one.
    taken: dict[tuple[str, str], Taken] = field(default_factory=dict)

    def state(self, vm: str) -> ReplicaFacts | None:
        return ReplicaFacts(
            vm=vm,
            name=self.name,
            source="north",
            head=self.head,
            history=tuple(self.history),
            points=tuple(self.points),
            draft=self.draft,
        )

    def prepare(self, wish: ReplicaWish) -> Prepared:
        facts = self.state(wish.vm)
        assert facts is not None
        return Prepared(facts=facts, free_bytes=1 << 40, total_bytes=1 << 40)

    def incoming(self, vm: str, sha256: str, *, size: int) -> Incoming:
        if sha256 in self.acks:
            return Incoming(present=size, ack=self.acks[sha256])
        return Incoming(present=len(self.coming.setdefault(sha256, bytearray())))

    def take(self, vm: str, sha256: str, *, offset: int, content: memoryview) -> None:
        log = self.coming[sha256]
        assert offset <= len(log)
        log[offset : offset + len(content)] = content
        self.shipped += len(content)

    def apply(self, vm: str, sha256: str) -> Ack:
        if sha256 in self.acks:
            return self.acks[sha256]
        path = self.folder / f"{sha256}.log"
        path.write_bytes(self.coming[sha256])
        log = verify(path)
        assert log.hash == sha256
        (self._slice if log.head.kind is Kind.SLICE else self._step)(log.head, path)
        path.unlink()
        del self.coming[sha256]
        ack = self.acks[sha256] = Ack(generation=log.head.until, hash=sha256)
        return ack

    def hashes(self, vm: str, target: str, *, start: int, length: int, chunk: int) -> bytes:
        if target not in self.disks:
            raise ReplicaMissing(vm=vm)
        part = memoryview(self.disks[target])[start : start + length]
        assert len(part) == length
        return b"".join(sha256(part[at : at + chunk]).digest() for at in range(0, length, chunk))

    def seed(self, vm: str, wish: SeedWish) -> ReplicaFacts:
        raise NotImplementedError

    def remove(self, vm: str) -> None:
        self.head, self.draft = "", None
        for each in (self.history, self.points, self.disks, self.drafted, self.coming, self.acks):
            each.clear()

    def pin(self, vm: str, generation: str, **_: object) -> None: ...

    def unpin(self, vm: str, generation: str, **_: object) -> None: ...

    def adopt(self, vm: str, wish: AdoptWish) -> Adopted:
        raise NotImplementedError

    def look(self, vm: str, wish: LookWish) -> tuple[HoldfastError, ...]:
        return ()

    def way_back(self, vm: str, *, machine: str = "") -> WayBack:
        return WayBack(site="north")

    def suspects(self, vm: str, target: str, *, start: int, length: int) -> bytes:
        raise NotImplementedError

    def tidings(self, vm: str, told: SourceTidings, *, machine: str = "") -> SiteOrder:
        return SiteOrder()

    def _slice(self, head: LogHead, path: Path) -> None:
        if head.since != self.head:
            raise ReplicaGenerationUnknown(about=head.name, head=self.head, since=head.since)
        if head.slice == 0:
            self.drafted = {each: bytearray(disk) for each, disk in self.disks.items()}
            if not head.since:
                self.drafted = {}
        elif self.draft is None or (self.draft.generation, self.draft.slices) != (
            head.until,
            head.slice,
        ):
            raise ReplicaSliceUnexpected(about=head.name, wanted=0, slice=head.slice)
        self._note(head, self.disks)
        self.draft = Draft(generation=head.until, since=head.since, slices=head.slice + 1)
        _put(self.drafted, head, path)

    def _step(self, head: LogHead, path: Path) -> None:
        is_of_draft = self.draft is not None and self.draft.generation == head.since
        if not is_of_draft and head.since != self.head:
            raise ReplicaGenerationUnknown(about=head.name, head=self.head, since=head.since)
        if is_of_draft:
            self.disks = {**self.disks, **self.drafted}
        self._note(head, self.disks)
        for target in set(self.disks) - {disk.target for disk in head.disks}:
            del self.disks[target]
        _put(self.disks, head, path)
        self.beside = files(path)
        self.draft = None
        if self.head:
            self.history.insert(0, self.head)
        self.head = head.until
        self.heads.append(head)
        self.points.append(
            ReplicaPoint(
                generation=head.until,
                taken_at=head.taken_at,
                applied_at=head.taken_at,
                consistency=head.consistency,
                downgrades=head.downgrades,
                disks=tuple(ReplicaDisk(target=d.target, size=d.size) for d in head.disks),
                files=tuple(self.beside),
            )
        )

    def _note(self, head: LogHead, there: Disks) -> None:
        for disk in head.disks:
            had = THERE if disk.target in there else NO_SUCH_DISK if there else NOTHING_THERE
            taken = Taken(head.kind, disk.rung, had)
            self.taken.setdefault((head.until, disk.target), taken)


def _put(disks: Disks, head: LogHead, path: Path) -> None:
    for logged in head.disks:
        # Beyond where it was cut off, zeros are what is there.
        before = disks.get(logged.target, bytearray())
        disks[logged.target] = before[: logged.size].ljust(logged.size, b"\0")
    for part in parts(path):
        content = bytes(part.length) if part.content is None else part.content
        disks[part.target][part.offset : part.offset + part.length] = content
