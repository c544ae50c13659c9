"""Random lives of a machine without a guest: real images with real records, a real site.

What the model of tests/property/test_generations.py holds true is held true here by libvirt, QEMU
and qemu-img: every point is the machine at its instant, whatever was lost, put back or written to.
"""

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.units import KIB, MIB
from holdfast.disks.images import inspect, remove_bitmap
from holdfast.hypervisor.connection import Host
from holdfast.machines.points import Rung
from holdfast.machines.tracking import Why
from holdfast.replication.receiver import ReplicaWish
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.site import Site
from holdfast.replication.source_advance import Did, want_walk
from holdfast.replication.waiting_logs import merge_waiting
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicating import CLOCK, Replicating
from holdfast.testing.still_machine import StillMachine
from tests import machines_bench

pytestmark = machines_bench.MARKS
FIRST, SECOND = "vda", "sda"
SIZES = {FIRST: 6 * MIB, SECOND: 2 * MIB}
EVENTS = 16
# As often as it stands here; what is lost or put back is the exception.
KINDS = (
    *("point",) * 6,
    *("step",) * 4,
    *("ship",) * 2,
    *("turn",) * 3,
    "answer_lost",
    "cut_power",
    "resize",
    "record_lost",
    "images_kept",
    "images_back",
    "forgotten",
    "replica_kept",
    "replica_back",
    "replica_written",
    "merge",
    "order",
)


class AnswerLost(Exception):
    """The site has applied a log, and nobody here has heard of it."""


