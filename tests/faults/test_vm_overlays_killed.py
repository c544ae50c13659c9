"""Whatever dies while a machine is backed up by overlays: the next point is right, and small."""

import contextlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from holdfast.disks import images
from holdfast.disks.serving import served_image
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.disk_layers import merge_all_layers
from holdfast.hypervisor.domain_disks import disk_job
from holdfast.hypervisor.errors import HostLost, HostUnreachable, HypervisorFailed
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.overlay_errors import VmOverlayAstray, VmOverlayUnclear
from holdfast.machines.overlay_merging import give_back
from holdfast.machines.overlay_note import OverlayNote, write_overlay_note
from holdfast.machines.points import Rung
from holdfast.machines.tracking import Tracking
from holdfast.machines.vm_job import VmReport
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.vm_backups import CLOCK, VmBackups
from holdfast.testing.vm_killing import Death, was_killed
from tests.machines_bench import MARKS

pytestmark = [pytest.mark.faults, *MARKS]

KIB, MIB = 1 << 10, 1 << 20
SIZES = {"vda": 12 * MIB, "sda": 8 * MIB}
DICE = random.Random(12)
TRACKED = [(Rung.OVERLAY, "tracked")] * 2


@pytest.fixture(scope="module")
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "unlucky-layered", dict(SIZES), raw=("sda",))
        machine.start()
        for disk in machine.plugged:
            machine.write(disk.target, 0, DICE.randbytes(disk.size))
        yield machine
        machine.remove()


@pytest.fixture
def backups(machine: StillMachine, kvm_host: KvmHost, tmp_path: Path) -> Iterator[VmBackups]:
    """With a point of the machine, and something new in it since."""
    backups = VmBackups(
        machine.hypervisor,
        machine.uuid,
        tmp_path,
        kvm_host.folder / "unlucky-layered",
        tracking=Tracking.OVERLAY,
    )
    backups.back_up()
    write(machine)
    yield backups
    if not machine.is_on():
        machine.start()
    give_back(machine.domain, CLOCK, home=str(tmp_path))
    assert machine.overlays() == {"vda": [], "sda": []}


def write(machine: StillMachine) -> None:
    for target in SIZES:
        machine.write(target, MIB * DICE.randrange(8), DICE.randbytes(100 * KIB))
        machine.flush(target)


def proved_point(backups: VmBackups, machine: StillMachine) -> VmReport:
    """The next point is the disks, few bytes were stored for it, and one overlay a disk is left."""
    report = backups.back_up()
    reader = backups.reader(report)
    for disk in machine.plugged:
        stored = DiskReader(reader, disk.target)
        assert stored.read(0, stored.size) == disk.content
    assert report.point.summary.data_added_packed <= 12 * MIB
    assert not backups.scratch.exists() or os.listdir(backups.scratch) == []
    if machine.is_on():
        assert machine.overlays() == {target: [report.facts.generation] for target in SIZES}
    return report


def rungs(report: VmReport) -> list[tuple[Rung, str]]:
    return [(disk.rung, disk.why) for disk in report.facts.disks]


@pytest.mark.parametrize("step", ["ready", "begun", "read", "stored"])
@pytest.mark.parametrize("then", ["goes on", "power cut", "libvirtd killed"])
def test_a_backup_killed_at_a_step_costs_no_reading(
    backups: VmBackups, machine: StillMachine, step: str, then: str
) -> None:
    assert was_killed(backups, Death(step=step))
    write(machine)
    if then == "power cut":
        machine.cut_power()
        machine.start()
    elif then == "libvirtd killed":
        machine.restart_libvirtd()

    report = proved_point(backups, machine)

    assert rungs(report) == TRACKED


def test_backups_that_fail_again_and_again_make_no_long_chain(
    backups: VmBackups, machine: StillMachine
) -> None:
    def on_step(step: str) -> None:
        if step == "read":
            raise KeyboardInterrupt

    for _time in range(4):
        with pytest.raises(KeyboardInterrupt):
            backups.back_up(on_step=on_step)
        write(machine)
        # That of the point, that of the one that failed before, and what is written to.
        assert len(machine.overlays()["vda"]) <= 3

    assert rungs(proved_point(backups, machine)) == TRACKED


@pytest.mark.parametrize("step", ["ready", "begun", "read", "stored"])
def test_a_daemon_that_dies_in_a_backup_costs_nothing(
    backups: VmBackups, machine: StillMachine, step: str
) -> None:
    def on_step(now: str) -> None:
        if now == step:
            machine.restart_libvirtd()

    report = backups.back_up(on_step=on_step)
    write(machine)
    after = proved_point(backups, machine)

    assert rungs(report) == rungs(after) == TRACKED


