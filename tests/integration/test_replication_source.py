"""What the source of a replication takes of a machine is what its disks are, cycle after cycle."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.units import KIB, MIB
from holdfast.disks.serving import served_image
from holdfast.hypervisor.connection import Host
from holdfast.machines.backup_errors import VmStarted
from holdfast.machines.points import Rung
from holdfast.replication.source_advance import Did
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicating import CLOCK, Replicating
from holdfast.testing.still_machine import StillMachine, read_image
from tests import machines_bench
from tests.model_site import ModelSite

pytestmark = machines_bench.MARKS
FIRST, SECOND = "vda", "sda"
SIZES = {FIRST: 12 * MIB, SECOND: 4 * MIB}


@pytest.fixture
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    """It is on, and has something on both disks."""
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "replicated", SIZES)
        try:
            machine.start()
            for target, size in SIZES.items():
                machine.write(target, 0, bytes(range(1, 255)) * (size // 2 // 254))
            yield machine
        finally:
            machine.remove()


@pytest.fixture
def site(tmp_path: Path) -> ModelSite:
    return ModelSite(tmp_path)


@pytest.fixture
def replicating(
    machine: StillMachine, kvm_host: KvmHost, tmp_path: Path, site: ModelSite
) -> Replicating:
    scratch = kvm_host.folder / "scratch"
    return Replicating(machine.hypervisor, machine.uuid, tmp_path / "home", scratch, site)


def changed(machine: StillMachine) -> None:
    machine.write(FIRST, 5 * MIB + 512, b"changed!" * 1024)
    machine.zero(FIRST, MIB, 128 * KIB)
    machine.write(SECOND, 64 * KIB, b"as well!" * 64)


def assert_proved(machine: StillMachine, replicating: Replicating, site: ModelSite) -> None:
    """The site's newest point is the disks, and nothing is left beside it."""
    assert {target: bytes(disk) for target, disk in site.disks.items()} == {
        disk.target: bytes(disk.content) for disk in machine.plugged
    }
    assert replicating.leftovers() == []


def rungs(site: ModelSite) -> list[Rung]:
    return [disk.rung for disk in site.heads[-1].disks]


def test_a_first_copy_and_the_steps_after_it_are_the_disks(
    machine: StillMachine, replicating: Replicating, site: ModelSite
) -> None:
    replicating.point()
    assert_proved(machine, replicating, site)

    for number in range(3):
        changed(machine)
        machine.write(FIRST, number * MIB, b"again" * 500)
        shipped = site.shipped
        replicating.point()

        assert_proved(machine, replicating, site)
        assert rungs(site) == [Rung.BITMAP, Rung.BITMAP]
        assert site.shipped - shipped < MIB

    assert [each.did for each in replicating.done].count(Did.SLICE) >= 3


def test_a_machine_is_followed_while_it_is_off_and_when_it_is_on_again(
    machine: StillMachine, replicating: Replicating, site: ModelSite
) -> None:
    replicating.point()
    changed(machine)
    machine.stop()

    replicating.point()
    assert_proved(machine, replicating, site)
    assert rungs(site) == [Rung.BITMAP, Rung.BITMAP]

    assert replicating.point().did is Did.UNCHANGED
    machine.write(FIRST, 7 * MIB, b"while it is off" * 100)
    replicating.point()
    assert_proved(machine, replicating, site)
    machine.start()
    changed(machine)
    replicating.point()

    assert_proved(machine, replicating, site)
    assert rungs(site) == [Rung.BITMAP, Rung.BITMAP]


def test_a_first_copy_begun_off_goes_on_when_the_machine_is_started(
    machine: StillMachine, replicating: Replicating, site: ModelSite
) -> None:
    machine.stop()
    while replicating.advance().did is not Did.SLICE:
        pass
    replicating.ship()

    machine.start()
    changed(machine)
    replicating.point()

    assert_proved(machine, replicating, site)
    assert rungs(site) == [Rung.BITMAP, Rung.BITMAP]
    assert [each.did for each in replicating.done].count(Did.SLICE) >= 3


