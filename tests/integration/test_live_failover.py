"""A machine that moves to its site while it runs, by commands: all of it arrives, or it stays."""

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Working
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
WITHIN = 180.0
ENABLE = ("--to", "south", "--every", "15m", "--app-every", "never")
LIVE = ("--planned", "--live", "--json")
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


def test_it_goes_on_at_the_site_and_its_home_is_the_point_it_left_by(sites: TwoSites) -> None:
    north, south = sites.north, sites.south
    with replicated_guest(sites, "mover") as guest:
        boot = boot_of(guest)

        done = south.run("failover", guest.name, *LIVE).event("recovery-done")

        # The same machine, which has missed nothing.
        there = guest.at(south.host)
        wait_until(there.answers, within=WITHIN)
        assert boot_of(there) == boot
        assert there.run("cat /a/note") == "kept\n"
        lines = counted(there)
        assert lines == list(range(1, len(lines) + 1))
        # All that it writes there is recorded since that point.
        promoted = record(south, guest.uuid).promoted
        assert promoted is not None
        assert promoted.generation == done["generation"]
        with there.domain() as domain:
            known = [checkpoint.getName() for checkpoint in domain.listAllCheckpoints()]
        assert known == [promoted.checkpoint]
        # Less than its disks and its memory, by far: what had changed last, and what is in use.
        assert 0 < done["figures"]["disk_bytes"] < guest.recipe.disk_size
        assert done["figures"]["stood_ms"] > 0
        # At home it cannot be started, and its images are the point.
        assert not guest.is_running()
        wait_until(lambda: not layers_of(guest), within=WITHIN)
        assert record(north, guest.uuid).fence is not None
        for disk in promoted.disks:
            words = ["qemu-img", "compare", "-U", str(guest.disk(disk.target)), disk.below]
            subprocess.run(words, check=True, capture_output=True)
        assert not (south.home / "recovery" / guest.uuid / "doors.json").exists()


def test_no_port_is_opened_but_that_of_the_site(sites: TwoSites) -> None:
    with replicated_guest(sites, "hidden", "--limit", "64mbit") as guest:
        moving = begun(sites, guest)
        seen: set[int] = set()
        while moving.is_at_work:
            for host in (sites.north.host, sites.south.host):
                seen |= listening(host)

        assert moving.process.wait(WITHIN) == 0
        assert is_on(sites.south, guest.uuid)
        assert seen == {9443}


def listening(host: KvmHost) -> set[int]:
    """Ports of TCP on which anything of a host listens."""
    rows = host.run("cat", "/proc/net/tcp", "/proc/net/tcp6")
    found = re.findall(r"^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A ", rows, re.MULTILINE)
    return {int(port, 16) for port in found}


def test_whatever_is_killed_on_the_way_it_runs_once_and_the_same_command_goes_on(
    sites: TwoSites,
) -> None:
    """Slow enough that most of them hit it on its way; the others find it there already."""
    north, south = sites.north, sites.south
    kills: list[Callable[[Working], None]] = [
        lambda _moving: kill(north.running),
        lambda _moving: kill(south.serving),
        lambda _moving: north.host.restart(),
        lambda _moving: south.host.restart(),
        lambda moving: moving.kill(),
    ]
    with replicated_guest(sites, "hunted", "--limit", "64mbit") as guest:
        boot = boot_of(guest)
        for each in kills:
            moving = begun(sites, guest)
            wait_until(partial(is_leaving, guest, moving), within=WITHIN)
            each(moving)
            # Whatever was killed is started again, as by its service manager.
            sites.work()
            moving.process.wait(WITHIN)
            if is_on(south, guest.uuid):
                break
            wait_until(lambda: not layers_of(guest), within=WITHIN)
            wait_until(guest.answers, within=WITHIN)
            assert boot_of(guest) == boot

        for _try in range(3):
            if south.run("failover", guest.name, *LIVE, status=None).status == 0:
                break

        there = guest.at(south.host)
        wait_until(there.answers, within=WITHIN)
        assert not guest.is_running()
        assert boot_of(there) == boot
        lines = counted(there)
        assert lines == list(range(1, len(lines) + 1))


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


def kill(working: Working | None) -> None:
    assert working is not None
    working.kill()