def test_a_daemon_that_dies_at_any_moment_of_the_instant_loses_nothing(
    backups: VmBackups, machine: StillMachine
) -> None:
    def on_step(step: str) -> None:
        if step == "ready":
            timer.start()

    for _time in range(8):
        timer = Timer(DICE.uniform(0, 0.1), machine.host.restart)

        # Of those about the host: lost in a call, or not there yet for the next one.
        with contextlib.suppress(VmOverlayAstray, HostLost, HostUnreachable, HypervisorFailed):
            backups.back_up(on_step=on_step)
        timer.join()
        machine.restart_libvirtd()
        write(machine)
        # As everybody does sooner or later; whatever it wrote to is its disk then.
        with contextlib.suppress(VmOverlayAstray):
            backups.back_up()
        machine.stop()
        machine.start()

        assert rungs(proved_point(backups, machine)) == TRACKED


@pytest.mark.parametrize("step", ["begun", "read"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_machine_that_ends_in_its_backup_is_in_the_point(
    backups: VmBackups, machine: StillMachine, step: str, cut: bool
) -> None:
    def on_step(now: str) -> None:
        if now == step:
            machine.cut_power() if cut else machine.stop()

    report = backups.back_up(on_step=on_step)
    off = proved_point(backups, machine)
    machine.start()

    assert rungs(report) == rungs(off) == TRACKED
    assert rungs(proved_point(backups, machine)) == TRACKED


def test_a_way_back_that_was_killed_is_gone_to_its_end(
    backups: VmBackups, machine: StillMachine
) -> None:
    base = machine.disks["vda"].path
    merge_all_layers(machine.domain, "vda", base=str(base))

    report = backups.back_up(tracking=Tracking.AUTO)

    assert disk_job(machine.domain, "vda") is None
    assert machine.image("vda")[0] == base
    assert {rung for rung, _ in rungs(report)} == {Rung.HASH}
    assert machine.overlays() == {"vda": [], "sda": []}


def lose_a_snapshot(machine: StillMachine, backups: VmBackups, *, write_to: bool) -> Path:
    """An overlay as QEMU has it when libvirt dies before it knows: noted by us, and no disk."""
    top = machine.image("sda")[0]
    lost = machine.folder / "sda.raw.holdfast-00000000000000aa"
    images.create(lost, backing=top, backing_format="qcow2")
    if write_to:
        order = f"write -P 7 {5 * MIB} 4096"
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", order, lost], check=True)
    write_overlay_note(str(backups.root), machine.uuid, OverlayNote(put={"sda": str(lost)}))
    return lost


@pytest.mark.parametrize("is_on", [True, False])
def test_an_overlay_that_never_came_to_be_is_removed(
    backups: VmBackups, machine: StillMachine, is_on: bool
) -> None:
    if not is_on:
        machine.stop()
    lost = lose_a_snapshot(machine, backups, write_to=False)

    report = proved_point(backups, machine)

    assert rungs(report) == TRACKED
    assert not lost.exists()


def test_an_overlay_whose_making_broke_off_is_removed(
    backups: VmBackups, machine: StillMachine
) -> None:
    lost = lose_a_snapshot(machine, backups, write_to=False)
    lost.write_bytes(b"")

    report = proved_point(backups, machine)

    assert rungs(report) == TRACKED
    assert not lost.exists()


def test_an_overlay_the_machine_wrote_to_unknown_to_its_daemon_becomes_its_disk(
    backups: VmBackups, machine: StillMachine
) -> None:
    machine.stop()
    lost = lose_a_snapshot(machine, backups, write_to=True)
    machine.disks["sda"].content[5 * MIB : 5 * MIB + 4096] = b"\7" * 4096

    report = proved_point(backups, machine)

    assert rungs(report) == TRACKED
    assert machine.image("sda")[0] == lost
    machine.start()


def test_an_overlay_that_is_being_written_to_is_named_for_the_next_start(
    backups: VmBackups, machine: StillMachine
) -> None:
    machine.stop()
    lost = lose_a_snapshot(machine, backups, write_to=True)
    machine.disks["sda"].content[5 * MIB : 5 * MIB + 4096] = b"\7" * 4096

    with (
        served_image(lost, backups.root / "held", format_="qcow2", clock=CLOCK, is_writable=True),
        pytest.raises(VmOverlayAstray),
    ):
        backups.back_up()

    assert machine.image("sda")[0] == lost
    assert rungs(proved_point(backups, machine)) == TRACKED


def test_where_both_were_written_to_a_person_decides(
    backups: VmBackups, machine: StillMachine
) -> None:
    machine.stop()
    lost = lose_a_snapshot(machine, backups, write_to=True)
    machine.start()
    machine.write("sda", 0, DICE.randbytes(512))

    with pytest.raises(VmOverlayUnclear, match=lost.name):
        backups.back_up()

    lost.unlink()
    assert rungs(proved_point(backups, machine)) == TRACKED