def test_a_first_copy_begun_on_goes_on_when_the_machine_is_off(
    machine: StillMachine, replicating: Replicating, site: ModelSite
) -> None:
    while replicating.advance().did is not Did.SLICE:
        pass
    changed(machine)
    replicating.ship()

    machine.stop()
    replicating.point()

    assert_proved(machine, replicating, site)


def test_after_a_power_cut_only_what_differs_is_sent(
    machine: StillMachine, replicating: Replicating, site: ModelSite
) -> None:
    replicating.point()
    shipped = site.shipped
    changed(machine)
    machine.flush(FIRST)
    machine.flush(SECOND)

    machine.cut_power()
    for target in SIZES:
        machine.disks[target].content[:] = read_image(machine.disks[target].path)
    replicating.point()
    machine.start()
    replicating.point()

    assert_proved(machine, replicating, site)
    assert Did.LOST in [each.did for each in replicating.done]
    assert site.shipped - shipped < 2 * MIB


def test_a_machine_can_be_started_while_it_is_read_and_what_was_read_does_not_count(
    machine: StillMachine, replicating: Replicating, site: ModelSite
) -> None:
    replicating.point()
    machine.stop()
    changed(machine)

    def start_in_the_middle(step: str) -> None:
        if step == "read":
            machine.start()
            machine.write(FIRST, 9 * MIB, b"meanwhile" * 1000)

    with pytest.raises(VmStarted):
        replicating.advance(on_step=start_in_the_middle)
    replicating.point()

    assert_proved(machine, replicating, site)
    assert rungs(site) == [Rung.BITMAP, Rung.BITMAP]


def test_an_image_that_is_read_for_a_replica_does_not_keep_its_machine_from_starting(
    machine: StillMachine, tmp_path: Path
) -> None:
    machine.stop()

    with served_image(
        machine.disks[FIRST].path,
        tmp_path / "nbd",
        format_="qcow2",
        clock=CLOCK,
        lets_others_write=True,
    ):
        machine.start()

    assert machine.is_on()


@pytest.mark.parametrize("raw", [(SECOND,), (FIRST, SECOND)])
def test_disks_that_cannot_record_are_compared_in_each_step(
    kvm_host: KvmHost, tmp_path: Path, site: ModelSite, raw: tuple[str, ...]
) -> None:
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "forgetful", dict(SIZES), raw=raw)
        try:
            machine.start()
            changed(machine)
            scratch = kvm_host.folder / "forgetful"
            replicating = Replicating(hypervisor, machine.uuid, tmp_path / "home", scratch, site)
            replicating.point()
            assert_proved(machine, replicating, site)

            machine.write(FIRST, 9 * MIB, b"later" * 100)
            machine.write(SECOND, 2 * MIB, b"later" * 100)
            machine.zero(SECOND, 64 * KIB, 64 * KIB)
            shipped = site.shipped
            replicating.point()

            assert_proved(machine, replicating, site)
            wanted = [Rung.HASH if target in raw else Rung.BITMAP for target in SIZES]
            assert rungs(site) == wanted
            assert site.shipped - shipped < MIB
            machine.stop()
            machine.write(SECOND, MIB, b"off" * 100)
            replicating.point()
            assert_proved(machine, replicating, site)
            machine.start()
            machine.write(FIRST, MIB, b"on" * 100)
            replicating.point()
            assert_proved(machine, replicating, site)
        finally:
            machine.remove()


def test_more_than_the_spool_can_hold_is_sent_in_slices_of_what_changed(
    machine: StillMachine, replicating: Replicating, site: ModelSite
) -> None:
    replicating.point()
    shipped = site.shipped
    noise = random.Random(3).randbytes(8 * MIB)
    machine.write(FIRST, 2 * MIB, noise)
    replicating.slice_bytes = 2 * MIB
    replicating.changes = {"room": lambda: 3 * MIB}

    replicating.point()

    assert_proved(machine, replicating, site)
    slices = [each.made for each in replicating.done[-20:] if each.made]
    changed_ones = [each.log for each in slices if each.log.head.since]
    assert len(changed_ones) >= 4
    assert max(log.size for log in changed_ones) < 4 * MIB
    assert {disk.rung for log in changed_ones for disk in log.head.disks} == {Rung.BITMAP}
    assert site.shipped - shipped < 9 * MIB
