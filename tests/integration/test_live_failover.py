"""A machine that moves to its site while it runs, by commands: all of it arrives, or it stays."""

import re
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from holdfast.recovery.record import Promoted
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Working
from holdfast.testing.two_sites import Station, TwoSites
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.moving_bench import (
    LIVE,
    WITHIN,
    begun,
    boot_of,
    counted,
    is_leaving,
    is_on,
    layers_of,
    record,
    replicated_guest,
    sites,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = machines_bench.MARKS
__all__ = ["sites"]


def test_it_goes_on_at_the_site_and_comes_home_without_a_stop(sites: TwoSites) -> None:
    north, south = sites.north, sites.south
    with replicated_guest(sites, "mover") as guest:
        boot = boot_of(guest)
        moving = begun(sites, guest)
        ports: set[int] = set()
        while moving.is_at_work:
            ports |= listening(north.host) | listening(south.host)

        assert moving.process.wait(WITHIN) == 0, moving.log.read_text()
        there = guest.at(south.host)
        assert_the_same(there, boot)
        # Nothing of libvirt's or QEMU's could be reached from outside.
        assert ports == {9443}
        promoted = assert_recorded(south, there)
        # At home it cannot be started, and its images are the point.
        assert not guest.is_running()
        assert_home_is_the_point(north, guest, promoted)
        assert not (south.home / "recovery" / guest.uuid / "doors.json").exists()

        done = south.run("reprotect", guest.name, "--json").event("recovery-done")
        # Its old home had written nothing that is not here.
        assert done["figures"]["compared_disks"] == 0
        assert done["figures"]["copied_bytes"] < guest.recipe.disk_size / 4
        north.run("failback", guest.name, "--live")

        assert_the_same(guest, boot)
        assert not is_on(south, guest.uuid)
        with guest.domain() as domain:
            described = domain.XMLDesc()
        assert all(f"'{guest.disk(target)}'" in described for target in guest.targets)
        for station in (north, south):
            assert "split-brain" not in [each.what for each in record(station, guest.uuid).events]


def assert_the_same(guest: Guest, boot: str) -> None:
    """Not one that was started again, and it has missed nothing."""
    wait_until(guest.answers, within=WITHIN)
    assert boot_of(guest) == boot, guest.run("cat /proc/uptime; dmesg | tail -n 50")
    assert guest.run("cat /a/note") == "kept\n"
    lines = counted(guest)
    assert lines == list(range(1, len(lines) + 1))


def assert_recorded(south: Station, there: Guest) -> Promoted:
    """All that it writes is recorded since the point it came by, and nothing else is."""
    promoted = record(south, there.uuid).promoted
    assert promoted is not None
    with there.domain() as domain:
        known = [checkpoint.getName() for checkpoint in domain.listAllCheckpoints()]
    assert known == [promoted.checkpoint]
    (event,) = [one for one in record(south, there.uuid).events if one.what == "planned-live"]
    assert 0 < event.figures["disk_bytes"] < there.recipe.disk_size
    assert event.figures["stood_ms"] > 0
    return promoted


def assert_home_is_the_point(north: Station, guest: Guest, promoted: Promoted) -> None:
    """Barred, and with nothing that is not at the site."""
    wait_until(lambda: not layers_of(guest), within=WITHIN)
    assert record(north, guest.uuid).fence is not None
    for disk in promoted.disks:
        words = ["qemu-img", "compare", "-U", str(guest.disk(disk.target)), disk.below]
        subprocess.run(words, check=True, capture_output=True)


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

        assert not guest.is_running()
        assert_the_same(guest.at(south.host), boot)
        # Whatever was put back before, no change of it was missed.
        promoted = record(south, guest.uuid).promoted
        assert promoted is not None
        assert_home_is_the_point(north, guest, promoted)


def kill(working: Working | None) -> None:
    assert working is not None
    working.kill()
