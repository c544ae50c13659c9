"""Guests that write without an end: each point at the site is an instant of all their disks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.machines.freezing import quiet
from holdfast.machines.points import Consistency
from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.replicator_tools import Door, Tools
from holdfast.replication.replicators import Replicators
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.shipping import ByHand
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.guest_proofs import ordered_writes
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
CLOCK = SystemClock()
TO = SiteAddress(site="south", machine="site-1", host="south")
# Of the guest's, at least.
POINTS = 4


@pytest.fixture(scope="module")
def guest(kvm_host: KvmHost) -> Iterator[Guest]:
    with machines_bench.writing_guest(kvm_host, "followed") as guest:
        yield guest


@pytest.fixture
def other(kvm_host: KvmHost) -> Iterator[StillMachine]:
    """It is taken together with the guest."""
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "followed-too", {"vda": 2 * MIB})
        try:
            machine.start()
            machine.write("vda", 0, b"beside it" * 1000)
            yield machine
        finally:
            machine.remove()


def enable(home: Path, uuid: str, name: str) -> None:
    folder = SourceFolder(str(home), uuid)
    folder.make()
    settings = ReplicationSettings(vm=uuid, name=name, to=TO, every=2, app_every=1, group="shop")
    folder.keep_settings(settings)


def points(site: Site, uuid: str) -> tuple[ReplicaPoint, ...]:
    facts = site.state(uuid)
    return facts.points if facts else ()


def test_each_point_of_a_writing_guest_is_one_instant_and_shared_by_its_group(
    guest: Guest, other: StillMachine, kvm_host: KvmHost, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site", CLOCK)
    home = tmp_path / "home"
    tools = Tools(
        home=str(home),
        clock=CLOCK,
        machine="host-1",
        hypervisor=kvm_host.uri,
        connect=Host.open,
        door=lambda _address: Door(receiver=site, sender=ByHand(site)),
        scratch=str(kvm_host.folder / "followed"),
        stillness=lambda domain, _settings: quiet(domain, CLOCK, home=str(home)),
        reserve=0,
    )
    loops = Replicators(tools)
    loops.start()

    try:
        for uuid, name in ((guest.uuid, guest.name), (other.uuid, other.name)):
            enable(home, uuid, name)
        wait_until(lambda: len(points(site, guest.uuid)) >= POINTS)
        wait_until(lambda: _shared(site, guest.uuid, other.uuid))
    finally:
        loops.stop()

    taken = points(site, guest.uuid)
    for point in taken:
        layers = site.attach(guest.uuid, point.generation, who="test")
        first, second = (layers[target] for target in guest.targets)
        ordered_writes(first, second)
        site.unpin(guest.uuid, point.generation, who="test")
    assert Consistency.FILESYSTEM in {point.consistency for point in taken}


def _shared(site: Site, *uuids: str) -> set[str]:
    """Instants of which every machine has a point."""
    groups = [{point.group for point in points(site, uuid) if point.group} for uuid in uuids]
    return set.intersection(*groups)
