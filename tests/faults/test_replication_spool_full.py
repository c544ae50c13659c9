"""The file system of the spool is full, to its last byte: the guest runs on, and it is told.

Nothing waits for a person but the room itself: with room again, the next cycle brings everything.
"""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.units import KIB, MIB
from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.states import State as Standing
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.replication.judged_status import is_silent
from holdfast.replication.replicator_tools import Door, Tools
from holdfast.replication.replicators import Replicators
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.shipping import ByHand
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.spool_guard import Spooling, SpoolLimits
from holdfast.replication.status import ReplicationStatus, State
from holdfast.replication.status_file import read_status
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine, read_image
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.faults.conftest import Faults
from tests.guarded_mount import guarded_mount

pytestmark = [pytest.mark.faults, *machines_bench.MARKS]

CLOCK = SystemClock()
TO = SiteAddress(site="south", machine="site-1", host="south")
SIZES = {"vda": 8 * MIB, "sda": 2 * MIB}


class Scene:
    """A machine that is followed, whose source has little room."""

    def __init__(self, machine: StillMachine, home: Path, site: Site) -> None:
        self.machine, self.home, self.site = machine, home, site
        self.folder = SourceFolder(str(home), machine.uuid)
        self.folder.make()
        settings = ReplicationSettings(
            vm=machine.uuid, name=machine.name, to=TO, every=1, app_every=0
        )
        self.folder.keep_settings(settings)

    @property
    def filler(self) -> Path:
        return self.home / "filler"

    def fill(self) -> None:
        """By somebody else, to the last byte."""
        with self.filler.open("ab") as file:
            while (seen := os.statvfs(self.home)).f_bfree:
                at = file.seek(0, os.SEEK_END)
                # Somebody else may have been faster.
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), at, seen.f_bfree * seen.f_frsize)

    def status(self) -> ReplicationStatus | None:
        return read_status(self.folder.path)

    def is_told(self, since: datetime) -> bool:
        """Anew, and by what it is: nothing is spooled, or what there is room for was too little.

        Whoever filled it takes what is let go of, too.
        """
        self.fill()
        found = self.status()
        if found is None or found.updated_at <= since:
            return False
        reasons = {reason.code: reason.figures for reason in found.reasons}
        if found.spooling is Spooling.STOPPED:
            return "spool-stopped" in reasons
        return reasons.get("failing", {}).get("error") == "change-log-full"

    def proved_point(self) -> None:
        now = CLOCK.now()
        # It may have failed twice before.
        wait_until(lambda: (found := self.newest()) is not None and found[0] > now, within=240)
        found = self.newest()
        assert found is not None
        layers = self.site.attach(self.machine.uuid, found[1], who="test")
        assert {target: read_image(path) for target, path in layers.items()} == {
            disk.target: bytes(disk.content) for disk in self.machine.plugged
        }
        self.site.unpin(self.machine.uuid, found[1], who="test")

    def newest(self) -> tuple[datetime, str] | None:
        facts = self.site.state(self.machine.uuid)
        point = facts.points[-1] if facts and facts.points else None
        return (point.taken_at, point.generation) if point else None


@pytest.fixture
def steps() -> list[Callable[[str], None]]:
    """Called at each step of the machine's loop."""
    return []


@pytest.fixture
def scene(kvm_host: KvmHost, tmp_path: Path, steps: list[Callable[[str], None]]) -> Iterator[Scene]:
    def on_step(_uuid: str, step: str) -> None:
        for act in steps:
            act(step)

    home, folder = tmp_path / "home", tmp_path / "site"
    home.mkdir()
    folder.mkdir()
    size = ["-o", "size=24m"]
    subprocess.run(["mount", "-t", "tmpfs", *size, "tmpfs", str(home)], check=True)
    with guarded_mount(home), Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "crowded", SIZES)
        site = Site(folder, CLOCK)
        tools = Tools(
            home=str(home),
            clock=CLOCK,
            machine="host-1",
            hypervisor=kvm_host.uri,
            connect=Host.open,
            door=lambda _address: Door(receiver=site, sender=ByHand(site)),
            scratch=str(kvm_host.folder / "crowded"),
            slice_bytes=4 * MIB,
            reserve=0,
            on_step=on_step,
        )
        try:
            machine.start()
            machine.write("vda", 0, bytes(range(1, 255)) * 20_000)
            found, loops = Scene(machine, home, site), Replicators(tools)
            loops.start()
            try:
                yield found
            finally:
                loops.stop()
        finally:
            machine.remove()


