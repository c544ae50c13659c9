"""A machine that goes there and back again between two hosts, while whatever works for it is killed.

Every act is the command a person types. It stops at the beginning of each of its steps, something
is killed there, and it goes on; what was killed comes back as from its service manager. A command
that ends with an error is typed again.
"""

import contextlib
import copy
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import KIB, MIB
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.errors import VmMissing
from holdfast.hypervisor.states import State as Standing
from holdfast.recovery.desk import tidings_of
from holdfast.recovery.record import RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.status import State
from holdfast.replication.status_file import read_status
from holdfast.testing.host_commands import Begun, warm
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Working
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until

SIZES = {"vda": 8 * MIB, "sda": 2 * MIB}
WITHIN = 180.0
_GATED = Path(__file__).with_name("gated_command.py")
_FOLLOWED = (State.REPLICATING, State.SYNCED)
_TRIES = 4
# What these want is done, as they say it.
_NOT_RUNNING = ("way-back-machine-not-running", "live-not-running")
_NOT_FOLLOWED = "live-source-refuses"


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
    # All that runs on it, the command among it: its power is cut.
    HOST = "host here"
    OTHER_HOST = "host there"


_HOSTS = (Victim.HOST, Victim.OTHER_HOST)
_WITH_QEMU = (Victim.QEMU, Victim.OTHER_QEMU, *_HOSTS)


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
    deaths: tuple[tuple[str, Victim], ...] = ()
    epochs: int = 0
    is_disaster: bool = False
    # `deaths` are of every step, and of those the machine or the command never comes to none is.
    is_each: bool = False
    # What runs at `at` is dropped for what was brought there; or for what is at home.
    drops: str = ""

    @property
    def is_undo(self) -> bool:
        return self.drops == "north"


