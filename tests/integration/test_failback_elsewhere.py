"""A machine that was failed over goes on to a third host, and its old home stays out of it."""

import copy
from collections.abc import Iterator

import pytest

from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_by_uuid
from holdfast.recovery.fencing import is_fenced
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.hosts import SOUTH, KvmHost, join
from holdfast.testing.replicated import Side
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.both_languages import refused_in_both
from tests.integration.test_failback import NEVER, SECOND, SIZES, WITHIN, failed_over

pytestmark = machines_bench.MARKS
THERE, WEST = "10.78.1.2", "10.78.1.3"


@pytest.fixture(scope="module")
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as made:
        made.work()
        yield made


@pytest.fixture
def west(sites: TwoSites) -> Iterator[Station]:
    """Joined to the south by a cable of its own, and introduced to it."""
    south = sites.south
    with KvmHost("west") as host:
        join(host, south.host, addresses=(WEST, THERE), card="eth1")
        host.run("ip", "route", "add", SOUTH, "dev", "eth1")
        station = Station(Side(host, WEST), "west")
        try:
            station.admit(south)
            south.admit(station)
            station.work()
            yield station
        finally:
            station.rest()


def test_it_goes_from_the_site_to_another_host_than_its_home(
    sites: TwoSites, west: Station
) -> None:
    wish = ("--force", "--shutdown-within", "1s")
    with failed_over(sites) as away, Host.open(west.host.uri) as beyond:
        south, name = sites.south, away.name
        south.run("commit", name)
        south.run("replication", "enable", name, "--to", "west", *NEVER)
        away.there.write(SECOND, MIB, b"and on the way" * 100)

        away.at(west, "failover", "--planned", *wish)
        refused = refused_in_both(sites.north, "failback", name)

        third = copy.copy(away.there)
        third.host, third.hypervisor = west.host, beyond
        third.stop()
        for target in SIZES:
            assert third.read(target) == bytes(away.there.disks[target].content)
        assert refused == "recovery-reprotect-first"
        # Neither of the two hosts it was at before can start it, once both have heard of the third.
        uuid = away.home.uuid
        both = (sites.north, south)
        wait_until(
            lambda: {_epoch(one, uuid) for one in both} == {_epoch(west, uuid)}, within=WITHIN
        )
        assert all(_is_barred(one, uuid) for one in both)


def _epoch(station: Station, uuid: str) -> int:
    record = RecordFolder(str(station.home), uuid).load()
    return record.epoch if record else 0


def _is_barred(station: Station, uuid: str) -> bool:
    with Host.open(station.host.uri) as host:
        return is_fenced(find_by_uuid(host, uuid))
