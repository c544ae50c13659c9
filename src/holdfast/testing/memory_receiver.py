"""A site in memory: it takes logs in as its promises say, and understands nothing of them."""

import hashlib
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from holdfast.base.errors import HoldfastError
from holdfast.replication.adoption import GRAIN, Adopted, AdoptWish, LookWish, WayBack
from holdfast.replication.log_errors import LogTorn
from holdfast.replication.receiver import Ack, Incoming, Prepared, ReplicaWish, SeedWish
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.site_orders import SiteOrder, SourceTidings


class FileLog(NamedTuple):
    """Any file as a sealed log."""

    path: Path
    size: int
    hash: str

    @classmethod
    def made(cls, path: Path, content: bytes) -> "FileLog":
        path.write_bytes(content)
        return cls(path, len(content), hashlib.sha256(content).hexdigest())


class Taken(NamedTuple):
    vm: str
    sha256: str
    offset: int
    length: int


class MemoryReceiver:
    """`taken` and `applied` are what was done, in order; `when_…` is called before it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: dict[tuple[str, str], bytearray] = {}
        self._acks: dict[tuple[str, str], Ack] = {}
        self._facts: dict[str, ReplicaFacts] = {}
        self.taken: list[Taken] = []
        self.applied: list[tuple[str, str]] = []
        self.pins: list[tuple[str, str, str, datetime | None]] = []
        # What was told of which machine, and what is wanted of it.
        self.heard: list[tuple[str, SourceTidings]] = []
        self.orders: dict[str, SiteOrder] = {}
        # Who asked what its host lacks, and what it does.
        self.looked: list[tuple[str, LookWish]] = []
        self.lacks: list[HoldfastError] = []
        self.when_taken: Callable[[str], None] = _nothing
        self.when_applied: Callable[[str], None] = _nothing
        self.when_hashed: Callable[[str], None] = _nothing

    def content(self, vm: str, sha256: str) -> bytes:
        return bytes(self._parts[vm, sha256])

    def state(self, vm: str) -> ReplicaFacts | None:
        return self._facts.get(vm)

    def prepare(self, wish: ReplicaWish) -> Prepared:
        is_new = wish.vm not in self._facts
        facts = ReplicaFacts(vm=wish.vm, name=wish.name, source=wish.source)
        self._facts[wish.vm] = facts
        return Prepared(facts=facts, free_bytes=1 << 40, total_bytes=1 << 41, is_new=is_new)

    def incoming(self, vm: str, sha256: str, *, size: int) -> Incoming:  # noqa: ARG002  there is room
        with self._lock:
            ack = self._acks.get((vm, sha256))
            return Incoming(present=len(self._parts.get((vm, sha256), b"")), ack=ack)

    def take(self, vm: str, sha256: str, *, offset: int, content: memoryview) -> None:
        self.when_taken(vm)
        with self._lock:
            part = self._parts.setdefault((vm, sha256), bytearray())
            if offset > len(part):
                raise LogTorn(path=sha256, end=len(part), part="what came before it")
            part[offset : offset + len(content)] = content
            self.taken.append(Taken(vm, sha256, offset, len(content)))

    def apply(self, vm: str, sha256: str) -> Ack:
        self.when_applied(vm)
        with self._lock:
            found = self._acks.get((vm, sha256))
            if found is not None:
                return found
            part = self._parts.get((vm, sha256), b"")
            if hashlib.sha256(part).hexdigest() != sha256:
                raise LogTorn(path=sha256, end=len(part), part="it")
            self.applied.append((vm, sha256))
            ack = Ack(generation=f"holdfast-{sha256[:16]}", hash=sha256)
            self._acks[vm, sha256] = ack
            return ack

    def hashes(self, vm: str, target: str, *, start: int, length: int, chunk: int) -> bytes:
        """Of a disk on which each chunk says where it lies."""
        self.when_hashed(vm)
        return b"".join(
            hashlib.sha256(f"{target} {offset}".encode()).digest()
            for offset in range(start, start + length, chunk)
        )

    def seed(self, vm: str, wish: SeedWish) -> ReplicaFacts:
        facts = ReplicaFacts(vm=vm, name=vm, source="", head=wish.generation)
        self._facts[vm] = facts
        return facts

    def remove(self, vm: str) -> None:
        self._facts.pop(vm, None)

    def pin(self, vm: str, generation: str, *, who: str, until: datetime | None = None) -> None:
        self.pins.append((vm, generation, who, until))

    def unpin(self, vm: str, generation: str, *, who: str) -> None:
        self.pins = [pin for pin in self.pins if pin[:3] != (vm, generation, who)]

    def adopt(self, vm: str, wish: AdoptWish) -> Adopted:
        return Adopted(facts=self._facts[vm], since=wish.act)

    def look(self, vm: str, wish: LookWish) -> tuple[HoldfastError, ...]:
        self.looked.append((vm, wish))
        return tuple(self.lacks)

    def way_back(self, vm: str, *, machine: str = "") -> WayBack:  # noqa: ARG002  it gets through
        return WayBack(site="north")

    def suspects(self, vm: str, target: str, *, start: int, length: int) -> bytes:  # noqa: ARG002  it has none
        return bytes(length // (8 * GRAIN))

    def tidings(self, vm: str, told: SourceTidings, *, machine: str = "") -> SiteOrder:  # noqa: ARG002  whoever it is
        self.heard.append((vm, told))
        return self.orders.get(vm, SiteOrder())


def _nothing(_vm: str) -> None:
    """Nobody wants to know."""


def failing(*errors: HoldfastError | Exception) -> Callable[[str], None]:
    """For a `when_…`: these, one after the other, and then all is well."""
    left = list(errors)

    def fail(_vm: str) -> None:
        if left:
            raise left.pop(0)

    return fail
