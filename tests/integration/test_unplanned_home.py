"""The host a machine was failed over to is lost as well: it comes up at its home from what came back."""

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.record import Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import two_sites
from tests import machines_bench

pytestmark = machines_bench.MARKS
KEPT = b"kept" * 1024


def test_a_machine_whose_second_host_is_lost_comes_up_at_home(
    kvm_hosts: tuple[KvmHost, KvmHost],
) -> None:
    with two_sites(*kvm_hosts) as sites, Host.open(kvm_hosts[0].uri) as hypervisor:
        north, south = sites.north, sites.south
        machine = StillMachine(north.host, hypervisor, "twice", {"vda": 4 * MIB})
        folder = RecordFolder(str(north.home), machine.uuid)
        try:
            machine.start()
            machine.write("vda", 0, KEPT)
            sites.work()
            words = ("--to", "south", "--every", "15m", "--app-every", "never")
            north.run("replication", "enable", machine.name, *words)
            planned = ("--planned", "--shutdown-within", "1s", "--force")
            south.run("failover", machine.name, *planned)
            south.run("reprotect", machine.name)
            south.kill()
            south.host.kill_guest(machine.name)

            north.run("failover", machine.name, "--unplanned", "--source-is-down", status=None)

            record = folder.load()
            assert record is not None
            assert (record.stage, record.epoch) == (Stage.FAILED_OVER, 2)
            assert machine.is_on()
            refused = north.run("reprotect", machine.name, status=2)
            assert "recovery-commit-first" in refused.err
            north.run("commit", machine.name)
            # It runs upon its own images again.
            settled = folder.load()
            assert settled is not None
            assert (settled.stage, settled.promoted) == (Stage.COMMITTED, None)
            image, format_ = machine.image("vda")
            assert (image, format_) == (machine.disks["vda"].path, "qcow2")
            machine.stop()
            assert machine.read("vda") == bytes(machine.disks["vda"].content)
        finally:
            _undefine(south.host, machine.uuid)
            machine.remove()


def _undefine(host: KvmHost, uuid: str) -> None:
    import libvirt

    with host.connected() as connection:
        known = {each.UUIDString(): each for each in connection.listAllDomains()}
        domain = known.get(uuid)
        if domain is None:
            return
        if domain.isActive():
            domain.destroy()
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
