"""A guest of one host that another one follows, and that counts on its disk; it may move by commands."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Working
from holdfast.testing.two_sites import Station, TwoSites, two_sites

WITHIN = 180.0
LIVE = ("--planned", "--live", "--json")
ENABLE = ("--to", "south", "--every", "15m", "--app-every", "never")
# A line a few times a second, each of which is on the disk before the next one.
COUNTING = """
(i=0; while true; do i=$((i+1)); echo $i >>/b/count; sync; sleep 0.2; done) >/dev/null 2>&1 &
"""


@pytest.fixture(scope="module")
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as sites:
        sites.work()
        yield sites


@contextlib.contextmanager
def replicated_guest(sites: TwoSites, name: str, *options: str) -> Iterator[Guest]:
    """Nothing of it is left on either host, wherever it runs in the end."""
    guest = Guest(sites.north.host, name)
    try:
        guest.start()
        sites.north.run("replication", "enable", guest.name, *ENABLE, *options)
        guest.run("echo kept >/a/note; sync" + COUNTING)
        yield guest
    finally:
        sites.work()
        if is_on(sites.south, guest.uuid):
            guest.at(sites.south.host).pull_the_plug()
        sites.north.run("replication", "disable", guest.name, status=None)
        guest.remove()


def record(station: Station, uuid: str) -> RecoveryRecord:
    found = RecordFolder(str(station.home), uuid).load()
    assert found is not None
    return found


def is_on(station: Station, uuid: str) -> bool:
    with station.host.connected() as connection:
        domains = connection.listAllDomains()
        return uuid in [domain.UUIDString() for domain in domains if domain.isActive()]


def boot_of(guest: Guest) -> str:
    return guest.run("cat /proc/sys/kernel/random/boot_id").strip()


def counted(guest: Guest) -> list[int]:
    return [int(line) for line in guest.run("cat /b/count").split()]


def layers_of(guest: Guest) -> list[Path]:
    return sorted(guest.folder.glob("*.holdfast-*"))


def begun(sites: TwoSites, guest: Guest) -> Working:
    return sites.south.side.start("failover", guest.name, *LIVE)


def is_leaving(guest: Guest, moving: Working) -> bool:
    """Its memory is on its way; or it is over already."""
    if not moving.is_at_work:
        return True
    libvirt = pytest.importorskip("libvirt")
    with contextlib.suppress(libvirt.libvirtError), guest.domain() as domain:
        stats = domain.jobStats()
        return int(stats.get("memory_processed", 0)) > 0 and bool(stats.get("type"))
    return False
