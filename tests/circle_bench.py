"""A machine that goes there and back again between two hosts, while whatever works for it is killed.

Every act is the command a person types. It stops at the beginning of each of its steps, something
is killed there, and it goes on; what was killed comes back as from its service manager. A command
that ends with an error is typed again.
"""

import contextlib
import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from holdfast.base.clock import SystemClock
from holdfast.base.units import KIB, MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.errors import VmMissing
from holdfast.recovery.record import RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site import Site
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Working
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until

SIZES = {"vda": 8 * MIB, "sda": 2 * MIB}
WITHIN = 180.0
_GATED = Path(__file__).with_name("gated_command.py")
_TRIES = 4
_NOT_RUNNING = "way-back-machine-not-running"


class Victim(StrEnum):
    """`here` is the host of the command."""

    COMMAND = "command"
    # Of the host the machine is shipped from, and of the one it is shipped to.
    RUN = "replication run"
    SERVE = "replication serve"
    DAEMON = "libvirtd here"
    OTHER_DAEMON = "libvirtd there"
    QEMU = "QEMU here"
    OTHER_QEMU = "QEMU there"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleAct:
    """`deaths` are in the order of the steps; two at one step need the command a second time."""

    name: str
    words: tuple[str, ...]
    # Where it is typed, and where the machine is shipped from meanwhile.
    at: str
    source: str
    # Where it runs afterwards.
    runs_at: str
    stage: Stage
    deaths: tuple[tuple[str, Victim], ...]
    epochs: int = 0
    is_disaster: bool = False


