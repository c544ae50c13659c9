"""Three hosts in a row: a machine that was failed over to the second one goes on to the third.

The first and the third do not know each other. What the machine's disks are to hold is known at
any time, wherever it runs.
"""

import contextlib
import copy
import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_by_uuid
from holdfast.hypervisor.errors import VmMissing
from holdfast.recovery.fencing import is_fenced
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.hosts import KvmHost, join
from holdfast.testing.replicated import Said, Side
from holdfast.testing.still_machine import StillDisk, StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until

WITHIN = 180.0
SIZES = {"vda": 8 * MIB, "sda": 2 * MIB}
NEVER = ("--every", "15m", "--app-every", "never")
COLD = ("--force", "--shutdown-within", "1s")
_MIDDLE, _THIRD = "10.78.1.2", "10.78.1.3"
_numbers = itertools.count(1)


@dataclass(slots=True)
class ThreeSites:
    """`both` are the first home and the host in the middle."""

    both: TwoSites
    west: Station

    @property
    def north(self) -> Station:
        return self.both.north

    @property
    def south(self) -> Station:
        return self.both.south

    @property
    def each(self) -> tuple[Station, Station, Station]:
        return self.north, self.south, self.west

    def work(self) -> None:
        for station in self.each:
            station.work()


@pytest.fixture(scope="module")
def three(own_hosts: tuple[KvmHost, KvmHost]) -> Iterator[ThreeSites]:
    """The third is joined to the second by a cable of its own, and they know each other."""
    with two_sites(*own_hosts) as sites, KvmHost("west") as host:
        south = sites.south
        # An address of its own at either end: each is reached by the one it was introduced with.
        join(host, south.host, addresses=(_THIRD, _MIDDLE), card="eth1")
        west = Station(Side(host, _THIRD), "west")
        made = ThreeSites(sites, west)
        try:
            west.admit(south)
            file = south.side.folder / "south-for-west.file"
            south.run("replication", "admit", "west", "--address", _MIDDLE, "--output", file)
            west.run("replication", "join", file)
            made.work()
            yield made
        finally:
            west.rest()


@dataclass(slots=True)
class Wanderer:
    """The same machine as it is on each host; what its disks hold is one."""

    sites: ThreeSites
    machines: dict[str, StillMachine]
    runs_at: str = "north"
    _writes: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def name(self) -> str:
        return self.machines["north"].name

    @property
    def uuid(self) -> str:
        return self.machines["north"].uuid

    def station(self, at: str) -> Station:
        return {one.name: one for one in self.sites.each}[at]

    def type(self, at: str, *words: str, status: int | None = 0) -> Said:
        """`holdfast WORDS` there, with the machine's name behind the command."""
        command, *options = words
        return self.station(at).run(*command.split(), self.name, *options, "--json", status=status)

    def move(self, to: str, *words: str) -> None:
        """By a command typed there, after which it runs there."""
        self.type(to, *words)
        self.runs_at = to

    def go_on(self) -> None:
        """From the second host to the third, as far as it can be without being there."""
        self.type("south", "commit")
        self.type("south", "replication enable", "--to", "west", *NEVER)

    def write(self) -> None:
        """Where it runs, something new on each disk; a power cut loses nothing of it."""
        number = next(self._writes)
        for target, size in SIZES.items():
            at = number * 192 * 1024 % (size - 192 * 1024)
            self.machines[self.runs_at].write(target, at, f"write {number}".encode() * 999)
            self.machines[self.runs_at].flush(target)

    def content(self) -> dict[str, bytes]:
        return {target: bytes(disk.content) for target, disk in self._disks.items()}

    def is_as(self, content: dict[str, bytes]) -> None:
        """From now on its disks are to hold that."""
        for target, kept in content.items():
            self._disks[target].content[:] = kept

    def is_on(self, at: str) -> bool:
        with contextlib.suppress(VmMissing):
            return self.machines[at].is_on()
        return False

    def running(self) -> list[str]:
        return [at for at in self.machines if self.is_on(at)]

    def record(self, at: str) -> RecoveryRecord:
        found = RecordFolder(str(self.station(at).home), self.uuid).load()
        return found or RecoveryRecord(vm=self.uuid, name=self.name)

    def is_barred(self, at: str) -> bool:
        """Nobody can start it there."""
        with contextlib.suppress(VmMissing), Host.open(self.station(at).host.uri) as host:
            return is_fenced(find_by_uuid(host, self.uuid))
        return True

    def assert_only_at(self, at: str) -> None:
        """It runs there, and the two others live by that; neither of them can start it."""
        epoch = self.record(at).epoch
        others = [other for other in self.machines if other != at]
        wait_until(lambda: {self.record(other).epoch for other in others} == {epoch}, within=WITHIN)
        wait_until(lambda: all(self.is_barred(other) for other in others), within=WITHIN)
        assert self.running() == [at]

    def assert_whole(self) -> None:
        """Where it runs, it has all that it ever wrote; it is off afterwards."""
        machine = self.machines[self.runs_at]
        machine.stop()
        for target in SIZES:
            assert machine.read(target) == bytes(self._disks[target].content), target

    @property
    def _disks(self) -> dict[str, StillDisk]:
        return self.machines["north"].disks


@contextmanager
def wandering(three: ThreeSites) -> Iterator[Wanderer]:
    """It was failed over to the second host, and has written there; nothing of it is left."""
    name = f"wander{next(_numbers)}"
    with contextlib.ExitStack() as stack:
        hosts = {one.name: stack.enter_context(Host.open(one.host.uri)) for one in three.each}
        home = StillMachine(three.north.host, hosts["north"], name, SIZES)
        machines = {"north": home}
        for station in (three.south, three.west):
            there = machines[station.name] = copy.copy(home)
            there.host, there.hypervisor = station.host, hosts[station.name]
            there.folder.mkdir()
        made = Wanderer(three, machines)
        try:
            home.start()
            for target, size in SIZES.items():
                home.write(target, 0, bytes(range(1, 255)) * (size // 2 // 254))
            three.north.run("replication", "enable", name, "--to", "south", *NEVER)
            made.move("south", "failover", "--planned", *COLD)
            made.write()
            yield made
        finally:
            three.work()
            for station in three.each:
                forget(station.host, home.uuid)
                shutil.rmtree(station.host.images / name, ignore_errors=True)


def forget(host: KvmHost, uuid: str) -> None:
    import libvirt

    with host.connected() as connection:
        for domain in connection.listAllDomains():
            if domain.UUIDString() == uuid:
                if domain.isActive():
                    domain.destroy()
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
