"""What is in the way of a failover is said before anything is changed; then the command succeeds."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, define_domain, find_domain, list_domains
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.both_languages import refused_in_both

pytestmark = machines_bench.MARKS
NAME = "wanted"
OTHER = "11111111-2222-4333-8444-555555555555"
CARD = "<interface type='network'><source network='prod'/></interface></devices>"
HUGE = "<memoryBacking><hugepages/></memoryBacking><vcpu"
# Of 2 MiB, of which the machine needs eight.
PAGES = Path("/proc/sys/vm/nr_hugepages")
WITHIN = 180.0


@pytest.fixture
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as sites:
        sites.work()
        yield sites


@pytest.fixture
def machine(sites: TwoSites) -> Iterator[StillMachine]:
    """It is off, is replicated, and wants all kinds of things that the other host has not."""
    with Host.open(sites.north.host.uri) as host:
        machine = StillMachine(sites.north.host, host, NAME, {"vda": 2 * MIB})
        xml = machine.domain.xml(inactive=True)
        for old, new in (("</devices>", CARD), ("<vcpu", HUGE)):
            xml = xml.replace(old, new)
        define_domain(host, xml)
        try:
            sites.north.run("replication", "enable", NAME, "--to", "south", "--every", "15m")
            wait_until(lambda: bool(points(sites, machine)), within=WITHIN)
            yield machine
        finally:
            machine.remove()


@pytest.fixture
def south(sites: TwoSites) -> Iterator[Host]:
    """With a machine that has the same name."""
    with Host.open(sites.south.host.uri) as host:
        xml = f"""<domain type='qemu'><name>{NAME}</name><uuid>{OTHER}</uuid>
        <memory>16384</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""
        define_domain(host, xml)
        yield host
        for domain in list_domains(host):
            if domain.is_active():
                domain.destroy()
            domain.undefine(with_checkpoints=True)


@pytest.fixture
def reserve(sites: TwoSites) -> Iterator[Callable[[int], None]]:
    """How many huge pages the kernel is to have; as before at the end."""
    before, host = PAGES.read_text(), sites.south.host

    def reserve(count: int) -> None:
        host.run("sysctl", "-q", f"vm.nr_hugepages={count}")
        assert int(PAGES.read_text()) == count

    host.run("mkdir", "/run/huge")
    host.run("mount", "-t", "hugetlbfs", "huge", "/run/huge")
    # It looks for them when it begins.
    host.restart()
    yield reserve
    PAGES.write_text(before)


def points(sites: TwoSites, machine: StillMachine) -> int:
    facts = sites.south.facts(machine.uuid)
    return len(facts.points) if facts else 0


def test_each_is_said_with_its_remedy_and_after_it_the_command_succeeds(
    sites: TwoSites, machine: StillMachine, south: Host, reserve: Callable[[int], None]
) -> None:
    site, there = sites.south, sites.south.host
    command: tuple[str, ...] = ("failover", NAME, "--planned")
    reading = f"qemu+unix:///system?socket={there.folder}/run/libvirt-sock-ro"
    away = site.replicas.with_suffix(".away")

    diagnosed = causes(site)
    site.replicas.rename(away)
    # As the place looks where a disk is not mounted.
    site.replicas.mkdir()
    refused = [refused_in_both(site, *command)]
    site.replicas.rmdir()
    away.rename(site.replicas)
    refused.append(refused_in_both(site, *command, "--libvirt", reading))
    refused.append(refused_in_both(site, *command))
    named = site.run(*command, status=30)
    command = (*command, "--replace", NAME)
    refused.append(refused_in_both(site, *command))
    reserve(16)
    site.replicas.rename(away)
    refused.append(refused_in_both(site, *command))
    away.rename(site.replicas)
    refused.append(refused_in_both(site, *command))
    connected = site.run(*command, status=30)
    site.run(*command, "--network", "prod=none")

    assert refused == [
        "failover-folder-closed",
        "failover-account-reads-only",
        "failover-name-taken",
        "failover-huge-pages-short",
        "failover-folder-closed",
        "failover-network-missing",
    ]
    # Before anybody tried, with a look of its own.
    assert set(diagnosed) >= {
        "recovery.name-taken",
        "recovery.memory-short",
        "recovery.network-missing",
    }
    assert all(way in named.err for way in ("--name", "another host", f"--replace {NAME}"))
    assert "--network prod=NEW" in connected.err
    assert find_domain(south, NAME).uuid == machine.uuid
    assert is_plugged(find_domain(south, NAME)) is False
    assert find_domain(south, f"{NAME}-{OTHER[:8]}").uuid == OTHER


def causes(site: Station) -> list[str]:
    """Of a failover that does not work, as the doctor there sees it."""
    said = site.run("doctor", "recovery.failover", "--json", "--all", status=None)
    return [each["cause"] for each in json.loads(said.out)["findings"]]


def is_plugged(domain: Domain) -> bool:
    (nic,) = domain.spec().nics
    return nic.is_link_up
