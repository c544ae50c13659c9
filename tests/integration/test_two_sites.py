"""Two hosts that replicate to each other, as everything that comes back needs them."""

from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.two_sites import two_sites
from tests import machines_bench

pytestmark = machines_bench.MARKS


def test_each_takes_the_others_machines_in(kvm_hosts: tuple[KvmHost, KvmHost]) -> None:
    with two_sites(*kvm_hosts) as sites:
        sites.work()
        there, back = Guest(sites.north.host, "there"), Guest(sites.south.host, "back")
        try:
            there.start()
            back.start()

            sites.north.run(
                "replication", "enable", "there", "--to", "south", "--app-every", "never"
            )
            sites.south.run(
                "replication", "enable", "back", "--to", "north", "--app-every", "never"
            )

            for site, guest in ((sites.south, there), (sites.north, back)):
                facts = site.facts(guest.uuid)
                assert facts is not None
                assert facts.points
        finally:
            there.remove()
            back.remove()
