"""Points by overlays: what is in them is what has changed, whatever becomes of QEMU; and no trace after."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.disk_layers import prepare_layers
from holdfast.hypervisor.domain_disks import grow_disk
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.overlay_errors import VmOverlayImpossible
from holdfast.machines.overlay_merging import give_back
from holdfast.machines.points import Consistency, Rung
from holdfast.machines.replacing import ReplaceWish, replace_in_place
from holdfast.machines.tracking import Tracking, Wanted
from holdfast.machines.vm_job import VmReport
from holdfast.testing.guest_proofs import ordered_writes
from holdfast.testing.guests import Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.vm_backups import CLOCK, VmBackups, assert_same_disk
from holdfast.testing.waiting import wait_until
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS

KIB, MIB = 1 << 10, 1 << 20
SIZES = {"vda": 12 * MIB, "sda": 8 * MIB}
DICE = random.Random(11)
TRACKED = [(Rung.OVERLAY, "tracked")] * 2
FIRST = [(Rung.FULL, "first")] * 2


@pytest.fixture
def machine(hypervisor: Host, kvm_host: KvmHost) -> Iterator[StillMachine]:
    """With a raw disk and one in an image of QEMU's format, full of data, and running."""
    machine = StillMachine(kvm_host, hypervisor, "layered", dict(SIZES), raw=("sda",))
    try:
        machine.start()
        for disk in machine.plugged:
            machine.write(disk.target, 0, DICE.randbytes(disk.size - MIB))
        yield machine
    finally:
        machine.remove()


@pytest.fixture
def backups(machine: StillMachine, kvm_host: KvmHost, tmp_path: Path) -> VmBackups:
    scratch = kvm_host.folder / "layered"
    return VmBackups(machine.hypervisor, machine.uuid, tmp_path, scratch, tracking=Tracking.OVERLAY)


def back_up(backups: VmBackups, machine: StillMachine, **changes: Any) -> VmReport:
    """A point by overlays, proved to be the disks as they are; nothing is left beside it."""
    report = backups.back_up(**changes)
    assert_is(report, backups, machine)
    assert not backups.scratch.exists() or os.listdir(backups.scratch) == []
    return report


def assert_is(report: VmReport, backups: VmBackups, machine: StillMachine) -> None:
    reader = backups.reader(report)
    for disk in machine.plugged:
        stored = DiskReader(reader, disk.target)
        assert stored.read(0, stored.size) == disk.content


def rungs(report: VmReport) -> list[tuple[Rung, str]]:
    return [(disk.rung, disk.why) for disk in report.facts.disks]


def source_of(domain: Domain, target: str) -> str:
    """What its next start uses."""
    disk = domain.spec(inactive=True).disk(target)
    assert disk is not None
    assert disk.source is not None
    return disk.source


def snapshot(image: Path, name: str) -> None:
    subprocess.run(["qemu-img", "snapshot", "-c", name, image], check=True)


def assert_is_plain(machine: StillMachine) -> None:
    """Each disk is in its own image, and nothing is beside it."""
    for disk in machine.plugged:
        assert machine.image(disk.target) == (disk.path, disk.format)
        assert source_of(machine.domain, disk.target) == str(disk.path)
    assert machine.overlays() == {disk.target: [] for disk in machine.plugged}


def test_each_point_is_the_disks_and_only_what_changed_is_read(
    machine: StillMachine, backups: VmBackups
) -> None:
    first = back_up(backups, machine)
    machine.write("vda", 3 * MIB + 512, DICE.randbytes(512))
    machine.discard("sda", 2 * MIB, MIB)
    machine.zero("sda", 5 * MIB, 64 * KIB)

    second = back_up(backups, machine)
    idle = back_up(backups, machine)

    assert rungs(first) == FIRST
    assert rungs(second) == rungs(idle) == TRACKED
    assert [disk.changed for disk in second.disks] == [64 * KIB, MIB + 64 * KIB]
    assert idle.bytes_read <= 2 * 9 * MIB
    assert second.facts.parent == first.point.snapshot
    # One overlay a disk: the one that began with the newest point.
    assert machine.overlays() == {target: [idle.facts.generation] for target in SIZES}


