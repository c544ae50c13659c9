"""A machine runs at two hosts after a failover that was forced: guests, by commands as typed.

Neither is ended, both hosts say so, nothing of the one is merged into the other, and whichever a
person says is right, one command goes on from there.
"""

from functools import partial

import pytest

from holdfast.recovery.record import RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.guests import Guest
from holdfast.testing.two_sites import Station, TwoSites
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.moving_bench import WITHIN, boot_of, is_on, record, replicated_guest, sites

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
__all__ = ["sites"]
GONE = ("--unplanned", "--source-is-down")
NOTE = "cat /a/side 2>/dev/null || true"


def test_started_by_hand_at_a_source_that_came_back_it_is_compared_and_not_merged(
    sites: TwoSites,
) -> None:
    north, south = sites.north, sites.south
    with replicated_guest(sites, "twice") as guest:
        north.kill()
        guest.pull_the_plug()
        south.run("failover", guest.name, *GONE)
        there = guest.at(south.host)
        wait_until(there.answers, within=WITHIN)
        there.run("echo of the site >/a/side; sync")
        # The host is back and a person is quicker than what would have barred it.
        north.host.run("virsh", "start", guest.name)
        wait_until(guest.answers, within=WITHIN)
        guest.run("echo of home >/a/side; dd if=/dev/urandom of=/b/big bs=64k count=16; sync")
        boots = boot_of(guest), boot_of(there)
        sites.work()

        _assert_both_say_so(sites, guest)
        assert (boot_of(guest), boot_of(there)) == boots
        refused = south.run("reprotect", guest.name, status=30)
        assert "way-back-runs-at-home" in refused.err
        assert (guest.run(NOTE), there.run(NOTE)) == ("of home\n", "of the site\n")

        # A person decides for the one at the site.
        guest.pull_the_plug()
        wait_until(partial(_is_barred, north, guest), within=WITHIN)
        with pytest.raises(RuntimeError, match="runs-elsewhere"):
            north.host.run("virsh", "start", guest.name)
        done = south.run("reprotect", guest.name, "--json").event("recovery-done")
        north.run("failback", guest.name, "--force", "--shutdown-within", "30s")

        # All of it was looked at, for nobody knew what of it is the same.
        assert done["figures"]["compared_disks"] == len(guest.targets)
        wait_until(guest.answers, within=WITHIN)
        assert guest.run(NOTE) == "of the site\n"
        assert guest.run("ls /b") == "lost+found\n"
        assert not is_on(south, guest.uuid)


def test_cut_off_and_never_dead_it_goes_on_at_home_and_what_the_site_did_is_dropped(
    sites: TwoSites,
) -> None:
    north, south = sites.north, sites.south
    with replicated_guest(sites, "cut-off", "--every", "30s") as guest:
        boot = boot_of(guest)
        north.kill()
        south.run("failover", guest.name, *GONE)
        there = guest.at(south.host)
        wait_until(there.answers, within=WITHIN)
        there.run("echo of the site >/a/side; sync")
        guest.run("echo of home >/a/side; sync")
        sites.work()

        _assert_both_say_so(sites, guest)
        # A person decides for the one at home, and undoes what should not have been.
        south.run("failover", "undo", guest.name, "--discard-changes")

        wait_until(lambda: record(south, guest.uuid).stage is Stage.PROTECTED, within=WITHIN)
        assert not is_on(south, guest.uuid)
        assert (boot_of(guest), guest.run(NOTE)) == (boot, "of home\n")
        before = _points(south, guest)
        # What was shipped before it was taken away is the beginning of what is shipped now.
        wait_until(lambda: _points(south, guest)[-1] not in before, within=WITHIN)
        assert guest.run(NOTE) == "of home\n"


def _assert_both_say_so(sites: TwoSites, guest: Guest) -> None:
    for station in (sites.north, sites.south):
        wait_until(partial(_tells_of_it, station, guest), within=WITHIN)
    wait_until(partial(_is_alarmed, sites.north, guest), within=WITHIN)
    shown = sites.south.run("failover", "status", guest.name, status=None)
    for command in ("reprotect", "failover undo"):
        assert f"holdfast {command} {guest.name}" in shown.out, shown.out
    assert guest.is_running()
    assert is_on(sites.south, guest.uuid)


def _is_alarmed(station: Station, guest: Guest) -> bool:
    said = station.run("replication", "status", guest.name, "--json", status=None)
    return "split-brain" in said.out


def _tells_of_it(station: Station, guest: Guest) -> bool:
    known = _known(station, guest)
    return known is not None and "split-brain" in [event.what for event in known.events]


def _is_barred(station: Station, guest: Guest) -> bool:
    known = _known(station, guest)
    return known is not None and known.fence is not None


def _known(station: Station, guest: Guest) -> RecoveryRecord | None:
    """A source that was away has heard of nothing for a while."""
    return RecordFolder(str(station.home), guest.uuid).load()


def _points(station: Station, guest: Guest) -> list[str]:
    facts = station.facts(guest.uuid)
    return [point.generation for point in facts.points] if facts else []
