"""Points of a real machine, one after another: each is compared with its disks by QEMU's tools."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.disks import images
from holdfast.disks.images import resize
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.serving import served_image
from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.checkpoints import delete_checkpoint, list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_disks import attach_device, detach_device, grow_disk
from holdfast.machines.backup_errors import VmNotConsistent, VmScratchFull
from holdfast.machines.points import Consistency, Rung
from holdfast.machines.tracking import Wanted
from holdfast.machines.vm_job import VmReport
from holdfast.testing.agent_program import AgentProgram
from holdfast.testing.guest_proofs import ordered_writes
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.vm_backups import CLOCK, VmBackups, assert_same_disk
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

MIB = 1 << 20
SIZE = 64 * MIB


@pytest.fixture(scope="module")
def guest(kvm_host: KvmHost) -> Iterator[Guest]:
    """It writes all the time, to one disk and then to the other; each test finds it running."""
    with machines_bench.writing_guest(kvm_host, "backed-up") as guest:
        yield guest


@pytest.fixture
def backups(
    hypervisor: Host, guest: Guest, kvm_host: KvmHost, tmp_path: Path
) -> Iterator[VmBackups]:
    backups = VmBackups(hypervisor, guest.uuid, tmp_path, kvm_host.folder / "scratch")
    if not guest.is_running():
        guest.start()
    yield backups
    assert current_backup(backups.domain) is None
    assert backups.leftovers() == []


def rungs(report: VmReport) -> list[tuple[str, Rung, str]]:
    return [(disk.target, disk.rung, disk.why) for disk in report.facts.disks]


def scribble(guest: Guest, target: str, place: int) -> None:
    """Write to a disk of a guest that is off."""
    served = served_image(
        guest.disk(target),
        guest.folder / "scribble",
        format_="qcow2",
        clock=CLOCK,
        is_writable=True,
    )
    with served as address, NbdClient(address, contexts=()) as client:
        client.write(place, b"written past the record")
        client.flush()


def noise(guest: Guest, mebibytes: int) -> None:
    guest.run(f"dd if=/dev/urandom of=/a/noise bs=1M count={mebibytes} conv=fsync 2>/dev/null")


def test_each_point_is_the_disks_and_only_the_first_is_read_whole(
    backups: VmBackups, guest: Guest
) -> None:
    noise(guest, 8)

    first = backups.still_point(guest)
    guest.run("rm /a/noise; sync; fstrim /a")
    second = backups.still_point(guest)
    moving = backups.back_up()

    assert rungs(first) == [(each, Rung.FULL, "first") for each in ("vda", "vdb")]
    assert rungs(second) == [(each, Rung.BITMAP, "tracked") for each in ("vda", "vdb")]
    assert second.bytes_read < first.bytes_read
    assert second.facts.parent == first.point.snapshot
    assert rungs(moving) == rungs(second)
    # It went on writing: both disks are of one instant all the same.
    writes = ordered_writes(backups.image("vda"), backups.image("vdb"))
    assert writes.first > 0


@pytest.mark.parametrize("scratch", ["taken", "refused"])
def test_what_the_guest_writes_during_a_backup_is_not_in_its_point(
    backups: VmBackups, guest: Guest, scratch: str
) -> None:
    place = backups.job().place
    guest.suspend()
    before = {target: guest.folder / f"{target}.before" for target in guest.targets}
    for target, path in before.items():
        path.write_bytes(guest.disk(target).read_bytes())

    def on_step(step: str) -> None:
        if step == "ready" and scratch == "refused":
            place.scratch_file("vdb").unlink()
        if step == "begun":
            guest.resume()
            noise(guest, 4)

    report = backups.back_up(on_step=on_step)

    assert len(list_checkpoints(backups.domain)) == 1
    for target, path in before.items():
        assert_same_disk(path, "qcow2", backups.image(target, report))
        path.unlink()


def test_a_machine_that_is_off_is_read_from_its_images_and_stays_tracked(
    backups: VmBackups, guest: Guest
) -> None:
    backups.back_up()
    noise(guest, 2)
    guest.shut_down()

    off = backups.back_up()
    backups.assert_same(guest, report=off)
    guest.start()
    on = backups.still_point(guest)

    assert off.facts.consistency is Consistency.FILESYSTEM
    assert {rung for _, rung, _ in rungs(off) + rungs(on)} == {Rung.BITMAP}
    assert on.facts.checkpoint != off.facts.checkpoint


def test_a_lost_record_costs_reading_and_no_transfer(backups: VmBackups, guest: Guest) -> None:
    noise(guest, 12)
    backups.back_up()
    guest.run("dd if=/dev/urandom of=/b/more bs=1M count=4 conv=fsync 2>/dev/null")
    guest.pull_the_plug()

    off = backups.back_up()
    backups.assert_same(guest, report=off)
    guest.start()
    again = backups.still_point(guest)

    assert {rung for _, rung, _ in rungs(off)} == {Rung.HASH}
    # Four changed, and what the journal and the writer touched beside them.
    assert off.point.summary.data_added_packed <= 8 * MIB
    assert again.point.summary.data_added_packed <= 8 * MIB
    assert off.facts.consistency is Consistency.CRASH
    assert [each.code for each in off.facts.downgrades] == ["powered-off"]


def test_new_and_grown_disks_are_whole_and_the_others_stay_tracked(
    backups: VmBackups, guest: Guest
) -> None:
    def grow(step: str) -> None:
        # When all is ready for the disk as it was.
        if step == "ready":
            grow_disk(backups.domain, "vdb", size=SIZE + 8 * MIB)

    backups.still_point(guest)
    raw = guest.folder / "vdc.raw"
    raw.write_bytes((b"plugged in" * 100_000).ljust(2 * MIB, b"\0"))
    disk = (
        "<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
        f"<source file='{raw}'/><target dev='vdc' bus='virtio'/></disk>"
    )
    attach_device(backups.domain, disk)
    grow_disk(backups.domain, "vdb", size=SIZE + 4 * MIB)

    plugged = backups.still_point(guest)
    compared = backups.still_point(guest)

    assert rungs(plugged)[1:] == [("vdb", Rung.BITMAP, "tracked"), ("vdc", Rung.FULL, "first")]
    assert rungs(compared)[2:] == [("vdc", Rung.HASH, "no-map")]
    assert plugged.facts.disks[1].size == SIZE + 4 * MIB
    assert_same_disk(raw, "raw", backups.image("vdc", plugged))
    detach_device(backups.domain, disk)
    wait_until(lambda: backups.domain.spec().disk("vdc") is None, within=120)
    without = backups.still_point(guest, on_step=grow)
    assert [rung for _, rung, _ in rungs(without)] == [Rung.BITMAP, Rung.BITMAP]
    guest.shut_down()
    resize(guest.disk("vdb"), SIZE, format_="qcow2", may_shrink=True)
    shrunk = backups.back_up()
    assert rungs(shrunk)[1] == ("vdb", Rung.HASH, "shrunk")
    backups.assert_same(guest, report=shrunk)


def test_a_guest_whose_writes_fill_the_scratch_is_freed_and_no_point_is_made(
    backups: VmBackups, guest: Guest, kvm_host: KvmHost
) -> None:
    # Where there is nothing, nothing has to be kept before it is overwritten.
    guest.run("dd if=/dev/urandom of=/dev/vdb bs=1M seek=60 count=4 conv=fsync 2>/dev/null")
    backups.back_up()
    place = backups.job().place
    job = {
        "path": "/bin/sh",
        "arg": ["-c", "dd if=/dev/urandom of=/dev/vdb bs=1M seek=60 count=4 conv=fsync"],
    }

    def on_step(step: str) -> None:
        if step == "begun":
            guest.ask("guest-exec", **job)
            wait_until(lambda: current_backup(backups.domain) is None, within=120)

    # A file system of its own for the scratch files, on the guest's host.
    small = kvm_host.folder / "small"
    small.mkdir()
    kvm_host.run("mount", "-t", "tmpfs", "-o", "size=1m", "small", small)
    # The backup makes its folder only on this side of the mount.
    kvm_host.run("mkdir", small / guest.uuid)
    backups.scratch = small

    with pytest.raises(VmScratchFull):
        backups.back_up(on_step=on_step)

    wait_until(lambda: backups.domain.standing().state.name == "RUNNING", within=120)
    assert guest.answers()
    kvm_host.run("umount", small)
    backups.scratch = place.folder.parent
    assert len(list_checkpoints(backups.domain)) == 1


def test_without_room_or_consistency_nothing_is_begun(backups: VmBackups, guest: Guest) -> None:
    first = backups.back_up()

    with pytest.raises(VmScratchFull):
        backups.back_up(reserve=1 << 60)
    with pytest.raises(VmNotConsistent):
        backups.back_up(least=Consistency.FILESYSTEM)
    again = backups.back_up(wanted=Wanted.HASH)

    assert again.facts.parent == first.point.snapshot
    assert rungs(again) == [(each, Rung.HASH, "asked") for each in guest.targets]


def test_a_second_vault_takes_nothing_from_the_first(
    backups: VmBackups, guest: Guest, tmp_path: Path
) -> None:
    backups.back_up()
    other = VmBackups(backups.host, guest.uuid, tmp_path / "other", backups.scratch)
    # The same machine, so the same home.
    elsewhere = other.back_up(home=str(backups.root))

    here = backups.still_point(guest)
    again = other.back_up(home=str(backups.root))

    assert {rung for _, rung, _ in rungs(elsewhere)} == {Rung.FULL}
    assert {rung for _, rung, _ in rungs(here) + rungs(again)} == {Rung.BITMAP}
    delete_checkpoint(backups.domain, again.facts.checkpoint)


def test_the_command_makes_a_consistent_point_and_tells_programs_of_it(
    backups: VmBackups, guest: Guest, kvm_host: KvmHost, tmp_path: Path
) -> None:
    (tmp_path / "passphrase").write_text("correct horse battery staple\n")
    (tmp_path / "passphrase").chmod(0o600)
    machine = AgentProgram(tmp_path, tmp_path / "home")
    machine.environment |= {
        "HOLDFAST_VAULT": str(tmp_path / "own-vault"),
        "HOLDFAST_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
        "HOLDFAST_LIBVIRT": kvm_host.uri,
    }
    machine.run("vault", "create", str(tmp_path / "own-vault"))
    scratch = ("--scratch", str(backups.scratch))

    machine.run("backup", "--vm", guest.name, "--consistency", "filesystem", *scratch)
    words = ("backup", "--vm", guest.name, "--once", "job:1", "--json", *scratch)
    said, again = (machine.run(*words).splitlines() for _ in range(2))

    done = json.loads(said[-1])
    assert done["event"] == "vm-backup-done"
    assert (done["vm"], done["uuid"], done["consistency"]) == (guest.name, guest.uuid, "filesystem")
    assert [disk["rung"] for disk in done["disks"]] == ["bitmap", "bitmap"]
    assert done["freeze_ms"] > 0
    # The second time there is a point with the mark already.
    assert json.loads(again[-1])["point"] == done["point"]
    assert "made already" in json.loads(again[-2])["message"]
    assert f"/vm/{guest.name}" in machine.run("points")
    machine.close()
    delete_checkpoint(backups.domain, list_checkpoints(backups.domain)[0].name)


def test_a_record_that_was_cleared_is_found_out(backups: VmBackups, guest: Guest) -> None:
    noise(guest, 24)
    guest.suspend()
    first = backups.back_up()
    guest.resume()
    guest.run("rm /a/noise; sync; fstrim /a; sync")
    guest.shut_down()
    # All that was trimmed is a hole now, and the record says that nothing happened.
    images.remove_bitmap(guest.disk("vda"), first.facts.checkpoint)
    images.add_bitmap(guest.disk("vda"), first.facts.checkpoint)

    report = backups.back_up()

    backups.assert_same(guest, report=report)
    assert rungs(report)[0] == ("vda", Rung.HASH, "map-wrong")
    assert len(report.warnings) == 1


def test_an_audit_of_all_finds_a_block_that_was_written_past_the_record(
    backups: VmBackups, guest: Guest
) -> None:
    if not guest.is_running():
        guest.start()
    noise(guest, 24)
    first = backups.back_up()
    guest.shut_down()
    checkpoint = first.facts.checkpoint
    scribble(guest, "vda", 3 * MIB)
    # It says that nothing happened since.
    images.remove_bitmap(guest.disk("vda"), checkpoint)
    images.add_bitmap(guest.disk("vda"), checkpoint)

    report = backups.back_up(audit_all=True)

    backups.assert_same(guest, report=report)
    assert rungs(report) == [("vda", Rung.HASH, "map-wrong"), ("vdb", Rung.BITMAP, "tracked")]
    assert report.disks[1].audited > 0
    assert [each.target for each in report.disks if each.changed is None] == ["vda"]
