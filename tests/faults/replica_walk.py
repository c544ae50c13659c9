"""What may happen to a replica, in any order: logs, walks, thinning, merges, pins, and deaths."""

import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from holdfast.base.clock import SystemClock
from holdfast.disks.errors import ImageInUse
from holdfast.disks.spans import Span
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.machines.points import Consistency, Rung
from holdfast.replication.log_writer import SealedLog
from holdfast.replication.replica_folder import layer_name, open_folder
from holdfast.replication.replica_record import layers_of
from holdfast.replication.settings import PointPolicy
from holdfast.replication.site import Site
from holdfast.testing.killing import start
from holdfast.testing.waiting import wait_until
from tests.faults.conftest import Faults
from tests.replica_bench import (
    KIB,
    MIB,
    VM,
    Source,
    assert_nothing_left,
    assert_points,
    differing,
    facts,
    first_copy,
    send,
)

T = TypeVar("T")
_SPARE = "vdc"
_SIZES = (64 * KIB, MIB, MIB + 512, 700 * KIB + 3 * 512, 2 * MIB)
_STEPS_OF_ONE = 9


class ReplicaWalk:
    def __init__(self, folder: Path, seed: int, faults: Faults) -> None:
        self.dice = random.Random(seed)
        self.folder = folder
        self.faults = faults
        self.told: list[str] = []
        # Points by their generation, and what became of acts.
        self.verified: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.site = Site(folder / "site", SystemClock())
        disks = {name: bytearray(self.dice.choice(_SIZES)) for name in ("vda", "vdb")}
        self.source = Source(folder / "logs", disks, self.dice)
        self.head = first_copy(self.site, self.source)
        # Disks the site may not have, and images a machine has open.
        self.new: set[str] = set()
        self.attached: dict[str, dict[Path, str]] = {}

    def go(self, steps: int) -> None:
        chances = {
            self.write: 8,
            self.step: 8,
            self.resize: 2,
            self.change_disks: 1,
            self.walk_over_all: 2,
            self.thin: 3,
            self.merge: 6,
            self.pin: 1,
            self.attach: 1,
            self.let_go: 2,
        }
        acts = list(chances)
        for number in range(steps):
            act = self.dice.choices(acts, list(chances.values()))[0]
            self.told.append(f"{number} {act.__name__}")
            act()
            self.counts[act.__name__] += 1
            if number % 10 == 0:
                self.prove()
        self.prove()
        self.let_go()
        self.site.thin(VM, PointPolicy(hours=0))
        while patiently(lambda: self.site.merge_one(VM)):
            self.told.append("last merges")
        self.prove()
        assert len(facts(self.site).points) == 1

    def prove(self) -> None:
        assert_points(self.site, self.source)
        self.verified |= {point.generation for point in facts(self.site).points}
        while self.faults.injected > self.faults.survived:
            self.faults.survive()
        assert self.site.replicas() == [VM]

    def write(self) -> None:
        for _time in range(self.dice.randrange(1, 4)):
            target = self.dice.choice(sorted(self.source.disks))
            sectors = len(self.source.disks[target]) // 512
            first = self.dice.randrange(sectors)
            count = min(self.dice.choice((1, 7, 128, 400)), sectors - first)
            kind = self.dice.random()
            content = bytes(count * 512) if kind < 0.3 else self.dice.randbytes(count * 512)
            self.source.write(target, first * 512, content)

    def resize(self) -> None:
        target = self.dice.choice(sorted(self.source.disks))
        self.source.resize(target, self.dice.choice(_SIZES))

    def change_disks(self) -> None:
        if _SPARE in self.source.disks:
            del self.source.disks[_SPARE]
            self.source.dirty.pop(_SPARE, None)
            self.new.discard(_SPARE)
        else:
            self.source.disks[_SPARE] = bytearray(self.dice.randbytes(self.dice.choice(_SIZES)))
            self.new.add(_SPARE)

    def step(self, since: str = "") -> None:
        dirty = {target: list(spans) for target, spans in self.source.dirty.items()}
        log = self.source.step(
            since or self.head,
            rungs=dict.fromkeys(self.new, Rung.FULL),
            files={"domain.xml": b"<domain/>", "nvram": self.dice.randbytes(3)},
            consistency=self.dice.choice(list(Consistency)),
        )
        send(self.site, log)
        if self.apply(log):
            self.head = log.head.until
            self.new.clear()
            return
        # The source gave it up, and takes all of it again.
        self.source.dirty = dirty

    def apply(self, log: SealedLog) -> bool:
        """Whether it is in the replica; its applying may die, and may be tried again."""
        if self.dice.random() < 0.4:
            self.dying(lambda site: site.apply(VM, log.hash))
            if self.dice.random() < 0.5 and not self.is_applied(log):
                return False
        send(self.site, log)
        ack = patiently(lambda: self.site.apply(VM, log.hash))
        assert (ack.generation, ack.hash) == (log.head.until, log.hash)
        assert_nothing_left(self.site)
        return True

    def is_applied(self, log: SealedLog) -> bool:
        return self.site.incoming(VM, log.hash, size=log.size).ack is not None

    def walk_over_all(self) -> None:
        """It may be given up in the middle; what was dirty before stays so for the next step."""
        since = self.head if self.dice.random() < 0.7 else ""
        generation, number = new_name(), 0
        self.told.append(f"  from {since or 'nothing'}")
        dirty = {target: list(spans) for target, spans in self.source.dirty.items()}
        self.source.dirty.clear()
        for target in sorted(self.source.disks):
            for at in range(0, len(self.source.disks[target]), MIB):
                span = Span(at, min(at + MIB, len(self.source.disks[target])))
                if not self.put_slice(since, generation, number=number, target=target, span=span):
                    self._give_up_walk(dirty)
                    return
                number += 1
                if self.dice.random() < 0.3:
                    self.write()
                if self.dice.random() < 0.3:
                    self.site.thin(VM, PointPolicy(hours=0))
                    patiently(lambda: self.site.merge_one(VM))
        new, self.new = self.new, set()
        self.step(generation)
        if self.head not in self.source.was or facts(self.site).head != self.head:
            raise AssertionError("the head is not what was applied last")
        if facts(self.site).draft is not None:
            # The step that ends it was given up: the next one is from the head, and has all.
            self.new = new
            self._give_up_walk(dirty)

    def _give_up_walk(self, dirty: dict[str, list[Span]]) -> None:
        for target, spans in dirty.items():
            self.source.dirty.setdefault(target, []).extend(spans)

    def put_slice(
        self, since: str, generation: str, *, number: int, target: str, span: Span
    ) -> bool:
        spans = [span]
        if since:
            spans = differing(self.site, self.source, target, span)
        log = self.source.slice(since, generation, number=number, spans={target: spans})
        send(self.site, log)
        return self.apply(log) and self.dice.random() > 0.05

    def thin(self) -> None:
        policy = PointPolicy(hours=self.dice.choice((1, 24)), most=self.dice.randrange(1, 9))
        if self.dice.random() < 0.3:
            self.dying(lambda site: site.thin(VM, policy))
        self.site.thin(VM, policy)
        assert facts(self.site).head == self.head
        assert set(self.attached) <= {point.generation for point in facts(self.site).points}

    def merge(self) -> None:
        if self.dice.random() < 0.4:
            self.dying(lambda site: site.merge_one(VM))
            # Something may come while it is half done.
            self.write()
            self.step()
        patiently(lambda: self.site.merge_one(VM))
        for opened in self.attached.values():
            assert opened == {path: digest(path) for path in opened}

    def pin(self) -> None:
        point = self.dice.choice(facts(self.site).points)
        self.site.pin(VM, point.generation, who="somebody")

    def attach(self) -> None:
        point = self.dice.choice(facts(self.site).points)
        patiently(lambda: self.site.attach(VM, point.generation, who="a test"))
        layers = (self.site.folder / VM / "layers").iterdir()
        used = {path: digest(path) for path in layers if self.is_used(path, point.generation)}
        self.attached[point.generation] = used

    def is_used(self, path: Path, generation: str) -> bool:
        point = facts(self.site).point(generation)
        assert point is not None
        record = open_folder(self.site.folder, VM).read()
        return layer_name(path.name) in layers_of(record, point.disks)

    def let_go(self) -> None:
        for point in facts(self.site).points:
            self.site.unpin(VM, point.generation, who="somebody")
            self.site.unpin(VM, point.generation, who="a test")
        self.attached.clear()

    def dying(self, act: Callable[[Site], object]) -> None:
        """In a process that dies at one of its steps, if it has so many."""
        number = self.dice.randrange(_STEPS_OF_ONE)
        self.told.append(f"  dies at step {number}")
        self.faults.inject()

        def work() -> str:
            left = [number]

            def on_step(_step: str) -> None:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1

            patiently(lambda: act(Site(self.site.folder, SystemClock(), on_step=on_step)))
            return "done"

        said = start(work).end()
        assert said in ("", "done"), said
        self.counts["killed"] += not said
        self.told.append(f"  {said or 'killed'}")

    def figures(self) -> str:
        acts = ", ".join(f"{name} {self.counts[name]}" for name in sorted(self.counts))
        return "\n".join(
            (
                f"faults injected: {self.faults.injected}",
                f"points verified: {len(self.verified)}",
                f"what was done: {acts}",
            )
        )


def patiently(act: Callable[[], T]) -> T:
    """A program of one that was killed lets go of an image when it has seen that."""
    found: list[T] = []

    def attempt() -> bool:
        with contextlib.suppress(ImageInUse):
            found.append(act())
        return bool(found)

    wait_until(attempt)
    return found[0]


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
