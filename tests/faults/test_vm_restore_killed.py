"""A restore in place that is killed leaves the old machine, or one that waits for its end."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.ids import SnapshotId
from holdfast.disks import images
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.serving import served_image
from holdfast.hypervisor.connection import Host
from holdfast.machines.backup_errors import VmHalfRestored
from holdfast.machines.replacement_note import read_note
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.restore_killing import RestoreDeath, restore_in_place, was_killed_restoring
from holdfast.testing.vm_backups import VmBackups

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

MIB = 1 << 20
# Beyond the file systems of the guest's disks.
FREE = 62 * MIB
CLOCK = SystemClock()
# Where no disk has anything of the point yet, and where both have all of it.
BEFORE, AFTER = ("begun", "noted"), ("let go",)
BETWEEN = (
    *("barred", "done vda"),
    *("durable vdb", "state put back"),
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One that is off, its point, and copies of its disks: `old` as they are, `new` as then."""

    guest: Guest
    backups: VmBackups
    point: SnapshotId
    old: dict[str, Path]
    new: dict[str, Path]

    def is_as(self, wanted: dict[str, Path]) -> bool:
        return all(
            images.are_same(self.guest.disk(target), path, one_format="qcow2", other_format="qcow2")
            for target, path in wanted.items()
        )

    def starts(self) -> bool:
        domain = self.backups.domain
        try:
            domain.start(paused=True)
        except HoldfastError as err:
            assert "half-restored" in str(err) + str(err.fields)  # noqa: PT017  only why it did not
            return False
        domain.destroy()
        return True

    def leftovers(self) -> list[str]:
        return [path.name for path in self.guest.folder.iterdir() if "holdfast" in path.name]


@pytest.fixture(scope="module")
def hypervisor(kvm_host: KvmHost) -> Iterator[Host]:
    with Host.open(kvm_host.uri) as host:
        yield host


@pytest.fixture(scope="module")
def backed_up(
    kvm_host: KvmHost, hypervisor: Host, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """Never booted: what its disks hold is all that counts."""
    folder = tmp_path_factory.mktemp("replaced")
    guest = Guest(kvm_host, "replaced")
    try:
        backups = VmBackups(hypervisor, guest.uuid, folder, kvm_host.folder / "scratch")
        point = backups.back_up().point.snapshot
        new = copies(guest, folder / "new")
        for target in guest.targets:
            # In a block with data, and where there was nothing.
            scribble(guest, target, MIB // 2, FREE)
        old = copies(guest, folder / "old")
        yield Machine(guest=guest, backups=backups, point=point, old=old, new=new)
    finally:
        guest.remove()


@pytest.fixture
def machine(backed_up: Machine) -> Machine:
    """With its disks as they were before any restore."""
    for target, path in backed_up.old.items():
        shutil.copyfile(path, backed_up.guest.disk(target))
    return backed_up


def copies(guest: Guest, folder: Path) -> dict[str, Path]:
    folder.mkdir()
    found = {target: folder / target for target in guest.targets}
    for target, path in found.items():
        shutil.copyfile(guest.disk(target), path)
    return found


def scribble(guest: Guest, target: str, *places: int) -> None:
    socket = guest.folder / "scribble"
    served = served_image(
        guest.disk(target), socket, format_="qcow2", clock=CLOCK, is_writable=True
    )
    with served as address, NbdClient(address, contexts=()) as client:
        for place in places:
            client.write(place, f"{target} at {place}".encode() * 300)
        client.flush()


def assert_whole(machine: Machine) -> None:
    assert machine.is_as(machine.new)
    assert machine.starts()
    assert machine.leftovers() == []
    assert read_note(str(machine.backups.root), machine.guest.uuid) is None


@pytest.mark.parametrize("step", BEFORE + BETWEEN + AFTER)
def test_killed_at_any_step_it_is_the_old_machine_or_none_until_it_is_whole(
    machine: Machine, step: str
) -> None:
    assert was_killed_restoring(machine.backups, machine.point, RestoreDeath(step=step))

    if machine.starts():
        assert step not in BETWEEN
        assert machine.is_as(machine.old if step in BEFORE else machine.new)
    restore_in_place(machine.backups, machine.point)

    assert_whole(machine)


def test_killed_again_and_again_it_is_whole_in_the_end(machine: Machine) -> None:
    deaths = (
        RestoreDeath(step="committed vda"),
        # While it ends what was begun, and while it gathers anew.
        RestoreDeath(step="committed vdb"),
        RestoreDeath(step="begun"),
        RestoreDeath(step="gathered"),
        RestoreDeath(step="noted"),
    )

    for death in deaths:
        assert was_killed_restoring(machine.backups, machine.point, death)
        assert not machine.starts()
        with pytest.raises(VmHalfRestored):
            machine.backups.back_up()
    restore_in_place(machine.backups, machine.point)

    assert_whole(machine)


def test_another_point_than_that_of_the_killed_restore_ends_it_as_well(machine: Machine) -> None:
    later = machine.backups.back_up().point.snapshot
    assert was_killed_restoring(machine.backups, machine.point, RestoreDeath(step="done vda"))

    restore_in_place(machine.backups, later)

    assert machine.is_as(machine.old)
    assert machine.starts()
    assert machine.leftovers() == []


def test_a_lost_disk_that_is_made_anew_is_not_booted_empty(machine: Machine) -> None:
    machine.guest.disk("vdb").unlink()

    assert was_killed_restoring(machine.backups, machine.point, RestoreDeath(step="begun"))
    assert machine.guest.disk("vdb").exists()
    assert not machine.starts()
    restore_in_place(machine.backups, machine.point)

    assert_whole(machine)
