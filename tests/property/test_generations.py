"""Random lives of a machine and its replica: every point is the machine at its instant.

Whatever happens to disks, to records of changes, to what the source remembers, to the replica and
to the link between them. And nothing is compared where a sound record of exactly what the site has
is there, nor copied in full where there is something to compare it with.
"""

import copy
import shutil
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from holdfast.machines.points import Rung
from holdfast.replication.generations import Move
from holdfast.replication.source_facts import How
from holdfast.replication.waiting_logs import merge_waiting
from holdfast.testing.clock import FakeClock
from tests.property.generation_model import (
    Image,
    Machine,
    ModelSite,
    Source,
    new_home,
)

blocks = st.integers(0, 5)
values = st.integers(0, 1 << 30)
counts = st.integers(1, 6)
targets = st.sampled_from(["vda", "vdb"])
MOST = 60


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.home = new_home()
        self.clock = FakeClock()
        (self.home / "site").mkdir()
        (self.home / "source").mkdir()
        self.site = ModelSite(self.home / "site", self.clock)
        self.machine = Machine({})
        self.source = Source(self.home / "source", self.machine, self.site, self.clock)
        self.images: list[dict[str, Image]] = []
        self.replicas: list[tuple[Any, Any]] = []

    @initialize(can_record=st.none() | st.booleans(), is_first=st.booleans())
    def begin(self, *, can_record: bool | None, is_first: bool) -> None:
        self.machine.disks["vda"] = Image([1, 0, 2, 3])
        if can_record is not None:
            self.machine.disks["vdb"] = Image([0, 4, 5], can_record=can_record)
        if not is_first:
            self.cycle(is_sent=True)

    # The machine.

    @rule(target_=targets, number=blocks, value=values)
    def write(self, target_: str, number: int, value: int) -> None:
        image = self.machine.disks.get(target_)
        if image is not None and number < len(image.blocks):
            image.write(number, value)

    @rule(target_=targets, count=counts)
    def resize(self, target_: str, count: int) -> None:
        if target_ in self.machine.disks:
            self.machine.disks[target_].resize(count)

    @rule(target_=targets, count=counts)
    def shrink_and_grow_again(self, target_: str, count: int) -> None:
        """No record knows of that; it is seen by what was data and is none."""
        if target_ in self.machine.disks:
            before = len(self.machine.disks[target_].blocks)
            self.resize(target_, min(before, count))
            self.resize(target_, before)

    @rule(count=counts, value=values, can_record=st.booleans())
    def plug_in(self, count: int, value: int, *, can_record: bool) -> None:
        if "vdb" not in self.machine.disks:
            self.machine.disks["vdb"] = Image([value] * count, can_record=can_record)

    @rule()
    def unplug(self) -> None:
        self.machine.disks.pop("vdb", None)

    @rule()
    def stop_or_start(self) -> None:
        self.machine.is_live = not self.machine.is_live

    @rule()
    def kill_qemu(self) -> None:
        if self.machine.is_live:
            for image in self.machine.disks.values():
                image.killed()
            self.machine.is_live = False

    @rule(target_=targets)
    def lose_records(self, target_: str) -> None:
        if target_ in self.machine.disks:
            self.machine.disks[target_].records = {}

    @rule()
    def keep_images(self) -> None:
        """A snapshot of the storage; of a machine that runs, as if its host had lost power."""
        kept = copy.deepcopy(self.machine.disks)
        if self.machine.is_live:
            for image in kept.values():
                image.killed()
        self.images.append(kept)

    @precondition(lambda self: self.images)
    @rule(which=values)
    def put_images_back(self, which: int) -> None:
        self.machine.is_live = False
        self.machine.disks = copy.deepcopy(self.images[which % len(self.images)])

    # The source.

    @rule(is_killed=st.booleans() | st.just(value=False))
    def advance(self, *, is_killed: bool) -> None:
        self.clock.sleep(30)
        if self.machine.disks:
            self.source.advance(is_killed=is_killed)

    @rule(is_sent=st.booleans())
    def cycle(self, *, is_sent: bool) -> None:
        """Until there is a new point: without such haste none of these lives would get far."""
        for _time in range(MOST if self.machine.disks else 0):
            self.clock.sleep(30)
            move = self.source.advance()
            while (is_sent or move is not Move.STEP) and self.source.ship():
                pass
            if move is Move.STEP:
                return

    @rule(
        written=st.lists(st.tuples(targets, blocks, values), min_size=2, max_size=5),
        merges=st.booleans(),
    )
    def cycle_with_the_link_away(
        self, written: list[tuple[str, int, int]], *, merges: bool
    ) -> None:
        for target, number, value in written:
            self.write(target, number, value)
            if self.machine.disks and not self.source.is_walking:
                self.source.advance()
        if merges:
            self.merge()

    @rule()
    def order(self) -> None:
        self.source.order()

    @rule()
    def merge(self) -> None:
        merge_waiting(self.source.job, most=1)

    @rule()
    def restart(self) -> None:
        self.source.is_connected = False

    @rule()
    def lose_what_is_remembered(self) -> None:
        """As on a host the machine was moved to, with its disks and their records."""
        shutil.rmtree(self.source.folder.path, ignore_errors=True)
        self.source.is_connected = False

    @rule()
    def keep_what_is_remembered(self) -> None:
        kept = self.home / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        if self.source.folder.path.exists():
            shutil.copytree(self.source.folder.path, kept)

    @rule()
    def put_back_what_is_remembered(self) -> None:
        kept = self.home / "kept"
        if kept.exists():
            shutil.rmtree(self.source.folder.path, ignore_errors=True)
            shutil.copytree(kept, self.source.folder.path)
            self.source.is_connected = False

    # The link and the site.

    @rule()
    def ship(self) -> None:
        self.site.make()
        self.source.ship()

    @rule()
    def ship_and_lose_the_answer(self) -> None:
        self.site.make()
        self.site.cuts_next = True
        self.source.ship()
        self.site.cuts_next = False

    @rule()
    def ask(self) -> None:
        self.source.reconcile()

    @rule()
    def keep_replica(self) -> None:
        self.replicas.append((self.site.record, copy.deepcopy(self.site.layers)))

    @precondition(lambda self: self.replicas)
    @rule(which=values)
    def put_replica_back(self, which: int) -> None:
        record, layers = self.replicas[which % len(self.replicas)]
        self.site.record, self.site.layers = record, copy.deepcopy(layers)

    @rule()
    def lose_replica(self) -> None:
        self.site.record = None

    @rule(target_=targets, number=blocks, value=values)
    def write_to_replica(self, target_: str, number: int, value: int) -> None:
        if self.site.record is not None:
            self.site.spoil(target_, number, value)

    # What must hold.

    @invariant()
    def every_point_is_the_machine_at_its_instant(self) -> None:
        record = self.site.record
        for point in record.facts.points if record else ():
            if not point.is_spoiled:
                found = {d.target: self.site.content(d) for d in point.disks}
                assert found == self.source.truth[point.generation]

    @invariant()
    def nothing_is_read_that_need_not_be(self) -> None:
        for disk, is_recorded, _head in self.source.walks:
            if is_recorded:
                assert disk.how is How.CHANGES, disk
            if disk.there:
                assert disk.how is not How.FULL, disk
        for track, is_recorded in self.source.steps:
            if is_recorded:
                assert track.rung is Rung.BITMAP or track.why == "shrunk", track
        self.source.walks.clear()
        self.source.steps.clear()

    def teardown(self) -> None:
        try:
            if self.machine.disks:
                self._settle()
        finally:
            shutil.rmtree(self.home)

    def _settle(self) -> None:
        """Left alone, the site has the machine as it is before long."""
        self.source.reconcile()
        wanted = {target: list(image.blocks) for target, image in self.machine.disks.items()}
        for _time in range(MOST):
            self.source.advance()
            while self.source.ship():
                pass
            record = self.site.record
            point = record.facts.points[-1] if record and record.facts.points else None
            is_head = point and record and record.facts.head == point.generation
            if point and is_head and self.source.truth[point.generation] == wanted:
                self.every_point_is_the_machine_at_its_instant()
                self.nothing_is_read_that_need_not_be()
                return
        raise AssertionError(f"the site never came to have what the machine is: {wanted}")


Lives.TestCase.settings = settings(
    max_examples=60,
    # The same lives each time; more of them are lived with another number here.
    derandomize=True,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLives = Lives.TestCase
