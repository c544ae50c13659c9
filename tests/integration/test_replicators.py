"""The loops of a host: machines are followed by themselves, and do what people want of them."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import quoteattr

import msgspec
import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.units import KIB, MIB
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_disks import attach_device, grow_disk
from holdfast.hypervisor.errors import HypervisorFailed
from holdfast.machines.points import Rung
from holdfast.replication.cycle_record import read_cycles
from holdfast.replication.receiver import ReplicaWish, SeedWish
from holdfast.replication.replica_facts import ReplicaDisk, ReplicaPoint
from holdfast.replication.replicator_tools import Door, Tools
from holdfast.replication.replicator_wishes import ask_for_cycle, ask_for_resync, pause, resume
from holdfast.replication.replicators import Replicators
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.shipping import ByHand
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SETTINGS, SourceFolder
from holdfast.replication.status import ReplicationStatus, State
from holdfast.replication.status_file import read_status, write_status
from holdfast.testing.clock import SetClock
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine, read_image
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
CLOCK = SystemClock()
_SHARED = """<disk type='file' device='disk'>
<driver name='qemu' type='raw' cache='none'/><source file={path}/>
<target dev='vdc' bus='virtio'/><shareable/></disk>"""
TO = SiteAddress(site="south", machine="site-1", host="south")
SIZES = {"vda": 8 * MIB, "sda": 2 * MIB}
_numbers = itertools.count()
NewMachine = Callable[..., StillMachine]


@pytest.fixture
def new_machine(kvm_host: KvmHost) -> Iterator[NewMachine]:
    """It is on, and has something on its disks."""
    with Host.open(kvm_host.uri) as hypervisor:
        made: list[StillMachine] = []

        def new(*, raw: tuple[str, ...] = ()) -> StillMachine:
            name = f"looped{next(_numbers)}"
            machine = StillMachine(kvm_host, hypervisor, name, SIZES, raw=raw)
            made.append(machine)
            machine.start()
            machine.write("vda", 0, bytes(range(1, 255)) * 20_000)
            return machine

        yield new
        for machine in made:
            machine.remove()


@pytest.fixture
def site_clock() -> SetClock:
    return SetClock()


@pytest.fixture
def clock() -> SetClock:
    """Of the source."""
    return SetClock()


@pytest.fixture
def site(tmp_path: Path, site_clock: SetClock) -> Site:
    (tmp_path / "site").mkdir()
    return Site(tmp_path / "site", site_clock)


@pytest.fixture
def tools(kvm_host: KvmHost, tmp_path: Path, site: Site, clock: SetClock) -> Tools:
    return Tools(
        home=str(tmp_path / "home"),
        clock=clock,
        machine="host-1",
        hypervisor=kvm_host.uri,
        connect=Host.open,
        door=lambda _address: Door(receiver=site, sender=ByHand(site)),
        scratch=str(kvm_host.folder / "loops"),
        slice_bytes=4 * MIB,
        reserve=0,
    )


@pytest.fixture
def loops(tools: Tools) -> Iterator[Replicators]:
    loops = Replicators(tools)
    loops.start()
    yield loops
    loops.stop()


def enabled(machine: StillMachine, home: Path, *, every: int = 1, group: str = "") -> SourceFolder:
    folder = SourceFolder(str(home), machine.uuid)
    folder.make()
    settings = ReplicationSettings(
        vm=machine.uuid, name=machine.name, to=TO, every=every, app_every=0, group=group
    )
    folder.keep_settings(settings)
    return folder


def status(folder: SourceFolder) -> ReplicationStatus | None:
    return read_status(folder.path)


def state(folder: SourceFolder) -> State | None:
    found = status(folder)
    return found.state if found else None


def points(site: Site, machine: StillMachine) -> tuple[ReplicaPoint, ...]:
    facts = site.state(machine.uuid)
    return facts.points if facts else ()


def proved_point(site: Site, machine: StillMachine) -> ReplicaPoint:
    """One that was taken after now, while the machine stands still, is its disks."""
    now = CLOCK.now()
    wait_until(lambda: any(each.taken_at > now for each in points(site, machine)))
    point = points(site, machine)[-1]
    layers = site.attach(machine.uuid, point.generation, who="test")
    assert {target: read_image(path) for target, path in layers.items()} == {
        disk.target: bytes(disk.content) for disk in machine.plugged
    }
    site.unpin(machine.uuid, point.generation, who="test")
    return point


def test_machines_are_followed_by_themselves_and_what_is_wanted_is_done(
    new_machine: NewMachine, loops: Replicators, site: Site, tmp_path: Path
) -> None:
    machines = [new_machine(), new_machine()]
    folders = [enabled(machine, tmp_path / "home") for machine in machines]
    for machine, folder in zip(machines, folders, strict=True):
        proved_point(site, machine)
        machine.write("vda", 3 * MIB, b"changed!" * 1024)
        machine.zero("vda", MIB, 128 * KIB)
        proved_point(site, machine)
        wait_until(lambda: state(folder) is State.REPLICATING)  # noqa: B023  awaited here

    first, folder = machines[0], folders[0]
    pause(folder, CLOCK, who="me")
    wait_until(lambda: state(folder) is State.PAUSED)
    count = len(points(site, first))
    first.write("sda", 0, b"while it is paused" * 100)
    proved_point(site, machines[1])
    assert len(points(site, first)) <= count + 1

    resume(folder, CLOCK)
    proved_point(site, first)
    ask_for_resync(folder, CLOCK, who="me", is_now=True)
    wait_until(lambda: (found := status(folder)) and "resync" in _whats(found))
    proved_point(site, first)
    wait_until(lambda: state(folder) is State.REPLICATING)

    first.stop()
    wait_until(lambda: state(folder) is State.SYNCED)


def test_one_whose_settings_do_not_read_keeps_no_other_from_being_followed(
    new_machine: NewMachine, tools: Tools, site: Site, tmp_path: Path
) -> None:
    broken, whole = new_machine(), new_machine()
    settings = enabled(broken, tmp_path / "home").path / SETTINGS
    settings.write_text("{")
    enabled(whole, tmp_path / "home")
    said: list[str] = []
    loops = Replicators(replace(tools, warn=said.append))
    loops.start()
    try:
        proved_point(site, whole)
        enabled(broken, tmp_path / "home")
        proved_point(site, broken)
    finally:
        loops.stop()

    assert [str(settings) in one for one in said] == [True]


@pytest.mark.parametrize(
    "before", [State.INITIAL_COPY, State.RESYNC_REQUIRED, State.RESYNCHRONIZING]
)
def test_who_was_killed_before_it_told_that_all_is_there_tells_it_when_it_starts(
    new_machine: NewMachine, loops: Replicators, tools: Tools, tmp_path: Path, before: State
) -> None:
    """Nothing else would, before the next point."""
    folder = enabled(new_machine(), tmp_path / "home", every=3600)
    wait_until(lambda: state(folder) is State.REPLICATING)
    loops.stop()
    known = status(folder)
    assert known is not None
    write_status(folder.path, msgspec.structs.replace(known, state=before))

    anew = Replicators(tools)
    anew.start()
    try:
        wait_until(lambda: state(folder) is State.REPLICATING)
    finally:
        anew.stop()


def test_a_machine_that_is_taken_for_a_while_is_let_go_and_followed_again(
    new_machine: NewMachine, loops: Replicators, site: Site, tmp_path: Path
) -> None:
    machine, beside = new_machine(), new_machine()
    folder = enabled(machine, tmp_path / "home")
    enabled(beside, tmp_path / "home")
    proved_point(site, machine)

    with folder.taken(CLOCK):
        before = points(site, machine)
        machine.write("vda", 3 * MIB, b"meanwhile" * 1024)
        proved_point(site, beside)
        proved_point(site, beside)

        assert points(site, machine) == before
        assert machine.uuid not in loops.machines
        assert folder.is_taken()

    assert not folder.is_taken()
    proved_point(site, machine)


def _whats(status: ReplicationStatus) -> list[str]:
    return [each.what for each in status.happenings]


def test_a_copy_that_was_carried_there_is_compared_and_not_sent(
    new_machine: NewMachine, loops: Replicators, site: Site, tmp_path: Path
) -> None:
    machine = new_machine()
    (site.folder / "seeds").mkdir()
    for disk in machine.plugged:
        (site.folder / "seeds" / f"{disk.target}.raw").write_bytes(bytes(disk.content))
    sizes = tuple(ReplicaDisk(target=disk.target, size=disk.size) for disk in machine.plugged)
    site.prepare(ReplicaWish(vm=machine.uuid, name=machine.name, source="host-1", disks=sizes))
    images = {disk.target: f"{disk.target}.raw" for disk in machine.plugged}
    site.seed(machine.uuid, SeedWish(generation=new_name(), images=images, disks=sizes))
    machine.write("vda", 2 * MIB, b"since it was carried" * 100)

    folder = enabled(machine, tmp_path / "home")

    proved_point(site, machine)
    wait_until(lambda: state(folder) is State.REPLICATING)
    first = points(site, machine)[0]
    assert first.rungs == {"vda": Rung.BITMAP, "sda": Rung.BITMAP}
    logged = [cycle.log_bytes for cycle in read_cycles(folder.path)]
    assert max(logged) < MIB


def test_machines_of_a_group_have_points_of_one_instant(
    new_machine: NewMachine, loops: Replicators, site: Site, tmp_path: Path
) -> None:
    machines = [new_machine(), new_machine()]

    for machine in machines:
        enabled(machine, tmp_path / "home", every=2, group="shop")

    for machine in machines:
        proved_point(site, machine)


def test_what_is_done_to_the_disks_of_a_machine_is_told(
    new_machine: NewMachine, loops: Replicators, site: Site, tmp_path: Path
) -> None:
    machine = new_machine()
    folder = enabled(machine, tmp_path / "home")
    proved_point(site, machine)
    machine.add_disk("sdb", MIB, is_plugged=False)

    machine.plug("sdb")
    wait_until(lambda: _happened(folder)[-1:] == [("disks-changed", "disk-added", "sdb")])
    _between_cycles(lambda: grow_disk(machine.domain, "sdb", size=2 * MIB))
    machine.disks["sdb"].content.extend(bytes(MIB))
    wait_until(lambda: _happened(folder)[-1:] == [("resized", "disk-grew", "sdb")])
    proved_point(site, machine)
    _between_cycles(lambda: machine.unplug("sdb"))

    wait_until(lambda: _happened(folder)[-1:] == [("disks-changed", "disk-removed", "sdb")])
    assert len(_happened(folder)) == 4


def _between_cycles(act: Callable[[], None]) -> None:
    """While a cycle reads a disk QEMU lets nobody have it."""

    def done() -> bool:
        try:
            act()
        except HypervisorFailed:
            return False
        return True

    wait_until(done)


def _happened(folder: SourceFolder) -> list[tuple[str, str, str]]:
    found = status(folder)
    return [(each.what, each.why, each.disk) for each in found.happenings] if found else []


def test_a_disk_that_cannot_be_replicated_is_not_left_out_in_silence(
    new_machine: NewMachine, loops: Replicators, site: Site, tmp_path: Path
) -> None:
    machine = new_machine()
    folder = enabled(machine, tmp_path / "home")
    proved_point(site, machine)
    wait_until(lambda: _reasons(folder) == [])
    machine.add_disk("vdc", MIB, is_plugged=False)
    path = machine.disks.pop("vdc").path
    xml = _SHARED.format(path=quoteattr(str(path)))

    attach_device(machine.domain, xml, for_good=True)

    wait_until(lambda: _reasons(folder) == ["disk-left-out"])
    found = status(folder)
    assert found is not None
    assert found.left_out == {"vdc": "shared"}
    assert "vdc" not in {disk.target for disk in points(site, machine)[-1].disks}
    folder.change_settings(lambda now: msgspec.structs.replace(now, left_out=("vdc",)))
    wait_until(lambda: _reasons(folder) == [])


def _reasons(folder: SourceFolder) -> list[str] | None:
    """But for what comes and goes on a busy machine."""
    found = status(folder)
    if found is None or found.state is not State.REPLICATING:
        return None
    return [each.code for each in found.reasons if each.code == "disk-left-out"]


_DAY = timedelta(days=1)


@pytest.mark.parametrize("of_site", [False, True])
def test_clocks_that_are_set_cost_no_point_and_are_told(
    new_machine: NewMachine,
    loops: Replicators,
    site: Site,
    tmp_path: Path,
    clock: SetClock,
    site_clock: SetClock,
    *,
    of_site: bool,
) -> None:
    machine, theirs = new_machine(), site_clock if of_site else clock
    folder = enabled(machine, tmp_path / "home")
    wait_until(lambda: len(points(site, machine)) >= 3)
    before = points(site, machine)

    for ahead in (3 * _DAY, -_DAY, 0 * _DAY):
        theirs.ahead = ahead
        newest = points(site, machine)[-1].generation
        # The one under way may still be of the time before.
        wait_until(lambda: len(_after(site, machine, newest)) >= 2)  # noqa: B023  awaited here
        site.thin(machine.uuid)
        wait_until(lambda: ("clock-skew" in _all_reasons(folder)) == bool(ahead))  # noqa: B023

    assert {each.generation for each in before} <= {
        each.generation for each in points(site, machine)
    }
    # Forth, back by more, forth.
    told = [] if of_site else ["clock-ahead", "clock-back", "clock-ahead"]
    wait_until(lambda: [why for what, why, _ in _happened(folder) if what == "clock-set"] == told)
    found = status(folder)
    assert found is not None
    assert found.state is State.REPLICATING
    assert found.rpo_seconds is not None


def _after(site: Site, machine: StillMachine, generation: str) -> list[ReplicaPoint]:
    found = points(site, machine)
    names = [each.generation for each in found]
    return list(found[names.index(generation) + 1 :])


def _all_reasons(folder: SourceFolder) -> list[str]:
    found = status(folder)
    return [each.code for each in found.reasons] if found else []


@pytest.mark.usefixtures("loops")
def test_a_replica_that_is_gone_when_it_is_to_be_compared_is_made_anew(
    new_machine: NewMachine, site: Site, tmp_path: Path
) -> None:
    # What cannot be recorded is compared in each step.
    machine = new_machine(raw=("sda",))
    folder = enabled(machine, tmp_path / "home", every=3600)
    proved_point(site, machine)
    wait_until(lambda: (found := status(folder)) and found.latest_point and not found.queue_logs)

    site.remove(machine.uuid)
    ask_for_cycle(folder, CLOCK)

    proved_point(site, machine)
    wait_until(lambda: state(folder) is State.REPLICATING)
