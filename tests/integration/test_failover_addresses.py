"""A guest with a static address has one of the site while it is there, and its own at home again."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.recovery.record import Promoted
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
WITHIN = 240.0
HOME_GATEWAY, HOME_ADDRESS = "192.0.2.1", "192.0.2.7/24"
GATEWAY, ADDRESS, TESTED = "198.51.100.1", "198.51.100.7/24", "203.0.113.77/24"
NETWORKS = "192.0.2.0/24=198.51.100.0/24"
PLANNED = "203.0.113.78/24"
PLAN = f"""\
name: roam
groups:
  - name: one
    machines:
      - vm: {{vm}}
        test:
          networks: {{{{homelan: testlan}}}}
          addresses: {{{{homelan: {PLANNED}}}}}
          checks: ['{{check}}']
"""
# As three programs keep it, each readable for its owner alone.
FILES = {
    "/a/etc/network/interfaces": f"iface eth0 inet static\\n  address {HOME_ADDRESS}\\n",
    "/a/etc/netplan/50-static.yaml": "network: {ethernets: {eth0: {addresses: [192.0.2.7/24]}}}",
    "/a/etc/NetworkManager/system-connections/wired.nmconnection": "[ipv4]\\nmethod=manual\\n",
}
# What a guest does with them when it starts.
START = f"""#!/bin/sh
ip addr add $(awk '/address/ {{print $2}}' /a/etc/network/interfaces) dev eth0
ip link set eth0 up
ip route add default via {HOME_GATEWAY}
echo nameserver {HOME_GATEWAY} >/etc/resolv.conf
"""
SEEN = "find /a/etc -type f -exec stat -c '%n %a %u' {} +; find /a/etc -type f -exec md5sum {} +"
ADDRESSES = "ip -o -4 addr show dev eth0 | awk '{print $4}'"
ROUTE = "ip -4 route show default | awk '{print $3}'"
RESOLVER = "awk '/nameserver/ {print $2}' /etc/resolv.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Travelling:
    sites: TwoSites
    guest: Guest
    # What its files were before anybody touched it.
    files: str

    @property
    def away(self) -> Guest:
        return self.guest.at(self.sites.south.host)


@contextlib.contextmanager
def network(kvm: KvmHost, name: str, gateway: str = "") -> Iterator[None]:
    """With an address of the host's on it, or one that nothing leads out of."""
    (kvm.folder / "state" / "dnsmasq").mkdir(exist_ok=True)
    way = "<forward mode='open'/>" if gateway else ""
    address = f"<ip address='{gateway}' netmask='255.255.255.0'/>" if gateway else ""
    with kvm.connected() as connection:
        made = connection.networkCreateXML(
            f"<network><name>{name}</name>{way}<bridge name='hf-{name}'/>"
            f"<dns enable='no'/>{address}</network>"
        )
        try:
            yield
        finally:
            made.destroy()


@pytest.fixture(scope="module")
def travelling(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Travelling]:
    """It runs in the north, on a network of its own, and its replica is in the south."""
    north, south = kvm_hosts
    with contextlib.ExitStack() as stack:
        sites = stack.enter_context(two_sites(*kvm_hosts))
        for kvm, name, gateway in (
            (north, "homelan", HOME_GATEWAY),
            (south, "drlan", GATEWAY),
            (south, "testlan", ""),
        ):
            stack.enter_context(network(kvm, name, gateway))
        guest = Guest(north, "roamer", Recipe(disk_size=50 << 20))
        stack.callback(guest.remove)
        stack.callback(_forget, sites.south, guest)
        _connect(guest, "homelan")
        guest.start()
        _furnish(guest)
        sites.work()
        words = ("--to", "south", "--every", "30s", "--app-every", "never")
        sites.north.run("replication", "enable", guest.name, *words)
        rule = f"{NETWORKS},dns={GATEWAY}"
        sites.south.run("failover", "networks", "--set", "homelan=drlan", "--address", rule)
        yield Travelling(sites=sites, guest=guest, files=guest.run(SEEN))


def _connect(guest: Guest, name: str) -> None:
    with guest.domain() as domain, guest.host.connected() as connection:
        xml = domain.XMLDesc(0)
        changed = xml.replace(
            "<interface type='user'>", f"<interface type='network'><source network='{name}'/>"
        )
        assert changed != xml
        connection.defineXML(changed)


