"""Whatever dies in a backup of a machine: the next point is right, nothing is left, it runs on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.hypervisor.backup_jobs import begin_backup, current_backup, end_backup
from holdfast.hypervisor.backup_xml import BackupPlan, DiskPlan
from holdfast.hypervisor.checkpoints import forget_checkpoint, list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.machines.backup_errors import VmForeignBackup, VmOperationRunning
from holdfast.machines.points import Rung
from holdfast.machines.vm_job import VmReport
from holdfast.machines.vm_lock import vm_lock
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import PATIENCE, KvmHost
from holdfast.testing.vm_backups import CLOCK, VmBackups, killed_at
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

MIB = 1 << 20


@pytest.fixture(scope="module")
def hypervisor(kvm_host: KvmHost) -> Iterator[Host]:
    with Host.open(kvm_host.uri) as host:
        yield host


@pytest.fixture(scope="module")
def guest(kvm_host: KvmHost) -> Iterator[Guest]:
    with machines_bench.writing_guest(kvm_host, "unlucky") as guest:
        yield guest


@pytest.fixture
def backups(
    hypervisor: Host, guest: Guest, kvm_host: KvmHost, tmp_path: Path
) -> Iterator[VmBackups]:
    """With a point of the guest, and something new in it since."""
    backups = VmBackups(hypervisor, guest.uuid, tmp_path, kvm_host.folder / "scratch")
    backups.back_up()
    noise(guest, 2)
    yield backups
    shutil.rmtree(backups.scratch, ignore_errors=True)
    for checkpoint in list_checkpoints(backups.domain):
        forget_checkpoint(backups.domain, checkpoint.name)


def noise(guest: Guest, mebibytes: int) -> None:
    guest.run(f"dd if=/dev/urandom of=/a/noise bs=1M count={mebibytes} conv=fsync 2>/dev/null")


def switch_off(guest: Guest) -> None:
    """To the end of its QEMU: libvirt may take half a minute longer to see it, in a backup."""
    pid = (guest.host.folder / "run" / "qemu" / f"{guest.name}.pid").read_text().strip()
    look = f"kill -0 {pid} 2>/dev/null || echo ended"
    guest.ask_to_shut_down()
    wait_until(lambda: "ended" in guest.host.run("sh", "-c", look), within=PATIENCE)


def proved_point(backups: VmBackups, guest: Guest) -> VmReport:
    """The next point, compared with the disks; nothing is left beside it, and the guest runs."""
    assert guest.is_running()
    report = backups.still_point(guest)
    assert backups.leftovers() == []
    guest.run("touch /a/alive; sync")
    return report


def rungs(report: VmReport) -> list[tuple[Rung, str]]:
    return [(disk.rung, disk.why) for disk in report.facts.disks]


TRACKED = [(Rung.BITMAP, "tracked")] * 2


@pytest.mark.parametrize("step", ["ready", "begun", "read"])
def test_a_backup_killed_before_its_point_leaves_the_old_one_as_base(
    backups: VmBackups, guest: Guest, step: str
) -> None:
    base = backups.made[-1]

    killed_at(step, backups)
    assert backups.leftovers() != []
    report = proved_point(backups, guest)

    assert rungs(report) == TRACKED
    assert report.facts.parent == base.point.snapshot


def test_a_backup_killed_after_its_point_leaves_the_new_one_as_base(
    backups: VmBackups, guest: Guest
) -> None:
    base = backups.made[-1]

    killed_at("stored", backups)
    assert len(list_checkpoints(backups.domain)) == 2
    report = proved_point(backups, guest)

    assert rungs(report) == TRACKED
    assert report.facts.parent not in {"", base.point.snapshot}


def test_who_is_killed_after_its_point_makes_no_second_one(
    backups: VmBackups, guest: Guest
) -> None:
    killed_at("stored", backups, "job:1")
    made = backups.back_up(once="job:1")
    later = proved_point(backups, guest)

    again = backups.back_up(once="job:1")

    assert backups.leftovers() == []
    assert len(backups.vault().snapshots()) == 3
    assert made.point.snapshot == again.point.snapshot == later.facts.parent
    assert made.facts.parent == backups.made[0].point.snapshot
    # What the newest point is relative to is kept, though an older one was asked for.
    assert rungs(proved_point(backups, guest)) == rungs(later) == TRACKED


def test_a_daemon_that_dies_in_a_backup_costs_nothing(
    backups: VmBackups, guest: Guest, kvm_host: KvmHost
) -> None:
    def on_step(step: str) -> None:
        if step == "begun":
            kvm_host.restart()

    report = backups.back_up(on_step=on_step)
    guest.wait_up()
    after = proved_point(backups, guest)

    assert rungs(report) == rungs(after) == TRACKED
    assert after.facts.parent == report.point.snapshot


def test_when_both_die_the_job_is_ended_by_the_next_backup(
    backups: VmBackups, guest: Guest, kvm_host: KvmHost
) -> None:
    killed_at("begun", backups)
    kvm_host.restart()
    guest.wait_up()
    assert current_backup(backups.domain) is not None

    report = proved_point(backups, guest)

    assert rungs(report) == TRACKED


def test_an_error_in_the_middle_leaves_nothing_at_once(backups: VmBackups, guest: Guest) -> None:
    def on_step(step: str) -> None:
        if step == "read":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backups.back_up(on_step=on_step)

    assert backups.leftovers() == []
    assert rungs(proved_point(backups, guest)) == TRACKED


def test_a_checkpoint_the_host_forgot_is_made_known_again(backups: VmBackups, guest: Guest) -> None:
    forget_checkpoint(backups.domain, backups.made[-1].facts.checkpoint)
    assert list_checkpoints(backups.domain) == []

    report = proved_point(backups, guest)

    assert rungs(report) == TRACKED


def test_the_backup_of_another_program_is_left_alone(backups: VmBackups, kvm_host: KvmHost) -> None:
    plan = BackupPlan(
        socket=str(kvm_host.folder / "foreign"),
        disks=(
            DiskPlan(target="vda", export="vda", scratch=str(kvm_host.folder / "foreign.scratch")),
        ),
    )
    begin_backup(backups.domain, plan)

    with pytest.raises(VmForeignBackup):
        backups.back_up()

    assert current_backup(backups.domain) is not None
    end_backup(backups.domain, CLOCK)


def test_the_second_of_two_backups_learns_who_is_first(backups: VmBackups) -> None:
    held = vm_lock(str(backups.root), backups.uuid, CLOCK, name="unlucky", work="restore")
    with held, pytest.raises(VmOperationRunning, match="restore"):
        backups.back_up()


def test_a_machine_that_is_switched_off_in_its_backup_is_read_from_its_images(
    backups: VmBackups, guest: Guest
) -> None:
    def on_step(step: str) -> None:
        if step == "begun":
            switch_off(guest)

    report = backups.back_up(on_step=on_step)
    backups.assert_same(guest, report=report)
    guest.start()

    assert rungs(report) == TRACKED
    assert rungs(proved_point(backups, guest)) == TRACKED


def test_a_record_that_was_open_at_a_power_cut_is_not_believed(
    backups: VmBackups, guest: Guest
) -> None:
    guest.run("dd if=/dev/urandom of=/b/much bs=1M count=12 conv=fsync 2>/dev/null")
    guest.shut_down()
    backups.back_up()
    guest.start()
    guest.run("dd if=/dev/urandom of=/b/more bs=1M count=4 conv=fsync 2>/dev/null")
    guest.pull_the_plug()
    guest.start()

    report = proved_point(backups, guest)
    after = proved_point(backups, guest)

    assert {rung for rung, _ in rungs(report)} == {Rung.HASH}
    # Four changed; twice as much may be stored, and by far not all that is there.
    assert report.point.summary.data_added_packed <= 8 * MIB
    assert rungs(after) == TRACKED