@dataclass(slots=True)
class Seen:
    """What came of the commands of one act."""

    status: int = -1
    steps: set[str] = field(default_factory=set)
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Circle:
    sites: TwoSites
    # The same machine, as it is on each host; what its disks hold is one.
    machines: dict[str, StillMachine]
    # In the order in which they follow each other; the first follows the last.
    acts: tuple[CircleAct, ...]
    done: int = 0
    runs_at: str = "north"
    _fallen: set[str] = field(default_factory=set)
    _writes: int = 0
    _epochs: dict[str, int] = field(default_factory=dict)

    @property
    def home(self) -> StillMachine:
        return self.machines["north"]

    @property
    def uuid(self) -> str:
        return self.home.uuid

    def station(self, name: str) -> Station:
        return self.sites.north if name == "north" else self.sites.south

    def record(self, name: str) -> RecoveryRecord:
        found = RecordFolder(str(self.station(name).home), self.uuid).load()
        return found or RecoveryRecord(vm=self.uuid, name=self.home.name)

    def stand_before(self, act: CircleAct) -> None:
        """By all that comes before it, which nobody disturbs."""
        for each in self.acts[self.done : self.acts.index(act)]:
            self.go_through(replace(each, deaths=()))
        assert self.acts[self.done] == act, "a circle goes forward"

    def come_to_the_end(self) -> None:
        """By all that is left, which nobody disturbs."""
        for each in self.acts[self.done :]:
            self.go_through(replace(each, deaths=()))

    def go_through(self, act: CircleAct) -> Seen:
        """With all its deaths, to its end, and to the machine running where it is to run."""
        if act.is_disaster:
            self._lose_the_source()
        else:
            self._write()
        seen, left = Seen(), list(act.deaths)
        for _try in range(_TRIES + len(act.deaths)):
            self._typed(act, seen, left)
            if seen.status == 0 and not left:
                break
            self.revive(but_the_source=act.is_disaster)
            is_dead = not self.is_on(self.runs_at)
            if is_dead and seen.errors and seen.errors[-1]["code"] == _NOT_RUNNING:
                self.machines[self.runs_at].start()
        assert seen.status == 0, seen.errors
        assert not left, (left, seen)
        self.done, self.runs_at = self.done + 1, act.runs_at
        self.revive()
        if not self.machines[act.runs_at].is_on():
            self.machines[act.runs_at].start()
        return seen

    def revive(self, *, but_the_source: bool = False) -> None:
        """What was killed is started again; in a disaster not what it is about."""
        for name in sorted(self._fallen):
            self.station(name).host.start()
        self._fallen.clear()
        _work(self.sites.south)
        if not but_the_source:
            _work(self.sites.north)

    def is_on(self, name: str) -> bool:
        """Where nobody knows it yet it does not run."""
        with contextlib.suppress(VmMissing):
            return self.machines[name].is_on()
        return False

    def assert_runs_once(self) -> None:
        """And what was given once is never given again."""
        running = [name for name in self.machines if self.is_on(name)]
        assert len(running) < 2, "it runs on both hosts"
        for name in self.machines:
            epoch = self.record(name).epoch
            assert epoch >= self._epochs.get(name, 0)
            self._epochs[name] = epoch

    def assert_is(self, image: str | Path, target: str) -> None:
        raw = self.home.folder / "wanted"
        raw.write_bytes(self.home.disks[target].content)
        words = ["qemu-img", "compare", "-U", "-f", "raw", "-F", "qcow2", str(raw), str(image)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        raw.unlink()
        assert done.returncode == 0, f"{target}: {done.stdout}{done.stderr}"

    def assert_runs_on(self, name: str) -> None:
        """All that it ever wrote."""
        machine = self.machines[name]
        for target in SIZES:
            self.assert_is(machine.image(target)[0], target)

    def assert_is_at_site(self, name: str) -> None:
        """A point there has all of it, sooner or later."""
        site = Site(self.station(name).replicas, SystemClock())
        facts = site.state(self.uuid)
        assert facts is not None
        layers = site.attach(self.uuid, facts.points[-1].generation, who="tests")
        try:
            for target in SIZES:
                self.assert_is(layers[target], target)
        finally:
            site.unpin(self.uuid, facts.points[-1].generation, who="tests")

    def _typed(self, act: CircleAct, seen: Seen, left: list[tuple[str, Victim]]) -> None:
        station = self.station(act.at)
        with _gated(station, act.words) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            for line in process.stdout:
                said = json.loads(line)
                if said["event"] == "error":
                    seen.errors.append(said)
                if said["event"] != "recovery-step" or said["state"] != "running":
                    continue
                seen.steps.add(said["step"])
                self.assert_runs_once()
                if self._die(act, said["step"], left, process):
                    break
                process.stdin.write(b"\n")
                process.stdin.flush()
                self.revive(but_the_source=act.is_disaster)
            seen.status = process.wait(WITHIN)

    def _die(
        self,
        act: CircleAct,
        step: str,
        left: list[tuple[str, Victim]],
        process: subprocess.Popen[bytes],
    ) -> bool:
        """Whatever dies next at this step; whether the command did."""
        if not left or left[0][0] != step:
            return False
        _step, victim = left.pop(0)
        if victim is not Victim.COMMAND:
            self._kill(act, victim)
        if victim is Victim.COMMAND or (left and left[0][0] == step):
            Working(process, self.home.folder / "firmware").kill()
            return True
        return False

    def _kill(self, act: CircleAct, victim: Victim) -> None:
        source = self.station(act.source)
        site = self.sites.south if source is self.sites.north else self.sites.north
        here = self.station(act.at)
        there = self.sites.south if here is self.sites.north else self.sites.north
        if victim is Victim.RUN:
            assert source.running is not None
            assert source.running.is_at_work
            source.running.kill()
        elif victim is Victim.SERVE:
            assert site.serving is not None
            assert site.serving.is_at_work
            site.serving.kill()
        elif victim in (Victim.DAEMON, Victim.OTHER_DAEMON):
            fallen = here if victim is Victim.DAEMON else there
            self._fallen.add(fallen.name)
            fallen.host.kill()
        else:
            self.cut_power(here.name if victim is Victim.QEMU else there.name)

    def cut_power(self, name: str) -> None:
        machine = self.machines[name]
        assert machine.is_on()
        machine.host.kill_guest(machine.name)
        wait_until(lambda: not machine.is_on(), within=WITHIN)

    def _lose_the_source(self) -> None:
        """With something that nobody has seen, and is lost."""
        before = {target: bytes(disk.content) for target, disk in self.home.disks.items()}
        self.sites.north.kill()
        self.home.write("vda", 3 * MIB, b"seen by nobody" * 500)
        self.home.flush("vda")
        self.cut_power("north")
        for target, content in before.items():
            self.home.disks[target].content[:] = content

    def _write(self) -> None:
        """And flush it: a power cut loses nothing of it."""
        self._writes += 1
        machine = self.machines[self.runs_at]
        for target in SIZES:
            machine.write(target, self._writes * 96 * KIB, f"round {self._writes}".encode() * 999)
            machine.flush(target)


@contextmanager
def circle(
    hosts: tuple[KvmHost, KvmHost], name: str, acts: tuple[CircleAct, ...]
) -> Iterator[Circle]:
    north, south = hosts
    with two_sites(*hosts) as sites, Host.open(north.uri) as here, Host.open(south.uri) as beyond:
        home = StillMachine(north, here, name, SIZES)
        there = copy.copy(home)
        there.host, there.hypervisor = south, beyond
        there.folder.mkdir()
        made = Circle(sites, {"north": home, "south": there}, acts)
        try:
            home.start()
            for target, size in SIZES.items():
                home.write(target, 0, bytes(range(1, 255)) * (size // 4 // 254))
                home.flush(target)
            sites.work()
            words = ("--to", "south", "--every", "15m", "--app-every", "never")
            sites.north.run("replication", "enable", name, *words)
            yield made
        finally:
            made.revive()
            there.remove()
            home.remove()


@contextmanager
def _gated(station: Station, words: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    side = station.side
    with (side.folder / "said").open("ab") as log:
        process = subprocess.Popen(
            side.host.words(sys.executable, _GATED, *words, "--json"),
            env=side.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=side.folder,
        )
        with process:
            try:
                yield process
            finally:
                Working(process, side.folder / "said").kill()


def _work(station: Station) -> None:
    """A first copy ships by itself when nobody does; whoever ships always is started later then."""
    try:
        station.work()
    except AssertionError as err:
        if "replication-runs" not in str(err):
            raise
