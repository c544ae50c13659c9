"""What a site lacks is said in both languages, before anything is changed; what is said to help helps."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import ready
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from tests import machines_bench
from tests.both_languages import refused_in_both
from tests.refusal_bench import (
    NETWORK,
    WITHOUT_POINTS,
    card,
    clear_memory,
    give_memory_back,
    machine_of,
    make_memory_short,
)

pytestmark = machines_bench.MARKS
MAC = "52:54:00:aa:bb:07"
CARD = card(MAC)
TWIN = """<domain type='qemu'><name>twin</name><uuid>{uuid}</uuid>
<memory>16384</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""


@pytest.fixture(scope="module")
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as made:
        made.work()
        yield made
        clear_memory(made.south.host)


@pytest.fixture
def machine(sites: TwoSites) -> Iterator[StillMachine]:
    """It has a network card, and is replicated."""
    north, south = sites.north, sites.south
    with machine_of(north.host, "wanted", devices=CARD) as machine:
        north.run("replication", "enable", "wanted", "--to", "south", *WITHOUT_POINTS)
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
    (tmp_path / "twin.xml").write_text(TWIN.format(uuid=machine.uuid))
    there.run("virsh", "define", tmp_path / "twin.xml")
    make_memory_short(there, tmp_path)

    unmoved = refused_in_both(south, "reprotect", machine.name)
    seen, diagnosed = looked_at(south, machine.name), causes(south)
    refused = [refused_in_both(south, *command)]
    there.run("virsh", "undefine", "twin")
    refused.append(refused_in_both(south, *command))
    give_memory_back(there)
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
        words = ("replication", "enable", machine.name, "--to", "south", *WITHOUT_POINTS)
        here = refused_in_both(north, *words, "--libvirt", reading(north))
        assert south.serving is not None
        south.serving.stop()
        serving = south.side.start(
            "replication", "serve", "--json", HOLDFAST_LIBVIRT=reading(south)
        )
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
