"""What happens to a machine between its backups, its changes in overlays and one of its disks raw.

VM_WALK_STEPS=5000 VM_WALK_SEED=7 pytest tests/faults/test_vm_overlay_walk.py   # longer, another way
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.hypervisor.connection import Host
from holdfast.machines.tracking import Tracking
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.vm_backups import VmBackups
from tests.faults.conftest import Faults
from tests.faults.vm_overlay_walk import OverlayWalk
from tests.faults.vm_walk_model import SIZES, SMALL, Line
from tests.machines_bench import MARKS

STEPS = int(os.environ.get("VM_WALK_STEPS", "60"))
SEED = int(os.environ.get("VM_WALK_SEED", "5"))
_TOLD_LAST = 60

pytestmark = [pytest.mark.faults, *MARKS]


@pytest.fixture
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    with Host.open(kvm_host.uri) as hypervisor:
        sizes = {target: most for target, (_, most) in SIZES.items()}
        machine = StillMachine(kvm_host, hypervisor, "wanderer", sizes, raw=(SMALL,))
        yield machine
        machine.remove()


@pytest.mark.timeout(600 + STEPS * 4)
def test_whatever_happens_between_backups_each_point_is_the_disks(
    machine: StillMachine, kvm_host: KvmHost, faults: Faults, tmp_path: Path
) -> None:
    scratch, machine_of = kvm_host.folder / "wandered", (machine.hypervisor, machine.uuid)
    first = VmBackups(*machine_of, tmp_path, scratch, tracking=Tracking.OVERLAY)
    other = VmBackups(*machine_of, tmp_path / "other", scratch, tmp_path, Tracking.OVERLAY)
    walk = OverlayWalk(machine, [Line(first), Line(other)], random.Random(SEED), faults)

    try:
        walk.go(STEPS)
        walk.assert_well()
    except BaseException as err:
        err.add_note(f"seed {SEED}, and the last steps:")
        err.add_note("\n".join(walk.told[-_TOLD_LAST:]))
        raise
