"""Profiles of a real machine: what it wrote, what differs in the end, and no trace in it after."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.planner_profile import ProfileWish, Telling, profile_machines
from holdfast.app.wiring import Session
from holdfast.base.units import MIB
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.vm_lock import vm_lock
from holdfast.replication.planner.machine_facts import MachineFacts, Measure
from holdfast.replication.planner.profile_folder import ProfileFolder
from holdfast.replication.planner.profiling import Seen
from holdfast.replication.planner.samples import MINUTE, Minute
from holdfast.replication.planner.series import Profile, read_profile
from holdfast.testing.clock import FakeClock
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.vm_backups import CLOCK, VmBackups
from tests.machines_bench import MARKS

pytestmark = MARKS

SIZES = {"vda": 8 * MIB, "sda": 4 * MIB}
DICE = random.Random(6)


@pytest.fixture(scope="module")
def machine(hypervisor: Host, kvm_host: KvmHost) -> Iterator[StillMachine]:
    """One disk that can record its changes, and a raw one; each test leaves it running."""
    machine = StillMachine(kvm_host, hypervisor, "profiled", dict(SIZES), raw=("sda",))
    try:
        machine.start()
        yield machine
    finally:
        machine.remove()


@pytest.fixture
def session(kvm_host: KvmHost, tmp_path: Path) -> Session:
    settings = Settings(home=str(tmp_path), libvirt=kvm_host.uri)
    # Of today: notes of checkpoints that are months old count no more. And at a whole minute, or
    # the ends of what is told by minutes would depend on when this runs.
    begin = CLOCK.now().replace(second=0, microsecond=0)
    return Session(settings=settings, warn=print, clock=FakeClock(begin))


class Script:
    """Does something to the machine at a poll, by its number; ends the profile after the last."""

    def __init__(self, machine: StillMachine, polls: int) -> None:
        self.machine = machine
        self.polls = polls
        self.seen: list[Seen] = []
        self.begun: list[MachineFacts] = []
        self.most_checkpoints = 0

    def telling(self) -> Telling:
        return Telling(
            is_over=lambda: len(self.seen) >= self.polls,
            on_begun=self.begun.extend,
            on_seen=self._on_seen,
        )

    def _on_seen(self, seen: Seen) -> None:
        self.seen.append(seen)
        self.most_checkpoints = max(self.most_checkpoints, len(checkpoints(self.machine)))
        self.act(len(self.seen))

    def act(self, number: int) -> None:  # noqa: ARG002  for scripts that do several things
        """The same place again at each poll, so that much is written and little differs."""
        self.machine.write("vda", 0, DICE.randbytes(MIB))
        self.machine.write("sda", 0, DICE.randbytes(MIB // 4))


def checkpoints(machine: StillMachine) -> list[str]:
    return [one.name for one in list_checkpoints(machine.domain)]


def profile_of(session: Session, machine: StillMachine) -> Profile:
    folder = ProfileFolder(session.settings.home, machine.uuid)
    return read_profile(folder.lines(), begin=0, end=float("inf"))


def run(session: Session, script: Script, **wish: object) -> Seen:
    asked = replace(ProfileWish(vms=(script.machine.name,)), **wish)  # type: ignore[arg-type]  # by name
    return profile_machines(session, asked, script.telling())


def test_what_differs_is_asked_at_three_ages(session: Session, machine: StillMachine) -> None:
    script = Script(machine, polls=130)

    seen = run(session, script)

    windows = profile_of(session, machine).windows
    assert seen.troubles == {}
    assert seen.left == ()
    assert Counter(window.age for window in windows) == {30: 3, 300: 2, 900: 2}
    # The raw one cannot tell, and of the other the same place was written at each poll.
    assert [list(window.disks) for window in windows] == [["vda"]] * len(windows)
    assert {window.disks["vda"].unique for window in windows} == {MIB}
    assert script.most_checkpoints == 1
    assert checkpoints(machine) == []


def test_what_a_guest_writes_is_counted_by_the_minute(
    session: Session, lasting_guest: Guest, lasting_domain: Domain
) -> None:
    polls: list[Seen] = []

    def write(seen: Seen) -> None:
        polls.append(seen)
        # Behind the file system, which others of this guest need.
        lasting_guest.run(
            "dd if=/dev/urandom of=/dev/vda seek=800 bs=64k count=16 conv=fsync 2>/dev/null"
        )

    telling = Telling(is_over=lambda: len(polls) >= 10, on_begun=print, on_seen=write)

    profile_machines(session, ProfileWish(vms=(lasting_domain.name,)), telling)

    folder = ProfileFolder(session.settings.home, lasting_domain.uuid)
    minutes = [line for line in folder.lines() if isinstance(line, Minute)]
    (whole, *_others) = [each for each in minutes if each.seconds == MINUTE]
    # What was written over the ends of the minute is divided, and rounded.
    assert whole.disks["vda"].bytes > 3 * MIB
    assert whole.disks["vda"].requests >= 2
    assert whole.disks["vda"].flushes >= 2
    assert list_checkpoints(lasting_domain) == []


def test_a_disk_that_cannot_record_is_told(session: Session, machine: StillMachine) -> None:
    script = Script(machine, polls=3)

    run(session, script)

    (facts,) = script.begun
    assert {disk.target: (disk.measure, disk.why) for disk in facts.disks} == {
        "vda": (Measure.UNIQUE, ""),
        "sda": (Measure.WRITTEN, "no-bitmaps"),
    }
    kept = ProfileFolder(session.settings.home, machine.uuid).machine()
    assert kept is not None
    assert [disk.measure for disk in kept.disks] == [disk.measure for disk in facts.disks]
    assert all(disk.size == SIZES[disk.target] for disk in facts.disks)
    assert all(disk.allocated > 0 for disk in facts.disks)


def test_a_second_run_goes_on_in_the_same_profile(session: Session, machine: StillMachine) -> None:
    run(session, Script(machine, polls=9))
    run(session, Script(machine, polls=100), lasts=timedelta(minutes=2))

    folder = ProfileFolder(session.settings.home, machine.uuid)
    minutes = [line for line in folder.lines() if isinstance(line, Minute)]
    assert sum(minute.seconds for minute in minutes) == pytest.approx(240, abs=20)
    assert checkpoints(machine) == []


def test_what_a_killed_profile_left_is_removed_by_the_next(
    session: Session, machine: StillMachine
) -> None:
    class Killed(BaseException):
        pass

    class Dies(Script):
        def act(self, number: int) -> None:
            folder = ProfileFolder(session.settings.home, machine.uuid)
            self.left = folder.checkpoints()
            if number == 3:
                raise Killed

    script = Dies(machine, polls=9)
    with pytest.MonkeyPatch.context() as patch:
        # As after kill -9: nothing of what follows a death is done.
        patch.setattr("holdfast.replication.planner.profiling._close", lambda _: ((), None))
        with pytest.raises(Killed):
            run(session, script)
    orphans = checkpoints(machine)
    run(session, Script(machine, polls=2))

    assert orphans == list(script.left)
    assert len(orphans) == 1
    assert checkpoints(machine) == []


def test_a_machine_that_is_off_and_on_again(session: Session, machine: StillMachine) -> None:
    class Restarts(Script):
        def act(self, number: int) -> None:
            if number == 4:
                machine.stop()
            elif number == 8:
                machine.start()

    script = Restarts(machine, polls=17)

    seen = run(session, script)

    profile = profile_of(session, machine)
    assert seen.left == ()
    assert [minute for minute in profile.minutes.values() if minute.seconds == MINUTE]
    assert sum(minute.seconds for minute in profile.minutes.values()) >= 240
    assert checkpoints(machine) == []


def test_a_daemon_that_is_restarted_is_no_end(session: Session, machine: StillMachine) -> None:
    class Restarts(Script):
        def act(self, number: int) -> None:
            if number == 4:
                machine.restart_libvirtd()

    seen = run(session, Restarts(machine, polls=70))

    assert seen.error is None
    assert seen.left == ()
    assert {window.age for window in profile_of(session, machine).windows} == {30, 300, 900}
    assert checkpoints(machine) == []


def test_who_works_on_the_machine_is_not_disturbed(session: Session, machine: StillMachine) -> None:
    script = Script(machine, polls=9)

    home = session.settings.home
    with vm_lock(home, machine.uuid, CLOCK, name=machine.name, work="backup"):
        seen = run(session, script)

    assert seen.troubles == {}
    assert script.most_checkpoints == 0
    assert profile_of(session, machine).minutes


def test_disks_that_come_and_go(session: Session, machine: StillMachine) -> None:
    class Plugs(Script):
        def act(self, number: int) -> None:
            if number == 5:
                machine.plug("sdb")
            elif number == 70:
                machine.unplug("sdb")

    machine.add_disk("sdb", 2 * MIB, is_plugged=False)
    script = Plugs(machine, polls=150)

    seen = run(session, script)

    windows = profile_of(session, machine).windows
    kept = ProfileFolder(session.settings.home, machine.uuid).machine()
    assert seen.troubles == {}
    # The one that was there from the beginning, then both, then that one again.
    assert list(dict.fromkeys(tuple(window.disks) for window in windows))[:2] == [
        ("vda",),
        ("vda", "sdb"),
    ]
    assert tuple(windows[-1].disks) == ("vda",)
    assert kept is not None
    assert {disk.target for disk in kept.disks} == {"vda", "sda"}
    assert checkpoints(machine) == []


def test_backups_and_profiles_leave_each_others_records_alone(
    session: Session, machine: StillMachine, kvm_host: KvmHost, tmp_path: Path
) -> None:
    backups = VmBackups(
        machine.hypervisor, machine.uuid, tmp_path, kvm_host.folder / "profiled", home=tmp_path
    )

    class BacksUp(Script):
        def act(self, number: int) -> None:
            if number in (2, 4):
                before = ProfileFolder(session.settings.home, machine.uuid).checkpoints()
                backups.back_up()
                assert set(before) < set(checkpoints(machine))

    run(session, BacksUp(machine, polls=6))

    (left,) = checkpoints(machine)
    assert left == backups.made[-1].facts.checkpoint
    assert next(disk.why for disk in backups.made[-1].facts.disks) == "tracked"
    notes = CheckpointNotes(str(tmp_path), machine.uuid, CLOCK)
    assert notes.of_others("") == {left}
