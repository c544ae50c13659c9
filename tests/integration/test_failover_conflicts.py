"""What is in the way of a failover is said before anything is changed; then the command succeeds."""

from collections.abc import Iterator

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, define_domain, find_domain, list_domains
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
NAME = "wanted"
OTHER = "11111111-2222-4333-8444-555555555555"
CARD = "<interface type='network'><source network='prod'/></interface></devices>"
WITHIN = 180.0


@pytest.fixture
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as sites:
        sites.work()
        yield sites


@pytest.fixture
def machine(sites: TwoSites) -> Iterator[StillMachine]:
    """It is off, is replicated, and has a card on a network the other host has not."""
    with Host.open(sites.north.host.uri) as host:
        machine = StillMachine(sites.north.host, host, NAME, {"vda": 2 * MIB})
        xml = machine.domain.xml(inactive=True)
        define_domain(host, xml.replace("</devices>", CARD))
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


def points(sites: TwoSites, machine: StillMachine) -> int:
    facts = sites.south.facts(machine.uuid)
    return len(facts.points) if facts else 0


def test_each_is_said_with_its_remedy_and_after_it_the_command_succeeds(
    sites: TwoSites, machine: StillMachine, south: Host
) -> None:
    command = ("failover", NAME, "--planned")

    named = sites.south.run(*command, status=30)
    connected = sites.south.run(*command, "--replace", NAME, status=30)
    sites.south.run(*command, "--replace", NAME, "--network", "prod=none")

    assert "failover-name-taken" in named.err
    assert all(way in named.err for way in ("--name", "another host", f"--replace {NAME}"))
    assert "failover-network-missing" in connected.err
    assert "--network prod=NEW" in connected.err
    assert find_domain(south, NAME).uuid == machine.uuid
    assert is_plugged(find_domain(south, NAME)) is False
    assert find_domain(south, f"{NAME}-{OTHER[:8]}").uuid == OTHER


def is_plugged(domain: Domain) -> bool:
    (nic,) = domain.spec().nics
    return nic.is_link_up