def _furnish(guest: Guest) -> None:
    for path, content in FILES.items():
        guest.run(f"mkdir -p {Path(path).parent}; printf '{content}' >{path}; chmod 600 {path}")
    guest.run(f"cat >/a/etc/start <<'END'\n{START}END\nchmod 700 /a/etc/start; sync")
    guest.run("/a/etc/start")
    wait_until(lambda: reaches(guest, HOME_GATEWAY), within=WITHIN)


def _forget(station: Station, guest: Guest) -> None:
    import libvirt

    flags = libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    with contextlib.suppress(libvirt.libvirtError), station.host.connected() as connection:
        domain = connection.lookupByUUIDString(guest.uuid)
        with contextlib.suppress(libvirt.libvirtError):
            domain.destroy()
        domain.undefineFlags(flags)


def reaches(guest: Guest, address: str) -> bool:
    said = guest.run(f"ping -c1 -W2 {address} >/dev/null && echo yes || echo no")
    return said.strip() == "yes"


def start_anew(station: Station, guest: Guest) -> None:
    """As somebody at the site might; its files give it its own address again."""
    station.host.run("virsh", "destroy", guest.name)
    station.host.run("virsh", "start", guest.name)
    wait_until(guest.answers, within=WITHIN)


def promoted_of(station: Station, guest: Guest) -> Promoted:
    record = RecordFolder(str(station.home), guest.uuid).load()
    assert record is not None
    assert record.promoted is not None
    return record.promoted


def test_a_test_machine_has_the_address_that_is_set_for_tests(travelling: Travelling) -> None:
    south, name = travelling.sites.south, travelling.guest.name
    rule = f"{name}/homelan={TESTED}"
    south.run("failover", "networks", "--test", "--set", "homelan=testlan", "--address", rule)
    check = f'guest:test "$({ADDRESSES})" = {TESTED}'

    said = south.run("failover", name, "--test", "--check", check, "--json")

    assert said.event("test-failover")["state"] == "success"
    assert travelling.guest.run(ADDRESSES).split() == [HOME_ADDRESS]


def test_a_plan_says_addresses_for_its_own_runs(travelling: Travelling) -> None:
    south, name = travelling.sites.south, travelling.guest.name
    file = south.side.folder / "roam.yaml"
    check = f'guest:test "$({ADDRESSES})" = {PLANNED}'.replace("'", "''")
    file.write_text(PLAN.format(vm=name, check=check))
    south.run("plan", "apply", file)

    looked = south.run("plan", "run", "roam", "--test", "--dry-run", "--json")
    said = south.run("plan", "run", "roam", "--test", "--json")

    assert looked.event("plan-machine")["addresses"] == [f"homelan={PLANNED}"]
    assert said.event("plan-run")["outcome"] == "succeeded"
    assert travelling.guest.run(ADDRESSES).split() == [HOME_ADDRESS]


def test_it_answers_at_the_sites_address_there_and_at_its_own_at_home(
    travelling: Travelling,
) -> None:
    sites, guest, away = travelling.sites, travelling.guest, travelling.away
    north, south = sites.north, sites.south

    said = sites.south.run("failover", guest.name, "--planned", "--json")

    assert said.event("recovery-done")["warnings"] == []
    assert away.run(ADDRESSES).split() == [ADDRESS]
    assert (away.run(ROUTE).strip(), away.run(RESOLVER).strip()) == (GATEWAY, GATEWAY)
    wait_until(lambda: reaches(away, GATEWAY), within=WITHIN)
    assert away.run(SEEN) == travelling.files
    assert [each.new for each in promoted_of(south, guest).addresses] == [ADDRESS]
    assert ADDRESS in south.run("failover", "status", guest.name).out
    start_anew(south, away)
    wait_until(lambda: away.run(ADDRESSES).split() == [ADDRESS], within=WITHIN)
    south.run("reprotect", guest.name)
    north.run("failback", guest.name)
    assert guest.run(ADDRESSES).split() == [HOME_ADDRESS]
    wait_until(lambda: reaches(guest, HOME_GATEWAY), within=WITHIN)
    assert guest.run(RESOLVER).strip() == HOME_GATEWAY
    assert guest.run(SEEN) == travelling.files