def test_a_full_file_system_stops_no_guest_and_is_told_until_there_is_room(
    scene: Scene, faults: Faults
) -> None:
    machine = scene.machine
    scene.proved_point()

    faults.inject()
    filled_at = CLOCK.now()
    machine.write("vda", MIB, b"while nothing fits" * 4 * KIB)

    wait_until(lambda: scene.is_told(filled_at))
    told_at = CLOCK.now()
    machine.write("sda", 0, b"and later" * KIB)
    wait_until(lambda: scene.is_told(told_at))
    assert machine.domain.standing().state is Standing.RUNNING

    scene.filler.unlink()
    scene.proved_point()
    wait_until(lambda: _is_well(scene))
    faults.survive()


@pytest.mark.parametrize("moment", ["begun", "sealed"])
def test_room_that_goes_in_the_middle_of_a_step_costs_that_step(
    scene: Scene, faults: Faults, steps: list[Callable[[str], None]], moment: str
) -> None:
    machine = scene.machine
    scene.proved_point()
    filled: list[datetime] = []

    def fill(step: str) -> None:
        if step == moment and not filled:
            filled.append(CLOCK.now())
            scene.fill()

    machine.write("vda", MIB, b"not yet there" * 40 * KIB)
    faults.inject()
    steps.append(fill)
    wait_until(lambda: filled)
    machine.write("sda", MIB, b"while nothing fits" * 4 * KIB)

    assert machine.domain.standing().state is Standing.RUNNING
    # Its first try may come a minute after the failure.
    scene.filler.unlink()
    scene.proved_point()
    wait_until(lambda: _is_well(scene))
    faults.survive()


def test_a_step_that_takes_more_than_its_share_of_scratch_room_is_ended(
    scene: Scene,
    faults: Faults,
    steps: list[Callable[[str], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = scene.machine
    scene.proved_point()
    # Others write to the same disk, and remove what they wrote: as if it were one of its own.
    room = 64 * MIB
    monkeypatch.setattr(ScratchPlace, "free", property(lambda place: room - _taken(place.folder)))
    share = 2 * MIB / room
    ended: list[str] = []

    def overwrite(step: str) -> None:
        if step == "begun" and not ended:
            machine.write("vda", 0, os.urandom(6 * MIB))
            wait_until(lambda: current_backup(machine.domain) is None)
            ended.append(step)

    _limit_scratch(scene, SpoolLimits(warn=share, act=share))
    steps.append(overwrite)
    faults.inject()

    # Its first try may come a minute after a failure.
    wait_until(lambda: ended, within=240)
    wait_until(lambda: (found := scene.status()) and found.error_code == "vm-scratch-full")
    assert machine.domain.standing().state is Standing.RUNNING
    _limit_scratch(scene, SpoolLimits())
    scene.proved_point()
    wait_until(lambda: _is_well(scene))
    faults.survive()


def _taken(folder: Path) -> int:
    return sum(os.lstat(each).st_blocks for each in folder.iterdir()) * 512


def _limit_scratch(scene: Scene, limits: SpoolLimits) -> None:
    scene.folder.change_settings(lambda now: msgspec.structs.replace(now, scratch=limits))


def _is_well(scene: Scene) -> bool:
    found = scene.status()
    if found is None or is_silent(found, CLOCK.now()):
        return False
    return found.state is State.REPLICATING and found.spooling is Spooling.FREE
