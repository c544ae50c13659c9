"""Backups and replication of one machine: neither takes the other's records away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.machines.points import Rung
from holdfast.machines.tracking import Tracking
from holdfast.replication.source_advance import Did
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicating import Replicating
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.vm_backups import VmBackups
from tests import machines_bench
from tests.model_site import ModelSite

pytestmark = machines_bench.MARKS


@pytest.fixture
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "shared-out", {"vda": 4 * MIB})
        try:
            machine.start()
            machine.write("vda", 0, bytes(range(1, 255)) * 8000)
            yield machine
        finally:
            machine.remove()


@pytest.mark.parametrize("tracking", [Tracking.BITMAP, Tracking.OVERLAY])
def test_both_go_on_by_what_was_recorded(
    machine: StillMachine, kvm_host: KvmHost, tmp_path: Path, tracking: Tracking
) -> None:
    site, scratch = ModelSite(tmp_path), kvm_host.folder / "shared-out"
    backups = VmBackups(machine.hypervisor, machine.uuid, tmp_path, scratch, tracking=tracking)
    replicating = Replicating(machine.hypervisor, machine.uuid, tmp_path, scratch, site)
    backups.back_up()
    replicating.point()
    replicating.done.clear()

    for number in range(3):
        machine.write("vda", number * MIB, bytes([number + 1]) * 70_000)
        report = backups.back_up()
        machine.write("vda", number * MIB + 512 * 1024, bytes([number + 7]) * 70_000)
        replicating.point()

        assert {"vda": bytes(machine.disks["vda"].content)} == {
            target: bytes(disk) for target, disk in site.disks.items()
        }
        assert [disk.rung for disk in report.facts.disks] == [Rung(tracking.value)]
    assert {each.did for each in replicating.done} == {Did.STEP}


def test_a_merge_into_an_image_that_keeps_no_records_loses_nothing(
    kvm_host: KvmHost, tmp_path: Path
) -> None:
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "half-raw", {"vda": 24 * MIB}, raw=("vda",))
        try:
            machine.start()
            machine.write("vda", 0, bytes(range(1, 255)) * 80_000)
            site, scratch = ModelSite(tmp_path), kvm_host.folder / "half-raw"
            backups = VmBackups(
                hypervisor, machine.uuid, tmp_path, scratch, tracking=Tracking.OVERLAY
            )
            replicating = Replicating(hypervisor, machine.uuid, tmp_path, scratch, site)
            backups.back_up()
            replicating.point()

            for number in range(3):
                machine.write("vda", number * MIB, bytes([number + 1]) * 70_000)
                backups.back_up()
                machine.write("vda", number * MIB + 512 * 1024, bytes([number + 7]) * 70_000)
                replicating.point()

                assert {"vda": bytes(machine.disks["vda"].content)} == {
                    target: bytes(disk) for target, disk in site.disks.items()
                }
        finally:
            machine.remove()
