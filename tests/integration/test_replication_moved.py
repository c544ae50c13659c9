"""A machine that moves, is renamed, or is undefined: its replication goes on, or says why not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.binding import load
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import define_domain
from holdfast.machines.points import Rung
from holdfast.replication.replicator_finding import Finder
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.source_advance import Did
from holdfast.replication.source_errors import SourceNotThere
from holdfast.testing.hosts import SOUTH, KvmHost
from holdfast.testing.replicating import Replicating
from holdfast.testing.still_machine import StillMachine
from tests import machines_bench
from tests.model_site import ModelSite

pytestmark = machines_bench.MARKS
TO = SiteAddress(site="south", machine="site-1", host="south")


@pytest.fixture
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "traveller", {"vda": 4 * MIB})
        machine.start()
        machine.write("vda", 0, bytes(range(1, 255)) * 8000)
        yield machine
        machine.remove()


@pytest.fixture
def elsewhere(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Host]:
    with Host.open(kvm_hosts[1].uri) as host:
        yield host


def moved(machine: StillMachine, there: Host) -> None:
    """Off here, defined and started there, with the same images."""
    machine.stop()
    xml = machine.domain.xml(inactive=True)
    machine.domain.undefine(with_checkpoints=True)
    define_domain(there, xml).start()


def test_on_another_host_it_goes_on_by_its_bitmaps(
    machine: StillMachine, kvm_host: KvmHost, elsewhere: Host, tmp_path: Path
) -> None:
    site = ModelSite(tmp_path)
    here = Replicating(
        machine.hypervisor, machine.uuid, tmp_path / "here", kvm_host.folder / "moved", site
    )
    here.point()
    moved(machine, elsewhere)
    machine.hypervisor = elsewhere
    machine.write("vda", MIB, b"over there" * 1000)

    there = Replicating(
        elsewhere, machine.uuid, tmp_path / "there", kvm_host.folder / "moved", site
    )
    there.reconcile()
    there.point()

    assert {"vda": bytes(machine.disks["vda"].content)} == {
        target: bytes(disk) for target, disk in site.disks.items()
    }
    assert [each.did for each in there.done] == [Did.STEP]
    assert [disk.rung for disk in site.heads[-1].disks] == [Rung.BITMAP]
    machine.domain.destroy(graceful=True)
    machine.domain.undefine(with_checkpoints=True)
    machine.hypervisor = here.host
    machine.define()


def test_moved_live_by_its_administrator_it_goes_on_by_its_bitmaps(
    machine: StillMachine, kvm_host: KvmHost, elsewhere: Host, tmp_path: Path
) -> None:
    site = ModelSite(tmp_path)
    here = Replicating(
        machine.hypervisor, machine.uuid, tmp_path / "here", kvm_host.folder / "moved", site
    )
    here.point()
    machine.write("vda", MIB, b"before it went" * 1000)
    migrated(machine, elsewhere)
    machine.hypervisor = elsewhere
    machine.write("vda", 2 * MIB, b"over there" * 1000)

    there = Replicating(
        elsewhere, machine.uuid, tmp_path / "there", kvm_host.folder / "moved", site
    )
    there.reconcile()
    there.point()

    assert {"vda": bytes(machine.disks["vda"].content)} == {
        target: bytes(disk) for target, disk in site.disks.items()
    }
    assert [each.did for each in there.done] == [Did.STEP]
    assert [disk.rung for disk in site.heads[-1].disks] == [Rung.BITMAP]
    machine.domain.destroy(graceful=True)
    machine.domain.undefine(with_checkpoints=True)
    machine.hypervisor = here.host
    machine.define()


def migrated(machine: StillMachine, there: Host) -> None:
    """As by `virsh migrate --live --persistent --undefinesource`, with images both hosts have."""
    libvirt = load()
    flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PERSIST_DEST
    flags |= libvirt.VIR_MIGRATE_UNDEFINE_SOURCE | libvirt.VIR_MIGRATE_UNSAFE
    with machine.domain.handle() as handle, there.asking() as connection:
        handle.migrate3(connection, {libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{SOUTH}"}, flags)


def test_it_is_found_by_its_uuid_here_or_elsewhere_and_missed_otherwise(
    machine: StillMachine, kvm_hosts: tuple[KvmHost, KvmHost], elsewhere: Host
) -> None:
    finder = Finder(Host.open, here=kvm_hosts[0].uri)
    settings = ReplicationSettings(vm=machine.uuid, name="as it was called", to=TO)
    try:
        found = finder.find(settings, lambda: iter(()))
        assert (found.domain.name, found.uri) == (machine.name, kvm_hosts[0].uri)

        moved(machine, elsewhere)
        with pytest.raises(SourceNotThere):
            finder.find(settings, lambda: iter(()))
        found = finder.find(settings, lambda: iter([kvm_hosts[1].uri]))
        assert found.uri == kvm_hosts[1].uri
        found.domain.destroy(graceful=True)
        found.domain.undefine(with_checkpoints=True)
        machine.define()
    finally:
        finder.close()
