"""Hundreds of things that happen to a machine, its host and its images, between its backups.

VM_WALK_STEPS=5000 VM_WALK_SEED=7 pytest tests/faults/test_vm_random_walk.py   # longer, another way
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.hypervisor.connection import Host
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.vm_backups import VmBackups
from tests.faults.conftest import Faults
from tests.faults.vm_walk import PLUGGABLE, PLUGGABLE_SIZE, SIZES, Walk

STEPS = int(os.environ.get("VM_WALK_STEPS", "300"))
SEED = int(os.environ.get("VM_WALK_SEED", "5"))
_TOLD_LAST = 60

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.xdist_group("machines"),
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


def test_whatever_happens_between_backups_each_point_is_the_disks(
    machine: StillMachine, kvm_host: KvmHost, tmp_path: Path, faults: Faults
) -> None:
    backups = VmBackups(machine.hypervisor, machine.uuid, tmp_path, kvm_host.folder / "walked")
    walk = Walk(machine, backups, random.Random(SEED))

    try:
        walk.go(STEPS)
        walk.assert_well()
    except BaseException as err:
        err.add_note(f"seed {SEED}, and the last steps:")
        err.add_note("\n".join(walk.told[-_TOLD_LAST:]))
        raise
