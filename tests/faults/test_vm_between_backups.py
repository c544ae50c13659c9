"""What others do to a machine, its disks, its clock and its vault between two of its backups.

The machine is still, so what each disk holds is known; the next point is it, or the test fails.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_disks import grow_disk
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.points import Rung
from holdfast.machines.replacing import ReplaceWish, replace_in_place
from holdfast.machines.vm_job import VmReport
from holdfast.storage.errors import StorageFull
from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.protocol import Content, Storage
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine, read_image
from holdfast.testing.vaults import identity, open_vault
from holdfast.testing.vm_backups import CLOCK, VmBackups
from holdfast.testing.waiting import wait_until
from holdfast.vault.repository import Repository
from tests import machines_bench
from tests.faults.conftest import Faults
from tests.faults.vm_walk_model import KIB, MIB, blocks_that_differ

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

FIRST, SECOND = "vda", "sda"
SIZES = {FIRST: 12 * MIB, SECOND: 4 * MIB}
TRACKED, COMPARED = Rung.BITMAP, Rung.HASH


@pytest.fixture
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    """It is on, and has something on both disks."""
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "meddled-with", SIZES)
        machine.start()
        for target, size in SIZES.items():
            machine.write(target, 0, bytes(range(1, 255)) * (size // 2 // 254))
        yield machine
        # With a snapshot libvirt would not forget it.
        machine.host.run("sh", "-c", f"virsh snapshot-delete {machine.name} inside --metadata; :")
        machine.remove()


@pytest.fixture
def backups(machine: StillMachine, kvm_host: KvmHost, tmp_path: Path) -> VmBackups:
    """With one point of the machine."""
    backups = VmBackups(machine.hypervisor, machine.uuid, tmp_path, kvm_host.folder / "meddled")
    backups.back_up()
    return backups


def changed(machine: StillMachine) -> None:
    machine.write(FIRST, 5 * MIB + 512, b"changed!" * 1024)
    machine.write(SECOND, 64 * KIB, b"as well!" * 64)


def proved(machine: StillMachine, backups: VmBackups, report: VmReport) -> list[Rung]:
    """The newest point is the disks, and nothing is left beside it; how each was known."""
    for disk in machine.plugged:
        reader = DiskReader(backups.reader(report), disk.target)
        assert blocks_that_differ(reader, bytes(disk.content)) == []
    # Of a machine that is off, checkpoints are removed when it is on again.
    assert not machine.is_on() or backups.leftovers() == []
    return [disk.rung for disk in report.facts.disks]


def next_point(machine: StillMachine, backups: VmBackups) -> list[Rung]:
    changed(machine)
    return proved(machine, backups, backups.back_up())


def virsh(machine: StillMachine, command: str, *words: str) -> None:
    machine.host.run("virsh", command, machine.name, *words)


def snapshot(machine: StillMachine, name: str) -> None:
    """Somebody else's, of the first disk, in a file of that name."""
    spec = f"{FIRST},snapshot=external,file={machine.folder / name}"
    virsh(machine, "snapshot-create-as", "--disk-only", "--no-metadata", "--diskspec", spec)


def move_disk(machine: StillMachine, target: str, format_: str) -> None:
    """To another image, while it is on."""
    moved = machine.begin_move(target, format_)
    changed(machine)
    machine.end_move(target, moved)


def test_a_disk_moved_to_another_image_takes_its_record_along(
    machine: StillMachine, backups: VmBackups
) -> None:
    move_disk(machine, FIRST, "qcow2")

    assert next_point(machine, backups) == [TRACKED, TRACKED]


def test_a_disk_moved_to_where_nothing_is_recorded_is_compared(
    machine: StillMachine, backups: VmBackups
) -> None:
    move_disk(machine, FIRST, "raw")

    assert next_point(machine, backups) == [COMPARED, TRACKED]
    assert next_point(machine, backups) == [COMPARED, TRACKED]


def test_snapshots_of_others_in_files_of_their_own_cost_nothing(
    machine: StillMachine, backups: VmBackups
) -> None:
    above = machine.folder / "above.qcow2"
    changed(machine)
    spec = f"{FIRST},snapshot=external,file={above}"
    virsh(
        machine,
        "snapshot-create-as",
        *("--disk-only", "--no-metadata", "--atomic", "--diskspec", spec),
        *("--diskspec", f"{SECOND},snapshot=no"),
    )
    with_it = next_point(machine, backups)
    changed(machine)
    virsh(machine, "blockcommit", FIRST, "--active", "--pivot", "--wait")

    without = next_point(machine, backups)

    assert with_it == without == [TRACKED, TRACKED]