class Life:
    def __init__(self, machine: StillMachine, replicating: Replicating, folder: Path) -> None:
        self.machine, self.replicating, self.folder = machine, replicating, folder
        assert isinstance(replicating.receiver, Site)
        self.site = replicating.receiver
        self.truth: dict[str, dict[str, bytes]] = {}
        self.told: list[str] = []
        self.rungs: list[str] = []

    def live(self, dice: random.Random) -> None:
        self.turn(dice)
        self.point(dice)
        self.images_kept(dice)
        self.replica_kept(dice)
        for _number in range(EVENTS):
            self.write(dice)
            kind = dice.choice(KINDS)
            self.told.append(kind)
            getattr(self, kind)(dice)

    def settle(self) -> ReplicaFacts:
        """Left alone, the site has the machine as it is."""
        self.reconcile()
        self.machine.write(FIRST, 0, b"the last thing that is written")
        self.point(random.Random(0))
        facts = self.site.state(self.machine.uuid)
        assert facts is not None
        return facts

    def write(self, dice: random.Random) -> None:
        target = dice.choice([FIRST, FIRST, SECOND])
        at = dice.randrange(self.machine.disks[target].size // (64 * KIB)) * 64 * KIB
        if dice.random() < 0.2:
            self.machine.zero(target, at, 64 * KIB)
        else:
            self.machine.write(target, at, dice.randbytes(dice.choice([512, 4 * KIB, 64 * KIB])))

    def point(self, _dice: random.Random) -> None:
        for _time in range(60):
            did = self.step(_dice)
            self.replicating.ship_all()
            if did in (Did.STEP, Did.UNCHANGED):
                return
        raise AssertionError("no point came of it")

    def step(self, _dice: random.Random) -> Did:
        now = {disk.target: bytes(disk.content) for disk in self.machine.plugged}
        done = self.replicating.advance()
        if done.step is not None:
            self.truth[done.step.generation.name] = now
            for track in done.step.tracks.values():
                self.rungs.append(track.rung.value)
                assert track.rung is not Rung.FULL or track.why is Why.FIRST
        return done.did

    def ship(self, _dice: random.Random) -> None:
        self.replicating.ship()

    def answer_lost(self, _dice: random.Random) -> None:
        def lose(step: str) -> None:
            if step == "shipped":
                raise AnswerLost

        self.replicating.on_step = lose
        try:
            self.replicating.ship()
        except AnswerLost:
            self.told.append("lost")
        finally:
            self.replicating.on_step = lambda _step: None

    def merge(self, _dice: random.Random) -> None:
        merge_waiting(self.replicating.job(), most=1)

    def turn(self, _dice: random.Random) -> None:
        (self.machine.stop if self.machine.is_on() else self.machine.start)()

    def cut_power(self, _dice: random.Random) -> None:
        if self.machine.is_on():
            self.machine.cut_power()

    def resize(self, dice: random.Random) -> None:
        self.off()
        size = dice.choice([4, 5, 7, 8]) * MIB
        self.machine.resize(FIRST, size)

    def record_lost(self, dice: random.Random) -> None:
        self.off()
        path = self.machine.disks[dice.choice([FIRST, SECOND])].path
        for bitmap in inspect(path, format_="qcow2").bitmaps:
            remove_bitmap(path, bitmap.name)

    def images_kept(self, dice: random.Random) -> None:
        """A snapshot of the storage: with the machine on, as after a loss of power."""
        if dice.random() < 0.5:
            self.off()
        for disk in self.machine.plugged:
            shutil.copy(disk.path, self.folder / disk.target)

    def images_back(self, _dice: random.Random) -> None:
        if not (self.folder / FIRST).exists():
            return
        self.off()
        for disk in self.machine.plugged:
            shutil.copy(self.folder / disk.target, disk.path)
            disk.content[:] = self.machine.read(disk.target)

    def forgotten(self, _dice: random.Random) -> None:
        shutil.rmtree(self.replicating.folder.path, ignore_errors=True)
        self.reconcile()

    def order(self, _dice: random.Random) -> None:
        want_walk(self.replicating.job())

    def replica_kept(self, _dice: random.Random) -> None:
        shutil.rmtree(self.folder / "site", ignore_errors=True)
        shutil.copytree(self.site.folder, self.folder / "site")

    def replica_back(self, _dice: random.Random) -> None:
        if (self.folder / "site").exists():
            shutil.rmtree(self.site.folder)
            shutil.copytree(self.folder / "site", self.site.folder)
            self.reconcile()

    def replica_written(self, _dice: random.Random) -> None:
        facts = self.site.state(self.machine.uuid)
        if facts is None or not facts.points or facts.points[-1].generation != facts.head:
            return
        layer = self.layer(facts, FIRST)
        layer.chmod(0o600)
        called("qemu-io", "-f", "qcow2", "-c", "write -P 77 1M 64k", layer)
        self.reconcile()

    def off(self) -> None:
        if self.machine.is_on():
            self.machine.stop()

    def reconcile(self) -> None:
        """As at each beginning: the site is asked what it has."""
        wish = ReplicaWish(vm=self.machine.uuid, name=self.machine.name, disks=())
        self.site.prepare(wish)
        self.replicating.reconcile()

    def layer(self, facts: ReplicaFacts, target: str, number: int = -1) -> Path:
        disk = facts.points[number].disk(target)
        assert disk is not None
        folder = self.site.folder / self.machine.uuid / "layers"
        return folder / f"{target}.{disk.layer}.qcow2"

    def content(self, facts: ReplicaFacts, target: str, number: int) -> bytes:
        raw = self.folder / "content"
        layer = self.layer(facts, target, number)
        called("qemu-img", "convert", "-f", "qcow2", "-O", "raw", layer, raw)
        return raw.read_bytes()


def called(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture
def life(kvm_host: KvmHost, tmp_path: Path) -> Iterator[Life]:
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "living", SIZES)
        try:
            site = Site(tmp_path / "site", CLOCK)
            scratch = kvm_host.folder / "scratch"
            replicating = Replicating(hypervisor, machine.uuid, tmp_path / "home", scratch, site)
            (tmp_path / "kept").mkdir()
            life = Life(machine, replicating, tmp_path / "kept")
            life.reconcile()
            yield life
        finally:
            machine.remove()


@pytest.mark.parametrize("seed", [41])
def test_every_point_is_the_machine_at_its_instant(life: Life, seed: int) -> None:
    life.live(random.Random(seed))

    facts = life.settle()

    assert facts.points[-1].generation == facts.head
    assert life.truth[facts.head] == {
        disk.target: bytes(disk.content) for disk in life.machine.plugged
    }
    proven = 0
    for number, point in enumerate(facts.points):
        if not point.is_spoiled:
            proven += 1
            found = {d.target: life.content(facts, d.target, number) for d in point.disks}
            assert found == life.truth[point.generation], (seed, life.told, point)
    assert proven
    print(f"seed {seed}: {life.told}, {proven} points, {life.rungs}")  # noqa: T201  the figures


def test_a_disk_that_is_cut_off_and_grows_in_the_middle_of_a_walk_is_seen(life: Life) -> None:
    dice = random.Random(1)
    size = SIZES[FIRST]
    for at in range(0, size, MIB):
        life.machine.write(FIRST, at, dice.randbytes(64 * KIB))
    while life.step(dice) is not Did.STEP:
        walk = life.replicating.known()[1]
        if walk is not None and walk.made == walk.slices:
            # All of it was read, and is on its way.
            life.machine.resize(FIRST, size // 2)
            life.machine.resize(FIRST, size)
            break
        life.replicating.ship_all()
    life.replicating.ship_all()

    life.point(dice)

    facts = life.site.state(life.machine.uuid)
    assert facts is not None
    assert {d.target: life.content(facts, d.target, -1) for d in facts.points[-1].disks} == {
        disk.target: bytes(disk.content) for disk in life.machine.plugged
    }
