"""There and back again: what ran elsewhere comes home as it was, with all it did."""

from collections.abc import Iterator

import pytest

from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.two_sites import TwoSites, two_sites
from tests import machines_bench

pytestmark = machines_bench.MARKS


@pytest.fixture(scope="module")
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as made:
        made.work()
        yield made


def test_a_machine_goes_there_and_back_and_is_protected_both_times(sites: TwoSites) -> None:
    guest = Guest(sites.north.host, "round")
    try:
        guest.start()
        sites.north.run("replication", "enable", "round", "--to", "south", "--app-every", "never")
        sites.south.run("failover", "round", "--planned", "--json")

        said = sites.south.run("reprotect", "round", "--json")

        done = said.event("recovery-done")
        assert done["stage"] == "protected-in-reverse"

        home = sites.north.run("failback", "round", "--json")
        assert home.event("recovery-done")["stage"] == "committed"
        again = sites.north.run("reprotect", "round", "--json")
        done = again.event("recovery-done")
        assert done["stage"] == "protected"
        assert done["figures"]["compared_disks"] == 0
        assert done["figures"]["copied_bytes"] <= 1.5 * done["figures"]["suspect_bytes"]
    finally:
        guest.remove()