def test_a_snapshot_of_others_hides_nothing_from_the_backup_of_a_machine_that_is_off(
    machine: StillMachine, backups: VmBackups
) -> None:
    changed(machine)
    above = machine.folder / "above.qcow2"
    spec = f"{FIRST},snapshot=external,file={above}"
    others = ("--diskspec", f"{SECOND},snapshot=no", "--disk-only", "--no-metadata")
    virsh(machine, "snapshot-create-as", "others", "--diskspec", spec, *others)
    machine.disks[FIRST].path = above
    machine.write(FIRST, 9 * MIB, b"above it" * 100)
    machine.stop()

    report = backups.back_up()

    assert proved(machine, backups, report) == [COMPARED, TRACKED]
    assert report.facts.disks[0].why == "map-inconsistent"


@pytest.mark.parametrize("is_on", [True, False])
def test_a_record_that_was_merged_into_an_image_that_keeps_none_is_compared(
    kvm_host: KvmHost, tmp_path: Path, *, is_on: bool
) -> None:
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "merged-down", {FIRST: 4 * MIB}, raw=(FIRST,))
        try:
            machine.start()
            machine.write(FIRST, 0, b"at first" * 1024)
            snapshot(machine, "one")
            backups = VmBackups(hypervisor, machine.uuid, tmp_path, kvm_host.folder / "merged")
            backups.back_up()
            machine.write(FIRST, MIB, b"in one" * 1024)
            snapshot(machine, "two")
            base = str(machine.disks[FIRST].path)
            one = str(machine.folder / "one")
            virsh(machine, "blockcommit", FIRST, "--top", one, "--base", base, "--wait")
            machine.write(FIRST, 2 * MIB, b"in two" * 1024)
            if not is_on:
                machine.stop()

            report = backups.back_up()

            assert proved(machine, backups, report) == [COMPARED]
            # And not because samples of so small a disk are all of it.
            assert report.facts.disks[0].why == "map-missing"
        finally:
            machine.remove()


def test_a_machine_put_back_to_a_snapshot_inside_its_images_is_right_in_the_next_point(
    machine: StillMachine, backups: VmBackups
) -> None:
    virsh(machine, "snapshot-create-as", "inside")
    between = next_point(machine, backups)
    # QEMU 7.2 may end at this: then the machine is off, and is started by its owner.
    machine.host.run(
        "sh",
        "-c",
        f"virsh snapshot-revert {machine.name} inside || virsh destroy {machine.name}; :",
    )
    if machine.is_on():
        machine.stop()
    for disk in machine.disks.values():
        disk.content[:] = read_image(disk.path)

    off = proved(machine, backups, backups.back_up())
    machine.start()
    on = next_point(machine, backups)
    last = next_point(machine, backups)

    assert between == last == [TRACKED, TRACKED]
    assert set(off + on) <= {TRACKED, COMPARED}


def test_a_disk_that_grew_before_a_power_cut_is_restored_in_place(
    machine: StillMachine, backups: VmBackups, faults: Faults
) -> None:
    disk = machine.disks[FIRST]
    before = bytes(disk.content)
    changed(machine)
    grow_disk(machine.domain, FIRST, size=disk.size + MIB)
    # It is kept with the image, so that the power cut finds it open.
    machine.stop()
    machine.start()
    faults.inject()
    machine.cut_power()
    wish = ReplaceWish(clock=CLOCK, home=str(backups.root), disks=(FIRST,))

    replace_in_place(backups.reader(), machine.domain, wish)

    assert read_image(disk.path) == before
    disk.content[:] = before
    machine.start()
    assert set(next_point(machine, backups)) <= {TRACKED, COMPARED}
    faults.survive()


class JumpingClock(SystemClock):
    """The real time until somebody sets it."""

    def __init__(self) -> None:
        self.off_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.off_by


