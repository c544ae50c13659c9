"""Hundreds of things that happen to a replicated machine, its host, its images and its site.

REPLICATION_WALK_STEPS=3000 REPLICATION_WALK_SEED=7 pytest tests/faults/test_replication_walk.py
"""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicating import Replicating
from holdfast.testing.still_machine import StillMachine
from tests.faults.conftest import Faults
from tests.faults.replication_walk import SIZES, ReplicationWalk
from tests.model_site import ModelSite

STEPS = int(os.environ.get("REPLICATION_WALK_STEPS", "60"))
SEED = int(os.environ.get("REPLICATION_WALK_SEED", "4"))
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
        machine = StillMachine(kvm_host, hypervisor, "walked-far", sizes)
        try:
            yield machine
        finally:
            machine.remove()


def test_whatever_happens_each_point_at_the_site_is_the_disks(
    machine: StillMachine,
    kvm_host: KvmHost,
    tmp_path: Path,
    faults: Faults,
    record_property: Callable[[str, object], None],
) -> None:
    site = ModelSite(tmp_path)
    scratch = kvm_host.folder / "walked-far"
    replicating = Replicating(
        machine.hypervisor, machine.uuid, tmp_path / "home", scratch, site, slice_bytes=3 * MIB
    )
    walk = ReplicationWalk(machine, replicating, site, random.Random(SEED), faults)

    try:
        walk.go(STEPS)
        walk.point()
    except BaseException as err:
        err.add_note(f"seed {SEED}, and the last steps:")
        err.add_note("\n".join(walk.told[-_TOLD_LAST:]))
        raise
    record_property("replication", walk.figures())
    print(f"seed {SEED}, {STEPS} steps\n{walk.figures()}")  # noqa: T201  shown with -s
