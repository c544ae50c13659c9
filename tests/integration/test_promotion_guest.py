"""A real guest goes to the other host and comes back: its address, its card and its files stay."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.domains import find_by_uuid
from holdfast.recovery.fencing import bar
from holdfast.recovery.promoting import (
    Place,
    PromotionWish,
    end,
    plan_promotion,
    promote,
)
from holdfast.recovery.promotion_preflight import require_promotable
from holdfast.recovery.record import Promoted
from holdfast.replication.site import Site
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicating import CLOCK, Replicating
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
PATIENCE = 240.0
GATEWAY, ADDRESS = "192.0.2.1", "192.0.2.7/24"
# As three programs keep it, each readable for its owner alone.
FILES = {
    "/a/etc/network/interfaces": f"auto eth0\\niface eth0 inet static\\n  address {ADDRESS}\\n",
    "/a/etc/netplan/50-static.yaml": "network: {ethernets: {eth0: {addresses: [192.0.2.7/24]}}}",
    "/a/etc/NetworkManager/system-connections/wired.nmconnection": "[ipv4]\\nmethod=manual\\n",
}
CONFIGURE = """ip addr flush dev eth0
ip addr add $(awk '/address/ {print $2}' /a/etc/network/interfaces) dev eth0
ip link set eth0 up"""
SEEN = "cat /sys/class/net/eth0/address; find /a/etc -type f -exec stat -c '%n %a %u' {} +"
SEEN += "; find /a/etc -type f -exec md5sum {} +"


class Moved(Guest):
    """The same guest at another host: its disks and its definition come by promotion."""

    def __post_init__(self) -> None:
        pass


@contextlib.contextmanager
def network(kvm: KvmHost, name: str) -> Iterator[None]:
    """With an address of the host's on it, and no other service."""
    # Where libvirt notes who is on it, service or not.
    (kvm.folder / "state" / "dnsmasq").mkdir(exist_ok=True)
    with kvm.connected() as connection:
        made = connection.networkCreateXML(
            f"<network><name>{name}</name><forward mode='open'/><bridge name='hf-{name}'/>"
            f"<dns enable='no'/><ip address='{GATEWAY}' netmask='255.255.255.0'/></network>"
        )
        try:
            yield
        finally:
            made.destroy()


@pytest.fixture
def guest(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Guest]:
    """On the network prod of the first host, with a static address in its files."""
    north, _south = kvm_hosts
    guest = Guest(north, "static", Recipe(disk_size=50 << 20))
    with network(north, "prod"):
        with guest.domain() as domain, north.connected() as connection:
            xml = domain.XMLDesc(0)
            changed = xml.replace(
                "<interface type='user'>", "<interface type='network'><source network='prod'/>"
            )
            assert changed != xml
            connection.defineXML(changed)
        try:
            guest.start()
            write_files(guest)
            yield guest
        finally:
            guest.remove()


def write_files(guest: Guest) -> None:
    for path, content in FILES.items():
        guest.run(
            f"mkdir -p {Path(path).parent}; printf '{content}' >{path}; chmod 600 {path}; sync"
        )


def reaches_its_gateway(guest: Guest) -> bool:
    guest.run(CONFIGURE)
    wait_until(lambda: pings(guest), within=PATIENCE)
    return True


def pings(guest: Guest) -> bool:
    return guest.run(f"ping -c1 -W2 {GATEWAY} >/dev/null && echo yes || echo no").strip() == "yes"


def replicated(machine: Host, uuid: str, root: Path, scratch: Path) -> tuple[Site, str]:
    """A site with all of it, as it is now."""
    site = Site(root / "replicas", CLOCK)
    Replicating(machine, uuid, root / "home", scratch, site, slice_bytes=64 << 20).point()
    facts = site.state(uuid)
    assert facts is not None
    return site, facts.head


def promoted(place: Place, guest: Guest, wish: PromotionWish) -> Promoted:
    plan = plan_promotion(place, guest.uuid, wish)
    require_promotable(place, plan)
    done = promote(place, plan)
    wait_until(guest.answers, within=PATIENCE)
    return done


def test_a_static_address_survives_the_way_there_and_back(
    guest: Guest, kvm_hosts: tuple[KvmHost, KvmHost], tmp_path: Path
) -> None:
    north, south = kvm_hosts
    there = Moved(south, guest.name, uuid=guest.uuid)
    before = guest.run(SEEN)
    assert reaches_its_gateway(guest)
    folders = [host.folder / f"{tmp_path.name}-replica" for host in kvm_hosts]
    with (
        Host.open(north.uri) as one,
        Host.open(south.uri) as other,
        network(south, "dr"),
    ):
        home = find_by_uuid(one, guest.uuid)
        guest.shut_down()
        site, head = replicated(one, guest.uuid, folders[1], north.folder / "s1")
        fence = bar(home, CLOCK, act="out", epoch=1)
        away = Place(host=other, site=site, clock=CLOCK)
        wish = PromotionWish(
            act="out", generation=head, kept_networks={"prod": NetworkPlace(name="dr")}
        )

        out = promoted(away, there, wish)

        assert there.run(SEEN) == before
        assert reaches_its_gateway(there)
        there.run("echo written away >/a/note; sync")
        there.shut_down()
        site, head = replicated(other, guest.uuid, folders[0], south.folder / "s2")
        back = Place(host=one, site=site, clock=CLOCK)
        wish = PromotionWish(act="back", generation=head, original=fence.definition)

        done = promoted(back, guest, wish)

        assert guest.run(SEEN) == before
        assert guest.run("cat /a/note") == "written away\n"
        assert reaches_its_gateway(guest)
        (nic,) = home.spec().nics
        assert nic.source == "prod"
        end(back, guest.uuid, done)
        end(away, guest.uuid, out)
    for folder in folders:
        shutil.rmtree(folder)