@dataclass(slots=True)
class Seen:
    """What came of the commands of one act."""

    status: int = -1
    # Those that were begun; and all that there are, in their order.
    steps: set[str] = field(default_factory=set)
    named: list[str] = field(default_factory=list)
    killed: set[tuple[str, Victim]] = field(default_factory=set)
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Circle:
    sites: TwoSites
    # The same machine, as it is on each host; what its disks hold is one.
    machines: dict[str, StillMachine]
    runs_at: str = "north"
    # It is at home and protected; else what comes next says little.
    is_whole: bool = True
    _fallen: set[str] = field(default_factory=set)
    _writes: int = 0
    _epochs: dict[str, int] = field(default_factory=dict)
    # What its disks held as it was failed over: what was brought there, and what stayed at home.
    _held: dict[str, dict[str, bytes]] = field(default_factory=dict)

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

    @contextmanager
    def round(self) -> Iterator[None]:
        """From home to home."""
        assert self.is_whole, "a round before this one did not come to its end"
        self.is_whole = False
        yield
        self.is_whole = True

    def go_through(self, act: CircleAct) -> Seen:
        """With all its deaths, to its end, and to the machine running where it is to run."""
        self._prepare(act)
        seen, left = Seen(), list(act.deaths)
        for _try in range(_TRIES + len(act.deaths)):
            known = len(seen.errors)
            self._typed(act, seen, left)
            if seen.status == 0 and (act.is_each or not left):
                break
            self.revive(but_the_source=act.is_disaster)
            if len(seen.errors) > known:
                self._heed(act, str(seen.errors[-1]["code"]))
        assert seen.status == 0, seen.errors
        assert act.is_each or not left, (left, seen)
        self.runs_at = act.runs_at
        self.revive()
        if act.is_undo:
            wait_until(lambda: self.record(act.at).stage is Stage.PROTECTED, within=WITHIN)
        self._start(act.runs_at)
        return seen

    def _start(self, name: str) -> None:
        """Somebody may be quicker: it starts with its host, or is given back."""
        with contextlib.suppress(HoldfastError):
            if not self.is_on(name):
                self.machines[name].start()
        wait_until(lambda: self.is_on(name), within=WITHIN)

    def _heed(self, act: CircleAct, code: str) -> None:
        if code in (*_NOT_RUNNING, _NOT_FOLLOWED) and not self.is_on(self.runs_at):
            # Where it may be started: it may have left for the other host already.
            with contextlib.suppress(HoldfastError):
                self.machines[self.runs_at].start()
        if code == _NOT_FOLLOWED:
            try:
                wait_until(lambda: self._state_heard(act) in _FOLLOWED, within=WITHIN)
            except AssertionError as err:
                raise AssertionError(self._stands(act)) from err

    def _state_heard(self, act: CircleAct) -> str:
        heard = tidings_of(str(self.station(act.at).home), self.uuid)
        return heard.tidings.facts.get("state", "") if heard else ""

    def _stands(self, act: CircleAct) -> str:
        """What the site has heard, and what its source has to say."""
        heard = tidings_of(str(self.station(act.at).home), self.uuid)
        status = read_status(SourceFolder(str(self.station(act.source).home), self.uuid).path)
        return f"{act.name} at {act.at}\nheard: {heard}\nstatus: {status}\n{self.record(act.at)}"

    def _prepare(self, act: CircleAct) -> None:
        """What it holds, and will hold afterwards."""
        if act.is_disaster:
            self._held = {"south": self._content()}
            self._held["north"] = self._lose_the_source()
        else:
            self.write()
        if act.drops:
            for target, content in self._held[act.drops].items():
                self.home.disks[target].content[:] = content
        elif act.at == "south" and act.epochs and not act.is_disaster:
            self._held = dict.fromkeys(("north", "south"), self._content())

    def _content(self) -> dict[str, bytes]:
        return {target: bytes(disk.content) for target, disk in self.home.disks.items()}

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

    def _goes_on(self, name: str) -> bool:
        """One that is on its way stands there, paused, while it runs here."""
        with contextlib.suppress(VmMissing):
            return self.machines[name].domain.standing().state is Standing.RUNNING
        return False

    def assert_runs_once(self) -> None:
        """And what was given once is never given again."""
        running = [name for name in self.machines if self._goes_on(name)]
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

    def assert_done(self, act: CircleAct, seen: Seen, *, epoch: int) -> None:
        """Once, whatever died in it; `epoch` is that of before."""
        # Each time it stopped it said what to do.
        assert all(one["remedy"] and one["code"] != "unexpected" for one in seen.errors)
        record = self.record(act.at)
        assert (record.stage, record.act) == (act.stage, None)
        assert record.epoch == epoch + act.epochs
        self.assert_runs_once()
        self.assert_runs_on(act.runs_at)

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
        with gated(station, act.words) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            for line in process.stdout:
                said = json.loads(line)
                if said["event"] == "error":
                    seen.errors.append(said)
                if said["event"] != "recovery-step":
                    continue
                if said["step"] not in seen.named:
                    seen.named.append(said["step"])
                if said["state"] != "running":
                    continue
                seen.steps.add(said["step"])
                self.assert_runs_once()
                before = list(left)
                if self._die(act, said["step"], left, process):
                    break
                process.stdin.write(b"\n")
                process.stdin.flush()
                self.revive(but_the_source=act.is_disaster)
                if act.is_each and before != left:
                    self._power_up(act, left)
            seen.killed |= set(act.deaths) - set(left)
            seen.status = process.wait(WITHIN)

    def _die(
        self,
        act: CircleAct,
        step: str,
        left: list[tuple[str, Victim]],
        process: Begun,
    ) -> bool:
        """Whatever dies next at this step; whether the command did."""
        due = [death for death in left if death[0] == step]
        if not due or (act.is_each and not self.lives(act, due[0][1])):
            return False
        assert act.is_each or due[0] == left[0], (due, left)
        left.remove(due[0])
        _step, victim = due[0]
        if victim is not Victim.COMMAND:
            self.kill(act, victim)
        if victim is Victim.HOST:
            return True
        if victim is Victim.COMMAND or len(due) > 1:
            Working(process, self.home.folder / "firmware").kill()
            return True
        return False

    def kill(self, act: CircleAct, victim: Victim) -> None:
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
        elif victim in _HOSTS:
            fallen = here if victim is Victim.HOST else there
            self._fallen.add(fallen.name)
            fallen.host.cut_power()
            # Nobody waits for the end of what has ended.
            fallen.kill()
        elif victim in (Victim.DAEMON, Victim.OTHER_DAEMON):
            fallen = here if victim is Victim.DAEMON else there
            self._fallen.add(fallen.name)
            fallen.host.kill()
        else:
            self.cut_power(here.name if victim is Victim.QEMU else there.name)

    def cut_power(self, name: str) -> None:
        machine = self.machines[name]
        assert machine.is_on()
        machine.host.end_guest(machine.name)

    def lives(self, act: CircleAct, victim: Victim) -> bool:
        if victim not in (Victim.QEMU, Victim.OTHER_QEMU):
            return True
        return self.is_on(self._where(act, victim))

    def _where(self, act: CircleAct, victim: Victim) -> str:
        other = "south" if act.at == "north" else "north"
        return act.at if victim in (Victim.QEMU, Victim.HOST) else other

    def _power_up(self, act: CircleAct, left: list[tuple[str, Victim]]) -> None:
        """As its owner would: where it may be started, and so that it can be lost once more."""
        names = {self._where(act, victim) for _step, victim in left if victim in _WITH_QEMU}
        for name in names:
            with contextlib.suppress(HoldfastError):
                if not self.is_on(name) and self.runs_at == name:
                    self.machines[name].start()

    def _lose_the_source(self) -> dict[str, bytes]:
        """With something that nobody has seen, and is lost."""
        before = {target: bytes(disk.content) for target, disk in self.home.disks.items()}
        self.sites.north.kill()
        self.home.write("vda", 3 * MIB, b"seen by nobody" * 500)
        self.home.flush("vda")
        self.cut_power("north")
        stayed = self._content()
        for target, content in before.items():
            self.home.disks[target].content[:] = content
        return stayed

    def write(self) -> None:
        """And flush it: a power cut loses nothing of it."""
        self._writes += 1
        machine = self.machines[self.runs_at]
        for target, size in SIZES.items():
            at = self._writes * 96 * KIB % (size - 96 * KIB)
            machine.write(target, at, f"round {self._writes}".encode() * 999)
            machine.flush(target)