def test_what_is_written_while_it_is_read_is_not_in_the_point(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    machine.write("vda", 0, DICE.randbytes(MIB))
    before = {disk.target: bytes(disk.content) for disk in machine.plugged}

    def on_step(step: str) -> None:
        if step == "begun":
            for target in SIZES:
                machine.write(target, 0, DICE.randbytes(2 * MIB))

    report = backups.back_up(on_step=on_step)

    reader = backups.reader(report)
    for target, content in before.items():
        stored = DiskReader(reader, target)
        assert stored.read(0, stored.size) == content
    assert rungs(back_up(backups, machine)) == TRACKED


def test_a_power_cut_loses_no_change_and_costs_no_reading(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    for target in SIZES:
        machine.write(target, MIB, DICE.randbytes(300 * KIB))
        machine.flush(target)
        machine.write(target, 4 * MIB, DICE.randbytes(300 * KIB))
    machine.cut_power()

    off = back_up(backups, machine)
    machine.start()
    on = back_up(backups, machine)

    assert rungs(off) == rungs(on) == TRACKED
    assert off.facts.consistency is Consistency.CRASH
    changed = sum(disk.changed or 0 for disk in off.disks)
    assert 2 * 300 * KIB <= changed <= 2 * 2 * 448 * KIB
    assert off.point.summary.data_added_packed <= 6 * MIB


def test_a_machine_that_is_off_is_read_and_goes_on_being_tracked(
    machine: StillMachine, backups: VmBackups
) -> None:
    first = back_up(backups, machine)
    machine.write("sda", 0, DICE.randbytes(MIB))
    machine.stop()
    off = back_up(backups, machine)
    machine.write("vda", 5 * MIB, DICE.randbytes(512))
    again = back_up(backups, machine)
    machine.start()

    on = back_up(backups, machine)

    assert rungs(off) == rungs(again) == rungs(on) == TRACKED
    assert off.facts.generation == again.facts.generation == first.facts.generation
    assert on.facts.generation != off.facts.generation
    assert len(machine.overlays()["vda"]) == 1


def test_points_tell_of_the_machine_as_it_is_without_overlays(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)

    report = back_up(backups, machine)
    machine.stop()
    off = back_up(backups, machine)

    for each in (report, off):
        description = backups.reader(each).read_file("domain.xml").decode()
        assert ".holdfast-" not in description
        told = {disk.target: (disk.source, disk.format) for disk in each.facts.disks}
        assert told == {disk.target: (str(disk.path), disk.format) for disk in machine.plugged}


@pytest.mark.parametrize("is_on", [True, False])
def test_given_back_each_disk_is_in_its_own_image_again(
    machine: StillMachine, backups: VmBackups, is_on: bool
) -> None:
    back_up(backups, machine)
    for target in SIZES:
        machine.write(target, MIB + 512, DICE.randbytes(3 * KIB))
        machine.discard(target, 2 * MIB, 128 * KIB)
    if not is_on:
        machine.stop()

    count = give_back(machine.domain, CLOCK, home=str(backups.root))

    assert count == 2
    assert_is_plain(machine)
    assert give_back(machine.domain, CLOCK, home=str(backups.root)) == 0
    if is_on:
        machine.stop()
    for disk in machine.plugged:
        assert machine.read(disk.target) == disk.content
    machine.start()


def test_a_backup_in_another_way_gives_the_overlays_back(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    machine.write("vda", 0, DICE.randbytes(MIB))

    asked = back_up(backups, machine, wanted=Wanted.HASH)
    other = back_up(backups, machine, tracking=Tracking.AUTO)
    bitmaps = back_up(backups, machine, tracking=Tracking.AUTO)
    again = back_up(backups, machine)

    assert rungs(asked) == [(Rung.HASH, "asked")] * 2
    assert rungs(other) == [(Rung.HASH, "no-checkpoint"), (Rung.HASH, "no-map")]
    assert rungs(bitmaps) == [(Rung.BITMAP, "tracked"), (Rung.HASH, "no-map")]
    assert rungs(again) == [(Rung.HASH, "no-checkpoint")] * 2
    # Of the bitmaps nothing is left in an image.
    assert backups.leftovers() == []
    assert rungs(back_up(backups, machine)) == TRACKED


def test_a_disk_that_grew_is_tracked_and_one_that_shrank_is_compared(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    grow_disk(machine.domain, "vda", size=16 * MIB)
    machine.disks["vda"].content[:] = machine.disks["vda"].content.ljust(16 * MIB, b"\0")
    machine.write("vda", 15 * MIB, DICE.randbytes(MIB))
    grown = back_up(backups, machine)
    machine.stop()
    machine.resize("sda", 6 * MIB)

    shrunk = back_up(backups, machine)
    give_back(machine.domain, CLOCK, home=str(backups.root))

    assert rungs(grown) == TRACKED
    assert rungs(shrunk) == [(Rung.OVERLAY, "tracked"), (Rung.HASH, "shrunk")]
    assert_is_plain(machine)
    assert machine.disks["sda"].path.stat().st_size == 6 * MIB
    for disk in machine.plugged:
        assert machine.read(disk.target) == disk.content


def test_a_disk_cut_off_and_grown_again_is_told_by_its_overlay(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    machine.stop()
    machine.resize("sda", 4 * MIB + 512)
    machine.resize("sda", 8 * MIB)

    report = back_up(backups, machine)

    assert rungs(report) == TRACKED


def test_what_was_cut_off_never_comes_back_when_it_grows_again(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    machine.stop()
    for target in SIZES:
        machine.resize(target, 4 * MIB)
    machine.start()
    back_up(backups, machine)
    for target, size in SIZES.items():
        grow_disk(machine.domain, target, size=size)
        machine.disks[target].content.extend(bytes(size - 4 * MIB))
    back_up(backups, machine)
    back_up(backups, machine)

    give_back(machine.domain, CLOCK, home=str(backups.root))

    machine.stop()
    assert_is_plain(machine)
    for disk in machine.plugged:
        assert machine.read(disk.target) == disk.content


def test_a_disk_plugged_in_gets_an_overlay_as_the_others(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    machine.add_disk("sdb", 2 * MIB, is_plugged=False)
    machine.plug("sdb")
    machine.write("sdb", 0, DICE.randbytes(MIB))

    plugged = back_up(backups, machine)
    after = back_up(backups, machine)

    assert rungs(plugged) == [*TRACKED, (Rung.FULL, "first")]
    assert rungs(after) == [*TRACKED, (Rung.OVERLAY, "tracked")]


def test_a_snapshot_of_somebody_else_is_no_hindrance_and_stays_theirs(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    machine.write("vda", 0, DICE.randbytes(512))
    theirs = {target: str(machine.folder / f"{target}.theirs") for target in SIZES}
    prepare_layers(machine.domain, theirs).put()
    machine.write("sda", MIB, DICE.randbytes(512))

    report = back_up(backups, machine)
    after = back_up(backups, machine)
    give_back(machine.domain, CLOCK, home=str(backups.root))

    assert rungs(report) == rungs(after) == TRACKED
    assert {target: str(machine.image(target)[0]) for target in SIZES} == theirs
    assert machine.overlays() == {"vda": [], "sda": []}
    machine.stop()
    for disk in machine.plugged:
        assert machine.read(disk.target) == disk.content


def test_images_put_back_to_before_a_point_are_compared(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    machine.stop()
    copies = machine.folder.with_suffix(".copy")
    shutil.copytree(machine.folder, copies)
    xml, contents = machine.domain.xml(inactive=True), {}
    contents = {disk.target: bytes(disk.content) for disk in machine.plugged}
    machine.start()
    machine.write("vda", 0, DICE.randbytes(MIB))
    back_up(backups, machine)
    machine.stop()
    shutil.rmtree(machine.folder)
    copies.rename(machine.folder)
    define_domain(machine.hypervisor, xml)
    for disk in machine.plugged:
        disk.content[:] = contents[disk.target]

    report = back_up(backups, machine)

    assert rungs(report) == [(Rung.HASH, "layer-missing")] * 2


def test_a_second_vault_keeps_what_the_first_one_needs(
    machine: StillMachine, backups: VmBackups, tmp_path: Path
) -> None:
    other = VmBackups(
        backups.host,
        machine.uuid,
        tmp_path / "other",
        backups.scratch,
        home=tmp_path,
        tracking=Tracking.OVERLAY,
    )
    back_up(backups, machine)
    back_up(other, machine)
    for number in range(3):
        machine.write("vda", number * MIB, DICE.randbytes(512))
        back_up(other, machine)

    here = back_up(backups, machine)

    assert rungs(here) == TRACKED
    assert here.disks[0].changed == 3 * 64 * KIB
    assert len(machine.overlays()["vda"]) == 2


def test_a_machine_of_which_one_disk_can_have_no_overlay_gets_none(
    machine: StillMachine, backups: VmBackups
) -> None:
    machine.stop()
    snapshot(machine.disks["vda"].path, "theirs")
    machine.start()

    with pytest.raises(VmOverlayImpossible, match="vda: internal-snapshots"):
        back_up(backups, machine)

    assert_is_plain(machine)


def test_without_room_there_is_a_point_and_no_overlay(
    machine: StillMachine, backups: VmBackups
) -> None:
    back_up(backups, machine)
    machine.write("sda", MIB, DICE.randbytes(512))

    report = back_up(backups, machine, overlay_reserve=1 << 60)
    assert_is_plain(machine)
    back_up(backups, machine)

    assert [rung for rung, _ in rungs(report)] == [Rung.HASH, Rung.HASH]
    assert "There is no room for an overlay" in report.warnings[0]
    assert rungs(back_up(backups, machine)) == TRACKED


def test_a_restore_in_place_is_in_the_overlay_and_in_the_next_point(
    machine: StillMachine, backups: VmBackups
) -> None:
    first = back_up(backups, machine)
    before = {disk.target: bytes(disk.content) for disk in machine.plugged}
    for target in SIZES:
        machine.write(target, 2 * MIB, DICE.randbytes(MIB))
    back_up(backups, machine)
    machine.stop()

    wish = ReplaceWish(clock=CLOCK, home=str(backups.root))
    replace_in_place(backups.reader(first), machine.domain, wish)
    for disk in machine.plugged:
        disk.content[:] = before[disk.target]
    report = back_up(backups, machine)
    machine.start()

    assert rungs(report) == rungs(back_up(backups, machine)) == TRACKED


def test_a_guest_with_overlays_boots_on_raw_disks_and_without_them(
    new_guest: NewGuest, hypervisor: Host, kvm_host: KvmHost, tmp_path: Path
) -> None:
    guest = new_guest(Recipe(format="raw", writer="ordered"))
    guest.start()
    wait_until(lambda: int(guest.run("cat /run/ordered || echo 0")) > 0)
    scratch = kvm_host.folder / "raw-guest"
    backups = VmBackups(hypervisor, guest.uuid, tmp_path, scratch, tracking=Tracking.OVERLAY)
    backups.back_up()
    guest.run("dd if=/dev/urandom of=/a/noise bs=1M count=4 conv=fsync 2>/dev/null; fstrim /b")
    moving = backups.back_up()
    writes = ordered_writes(backups.image("vda"), backups.image("vdb"))
    guest.pull_the_plug()
    cut = backups.back_up()
    for target in guest.targets:
        top = Path(source_of(backups.domain, target))
        assert_same_disk(top, "qcow2", backups.image(target, cut))
    guest.start()

    give_back(backups.domain, CLOCK, home=str(backups.root))

    assert rungs(moving) == rungs(cut) == TRACKED
    assert writes.first > 0
    assert cut.bytes_read < sum(disk.size for disk in cut.disks) // 2
    guest.pull_the_plug()
    for target in guest.targets:
        assert source_of(backups.domain, target) == str(guest.disk(target))
        assert list(guest.folder.glob(f"{target}.raw.*")) == []
    guest.start()
    guest.run("touch /a/alive; sync")
