"""What a site lacks is said in both languages, before anything is changed; what is said to help helps."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import define_domain
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import PROGRAM, ready
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from tests import machines_bench
from tests.both_languages import refused_in_both

pytestmark = machines_bench.MARKS
SIZES = {"vda": 2 * MIB}
MAC = "52:54:00:aa:bb:07"
CARD = f"""<interface type='network'><mac address='{MAC}'/><source network='prod'/></interface>"""
NETWORK = "<network><name>prod</name><bridge name='hf-prod'/></network>"
TWIN = """<domain type='qemu'><name>twin</name><uuid>{uuid}</uuid>
<memory>16384</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""
# Of which the machine needs sixteen MiB.
SHORT = "MemTotal: 65536 kB\nMemFree: 8192 kB\nMemAvailable: 8192 kB\nBuffers: 0 kB\nCached: 0 kB\n"
NEVER = ("--every", "15m", "--app-every", "never")


@pytest.fixture(scope="module")
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as made:
        made.work()
        yield made
        there = made.south.host
        there.run("sh", "-c", "! grep -q /proc/meminfo /proc/mounts || umount /proc/meminfo")


@contextmanager
def machine_of(host: KvmHost, name: str, *, devices: str = "") -> Iterator[StillMachine]:
    with Host.open(host.uri) as hypervisor:
        machine = StillMachine(host, hypervisor, name, SIZES)
        xml = machine.domain.xml(inactive=True)
        define_domain(hypervisor, xml.replace("</devices>", f"{devices}</devices>"))
        try:
            yield machine
        finally:
            machine.remove()


@pytest.fixture
def machine(sites: TwoSites) -> Iterator[StillMachine]:
    """It has a network card, and is replicated."""
    north, south = sites.north, sites.south
    with machine_of(north.host, "wanted", devices=CARD) as machine:
        north.run("replication", "enable", "wanted", "--to", "south", *NEVER)
        yield machine
        north.run("replication", "disable", "wanted", status=None)
    machines_bench.clear(south.host)


@pytest.fixture
def rival(sites: TwoSites, tmp_path: Path) -> Iterator[StillMachine]:
    """It runs at the site, in a network as at the machine's home, with the machine's address."""
    there, network = sites.south.host, tmp_path / "prod.xml"
    network.write_text(NETWORK)
    there.run("virsh", "net-create", network)
    with machine_of(there, "rival", devices=CARD) as rival:
        rival.start()
        yield rival
    there.run("virsh", "net-destroy", "prod")


def test_each_is_said_with_its_remedy_and_after_all_of_them_the_command_succeeds(
    sites: TwoSites, machine: StillMachine, rival: StillMachine, tmp_path: Path
) -> None:
    south, there = sites.south, sites.south.host
    command = ("failover", machine.name, "--planned")
    (tmp_path / "meminfo").write_text(SHORT)
    (tmp_path / "twin.xml").write_text(TWIN.format(uuid=machine.uuid))
    there.run("virsh", "define", tmp_path / "twin.xml")
    there.run("mount", "--bind", tmp_path / "meminfo", "/proc/meminfo")

    unmoved = refused_in_both(south, "reprotect", machine.name)
    seen, diagnosed = looked_at(south, machine.name), causes(south)
    refused = [refused_in_both(south, *command)]
    there.run("virsh", "undefine", "twin")
    refused.append(refused_in_both(south, *command))
    there.run("umount", "/proc/meminfo")
    refused.append(refused_in_both(south, *command))
    there.run("virsh", "destroy", rival.name)
    clear = looked_at(south, machine.name)
    south.run(*command)
    # It warns of what its home lacks, where no network is at all.
    south.run("reprotect", machine.name, status=3)

    assert unmoved == "recovery-not-failed-over"
    assert refused == [
        "failover-uuid-taken",
        "failover-memory-short",
        "failover-mac-taken",
    ]
    assert (seen, clear) == (refused, [])
    assert set(diagnosed) >= {
        "recovery.name-taken",
        "recovery.memory-short",
        "recovery.address-taken",
    }
    assert machine.name in there.run("virsh", "list", "--name").split()


def test_an_account_that_may_only_read_is_told_of_when_the_way_there_is_made(
    sites: TwoSites,
) -> None:
    north, south = sites.north, sites.south
    with machine_of(north.host, "reading") as machine:
        words = ("replication", "enable", machine.name, "--to", "south", *NEVER)
        here = refused_in_both(north, *words, "--libvirt", reading(north))
        assert south.serving is not None
        south.serving.stop()
        program = ("env", f"HOLDFAST_LIBVIRT={reading(south)}", PROGRAM)
        serving = south.side.start("replication", "serve", "--json", program=program)
        try:
            there = refused_in_both(north, *words)
            failed = north.run(*words, "--json", status=None).event("error")
            left = south.facts(machine.uuid)
        finally:
            ready(serving, "site-serving").stop()
            south.serve()
        north.run(*words)
        north.run("replication", "disable", machine.name)

    assert (here, there) == ("failover-account-reads-only", "failover-account-reads-only")
    assert "At south: " in failed["message"]
    assert left is None


def reading(station: Station) -> str:
    return f"qemu+unix:///system?socket={station.host.folder}/run/libvirt-sock-ro"


def looked_at(site: Station, name: str) -> list[str]:
    """What would refuse it, by a look that changes nothing."""
    said = site.run("failover", "check", name, "--json", status=None)
    return [each["code"] for each in said.event("recovery-preflight")["problems"]]


def causes(site: Station) -> list[str]:
    """Of a failover that does not work, as the doctor there sees it."""
    said = site.run("doctor", "recovery.failover", "--json", "--all", status=None)
    return [each["cause"] for each in json.loads(said.out)["findings"]]