@contextmanager
def circle(
    hosts: tuple[KvmHost, KvmHost], name: str, *options: str, burden: int = 0
) -> Iterator[Circle]:
    """`options` are of the replication."""
    north, south = hosts
    with two_sites(*hosts) as sites, Host.open(north.uri) as here, Host.open(south.uri) as beyond:
        home = StillMachine(north, here, name, SIZES, burden=burden)
        there = copy.copy(home)
        there.host, there.hypervisor = south, beyond
        there.folder.mkdir()
        made = Circle(sites, {"north": home, "south": there})
        try:
            home.start()
            for target, size in SIZES.items():
                home.write(target, 0, bytes(range(1, 255)) * (size // 4 // 254))
                home.flush(target)
            sites.work()
            words = ("--to", "south", "--every", "15m", "--app-every", "never")
            sites.north.run("replication", "enable", name, *words, *options)
            yield made
        finally:
            made.revive()
            there.remove()
            home.remove()


@contextmanager
def gated(station: Station, words: tuple[str, ...]) -> Iterator[Begun]:
    side = station.side
    with (side.folder / "said").open("ab") as log:
        process = warm().talk(side.request(_GATED, *words, "--json"), log.fileno())
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin, process.stdout:
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


def assert_at_rest(going: Circle, act: CircleAct) -> None:
    """What is true of a machine, and of its replica, after such an act."""
    look = _AT_REST.get((act.words[0], act.runs_at))
    if look is not None:
        look(going, act)


def _away(going: Circle, act: CircleAct) -> None:
    """Its home cannot start it, and has all of it where nothing was lost."""
    wait_until(lambda: going.record("north").fence is not None, within=WITHIN)
    with pytest.raises(HoldfastError):
        going.home.start()
    if not (act.is_disaster or act.drops):
        for target, disk in going.home.disks.items():
            going.assert_is(disk.path, target)
    if not {Victim.QEMU, Victim.HOST} & {victim for _step, victim in act.deaths}:
        # What it writes there is recorded, for the way back.
        promoted = going.record("south").promoted
        assert promoted is not None
        known = [each.name for each in list_checkpoints(going.machines["south"].domain)]
        assert known == [promoted.checkpoint]


def _committed(going: Circle, _act: CircleAct) -> None:
    facts = going.sites.south.facts(going.uuid)
    assert facts is not None
    assert len(facts.points) == 1


def _followed(going: Circle, act: CircleAct) -> None:
    other = "south" if act.runs_at == "north" else "north"
    going.assert_is_at_site(other)
    assert going.station(act.runs_at).facts(going.uuid) is None or other == "north"


def _at_home(going: Circle, _act: CircleAct) -> None:
    """Upon its own images, and nothing else."""
    for target, disk in going.home.disks.items():
        assert going.home.image(target)[0] == disk.path
    assert going.record("north").promoted is None


_AT_REST = {
    ("failover", "south"): _away,
    ("commit", "south"): _committed,
    ("reprotect", "south"): _followed,
    ("failback", "north"): _at_home,
    ("reprotect", "north"): _followed,
}
