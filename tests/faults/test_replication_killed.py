"""A replication killed at any of its steps, and gone on by another process: nothing is lost or left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.checkpoints import delete_checkpoint, list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.machines.points import Rung
from holdfast.replication.site import Site
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicating import CLOCK, Replicating, was_killed
from holdfast.testing.still_machine import StillMachine, read_image
from tests.faults.conftest import Faults

pytestmark = [
    pytest.mark.faults,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

SIZES = {"vda": 6 * MIB, "sda": 2 * MIB}
_STEP = ("ready", "begun", "read", "sealed", "kept", "shipping", "shipped", "acked")
_OFF = ("ready", "read", "sealed", "kept")
_WALK = ("walk-begun", "slice-begun", "sliced")


@pytest.fixture(scope="module")
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    """It is on, and has something on both disks."""
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "unlucky-copied", SIZES)
        try:
            machine.start()
            machine.write("vda", 0, bytes(range(1, 255)) * 20_000)
            yield machine
        finally:
            machine.remove()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One replica for all: each test makes its next point."""
    place = tmp_path_factory.mktemp("killed")
    (place / "site").mkdir()
    return place


@pytest.fixture
def replicating(machine: StillMachine, kvm_host: KvmHost, place: Path) -> Replicating:
    scratch = kvm_host.folder / "copied"
    site = Site(place / "site", CLOCK)
    replicating = Replicating(
        machine.hypervisor, machine.uuid, place / "home", scratch, site, slice_bytes=2 * MIB
    )
    if not machine.is_on():
        machine.start()
    replicating.reconcile()
    replicating.point()
    replicating.done.clear()
    return replicating


def written(machine: StillMachine, step: str) -> None:
    machine.write("vda", 3 * MIB + 512, f"written before {step} ".encode() * 256)
    machine.write("sda", MIB, f"{step} as well ".encode() * 64)


def proved(machine: StillMachine, replicating: Replicating, place: Path) -> list[Rung]:
    """The newest point is the disks, and nothing is left beside it."""
    site = Site(place / "site", CLOCK)
    facts = site.state(machine.uuid)
    assert facts is not None
    layers = site.attach(machine.uuid, facts.head, who="test")
    assert {target: read_image(path) for target, path in layers.items()} == {
        disk.target: bytes(disk.content) for disk in machine.plugged
    }
    site.unpin(machine.uuid, facts.head, who="test")
    assert replicating.leftovers() == []
    return [
        track.rung for done in replicating.done if done.step for track in done.step.tracks.values()
    ]


def killed_and_gone_on(
    machine: StillMachine, replicating: Replicating, place: Path, step: str
) -> list[Rung]:
    """What was written before and after the death is in the next point; how it was known."""
    written(machine, step)
    assert was_killed(replicating, step, site=place / "site")
    machine.write("vda", MIB, f"written after {step} ".encode() * 256)

    replicating.reconcile()
    replicating.point()

    return proved(machine, replicating, place)


@pytest.mark.parametrize("step", _STEP)
def test_a_step_that_is_killed_is_taken_again_by_the_bitmaps(
    machine: StillMachine, replicating: Replicating, place: Path, faults: Faults, step: str
) -> None:
    faults.inject()

    assert set(killed_and_gone_on(machine, replicating, place, step)) == {Rung.BITMAP}

    faults.survive()


@pytest.mark.parametrize("step", _OFF)
def test_a_step_of_a_machine_that_is_off_is_taken_again(
    machine: StillMachine, replicating: Replicating, place: Path, faults: Faults, step: str
) -> None:
    machine.stop()
    faults.inject()

    assert set(killed_and_gone_on(machine, replicating, place, step)) == {Rung.BITMAP}

    faults.survive()


@pytest.mark.parametrize("step", _WALK)
def test_a_walk_that_is_killed_goes_on(
    machine: StillMachine, replicating: Replicating, place: Path, faults: Faults, step: str
) -> None:
    for each in list_checkpoints(machine.domain):
        delete_checkpoint(machine.domain, each.name)
    faults.inject()

    assert killed_and_gone_on(machine, replicating, place, step)

    faults.survive()