@pytest.mark.parametrize("jump", [timedelta(days=3650), -timedelta(days=3650)], ids=["on", "back"])
def test_a_clock_that_jumps_and_is_put_right_costs_no_reading(
    machine: StillMachine, backups: VmBackups, faults: Faults, jump: timedelta
) -> None:
    clock, found = JumpingClock(), []
    vault = open_vault(backups.storage, clock=clock, who=identity())

    for off_by in (jump, jump, timedelta(0), timedelta(0)):
        faults.inject()
        clock.off_by = off_by
        changed(machine)
        found += proved(machine, backups, backups.back_up(repository=vault))
        faults.survive()

    assert set(found) == {TRACKED}


def test_a_vault_put_back_to_before_the_newest_point_is_compared_with_once(
    machine: StillMachine, backups: VmBackups, faults: Faults
) -> None:
    kept = backups.root / "kept"
    shutil.copytree(backups.root / "vault", kept)
    next_point(machine, backups)
    faults.inject()
    shutil.rmtree(backups.root / "vault")
    kept.rename(backups.root / "vault")

    compared, tracked = next_point(machine, backups), next_point(machine, backups)

    assert (compared, tracked) == ([COMPARED, COMPARED], [TRACKED, TRACKED])
    faults.survive()


class _Acting(ForwardingStorage):
    """Does something before the first pack is stored."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.has_acted = False

    def act(self) -> None:
        raise StorageFull(place="here", reason="no space left")

    def put(self, name: str, content: Content) -> None:
        if name.startswith("data/") and not self.has_acted:
            self.has_acted = True
            self.act()
        super().put(name, content)


def vault_on(storage: Storage) -> Repository:
    return open_vault(storage, clock=CLOCK, who=replace(identity()))


def test_a_vault_that_is_full_costs_the_point_and_leaves_nothing(
    machine: StillMachine, backups: VmBackups, faults: Faults
) -> None:
    changed(machine)
    faults.inject()

    with pytest.raises(StorageFull):
        backups.back_up(repository=vault_on(_Acting(backups.storage)))

    assert current_backup(machine.domain) is None
    assert backups.leftovers() == []
    assert next_point(machine, backups) == [TRACKED, TRACKED]
    faults.survive()


# With a guest that lives.


@pytest.fixture(scope="module")
def guest(kvm_host: KvmHost) -> Iterator[Guest]:
    with machines_bench.writing_guest(kvm_host, "falls-over") as guest:
        yield guest


@pytest.fixture
def of_guest(guest: Guest, kvm_host: KvmHost, tmp_path: Path) -> Iterator[VmBackups]:
    """With one point of it."""
    with Host.open(kvm_host.uri) as hypervisor:
        backups = VmBackups(hypervisor, guest.uuid, tmp_path, kvm_host.folder / "fallen")
        backups.back_up()
        yield backups


def proved_of(guest: Guest, backups: VmBackups) -> list[Rung]:
    report = backups.still_point(guest)
    assert backups.leftovers() == []
    return [disk.rung for disk in report.facts.disks]


def test_a_guest_that_panics_in_its_backup_costs_nothing(
    guest: Guest, of_guest: VmBackups, faults: Faults
) -> None:
    def on_step(step: str) -> None:
        if step == "begun":
            faults.inject()
            guest.ask("guest-exec", path="/bin/sh", arg=["-c", "echo c >/proc/sysrq-trigger"])
            wait_until(lambda: b"sysrq_handle_crash" in guest.console.read_bytes(), within=120)

    report = of_guest.back_up(on_step=on_step)
    # For as long as a backup runs, libvirt 9.0 puts off the agent of a guest that came back, and
    # after half a minute it forgets it.
    guest.host.restart()
    guest.wait_up(times=2)

    assert [disk.rung for disk in report.facts.disks] == [TRACKED, TRACKED]
    assert proved_of(guest, of_guest) == [TRACKED, TRACKED]
    faults.survive()


def test_a_guest_does_not_wait_for_a_vault_that_does_not_come_on(
    guest: Guest, of_guest: VmBackups, faults: Faults
) -> None:
    def written() -> int:
        return int(guest.run("cat /run/ordered || echo 0"))

    class Slow(_Acting):
        def act(self) -> None:
            faults.inject()
            before = written()
            wait_until(lambda: written() > before + 20, within=120)
            faults.survive()

    slow = Slow(of_guest.storage)
    of_guest.back_up(repository=vault_on(slow))

    assert slow.has_acted
    assert proved_of(guest, of_guest) == [TRACKED, TRACKED]
