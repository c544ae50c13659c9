"""Hundreds of things that happen to a machine, its host and its images, between its backups.

VM_WALK_STEPS=5000 VM_WALK_SEED=7 pytest tests/faults/test_vm_random_walk.py   # longer, another way
"""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.hypervisor.connection import Host
from holdfast.machines.disk_reader import DiskReader
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillDisk, StillMachine
from holdfast.testing.vm_backups import VmBackups
from tests.faults.conftest import Faults
from tests.faults.vm_walk import Walk
from tests.faults.vm_walk_model import (
    KIB,
    MIB,
    PLUGGABLE,
    PLUGGABLE_SIZE,
    SIZES,
    Line,
    blocks_that_differ,
)

STEPS = int(os.environ.get("VM_WALK_STEPS", "300"))
SEED = int(os.environ.get("VM_WALK_SEED", "5"))
_TOLD_LAST = 60

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600 + STEPS * 4),
]


@pytest.fixture
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    with Host.open(kvm_host.uri) as hypervisor:
        sizes = {target: most for target, (_, most) in SIZES.items()}
        machine = StillMachine(kvm_host, hypervisor, "walker", sizes)
        machine.add_disk(PLUGGABLE, PLUGGABLE_SIZE, is_plugged=False)
        yield machine
        machine.remove()


@pytest.fixture
def backups(machine: StillMachine, kvm_host: KvmHost, tmp_path: Path) -> VmBackups:
    return VmBackups(machine.hypervisor, machine.uuid, tmp_path, kvm_host.folder / "walked")


def test_whatever_happens_between_backups_each_point_is_the_disks(
    machine: StillMachine, backups: VmBackups, faults: Faults, tmp_path: Path
) -> None:
    other = VmBackups(
        machine.hypervisor, machine.uuid, tmp_path / "other", backups.scratch, backups.root
    )
    walk = Walk(machine, [Line(backups), Line(other)], random.Random(SEED), faults)

    try:
        walk.go(STEPS)
        walk.assert_well()
    except BaseException as err:
        err.add_note(f"seed {SEED}, and the last steps:")
        err.add_note("\n".join(walk.told[-_TOLD_LAST:]))
        raise


def tracked_then_off(machine: StillMachine, backups: VmBackups) -> StillDisk:
    """Its disk with so many blocks that an audit looks at few of them."""
    disk = machine.disks["vda"]
    machine.start()
    machine.write("vda", 0, random.Random(SEED).randbytes(disk.size))
    backups.back_up()
    machine.stop()
    return disk


def is_in_newest_point(disk: StillDisk, backups: VmBackups) -> bool:
    return not blocks_that_differ(DiskReader(backups.reader(), disk.target), bytes(disk.content))


def test_an_image_put_back_to_before_a_point_of_a_machine_that_was_off_is_told_apart(
    machine: StillMachine, backups: VmBackups
) -> None:
    disk = tracked_then_off(machine, backups)
    copy, content = disk.path.with_suffix(".copy"), bytes(disk.content)
    shutil.copyfile(disk.path, copy)
    machine.write("vda", 5 * MIB, b"gone" * 128)
    backups.back_up()
    shutil.copyfile(copy, disk.path)
    disk.content[:] = content

    report = backups.back_up()

    assert is_in_newest_point(disk, backups)
    # Its record goes on with the checkpoint that is in the copy too: no need to read all.
    assert [each.why for each in report.facts.disks] == ["tracked", "tracked"]
    assert report.disks[0].changed == MIB


def test_a_disk_cut_off_within_its_last_block_and_grown_again_is_told_apart(
    machine: StillMachine, backups: VmBackups
) -> None:
    disk = tracked_then_off(machine, backups)
    size = disk.size
    machine.resize("vda", size - 64 * KIB)
    machine.resize("vda", size)

    report = backups.back_up()

    assert is_in_newest_point(disk, backups)
    assert report.facts.disks[0].why == "map-wrong"
