"""There and back again, by commands: what ran elsewhere comes home as it was, with all it did.

Whatever keeps it from coming back is told with what helps, and that does help.
"""

import copy
import itertools
import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from holdfast.base.errors import Exit
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.desk import tidings_of
from holdfast.recovery.source_silence import Listening, Silence, judge_silence
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Said
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.both_languages import refused_in_both

pytestmark = machines_bench.MARKS
FIRST, SECOND = "vda", "sda"
SIZES = {FIRST: 12 * MIB, SECOND: 4 * MIB}
NEVER = ("--every", "15m", "--app-every", "never")
WITHIN = 180.0
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as made:
        made.work()
        yield made


@dataclass(slots=True)
class Away:
    """`home` is the machine on its own host, `there` the same where it was failed over to."""

    sites: TwoSites
    home: StillMachine
    there: StillMachine

    @property
    def name(self) -> str:
        return self.home.name

    def at(self, station: Station, *words: str, status: int | None = 0) -> Said:
        return station.run(words[0], self.name, *words[1:], "--json", status=status)

    def reprotect(self, status: int | None = 0) -> Said:
        return self.at(self.sites.south, "reprotect", status=status)

    def fail_back(self, status: int | None = 0) -> Said:
        return self.at(
            self.sites.north, "failback", "--force", "--shutdown-within", "1s", status=status
        )

    def in_the_way(self, act: str = "reprotect") -> list[str]:
        """Of the act, as a look before it has found."""
        words = ("failover", "check", self.name, "--act", act, "--json")
        site = self.sites.south if act == "reprotect" else self.sites.north
        seen = site.run(*words, status=None).event("recovery-preflight")
        return [each["code"] for each in seen["problems"]]

    def diagnosed(self) -> list[str]:
        """By the doctor, where nothing has failed yet."""
        return diagnosed(self.sites.south)

    def refused(self, command: str = "reprotect") -> str:
        """The code of the refusal, which is shown in both languages."""
        south = command == "reprotect"
        return refused_in_both(self.sites.south if south else self.sites.north, command, self.name)

    def is_home(self) -> bool:
        """On its own images, with all that it ever did."""
        self.home.stop()
        return all(
            self.home.image(target)[0] == self.home.disks[target].path
            and self.home.read(target) == bytes(self.there.disks[target].content)
            for target in SIZES
        )


def diagnosed(site: Station, symptom: str = "recovery.reprotect") -> list[str]:
    said = site.run("doctor", symptom, "--json", status=None)
    found = [each["cause"] for each in json.loads(said.out)["findings"]]
    # Whatever else is wrong with the host the tests run on.
    return [cause for cause in found if cause.startswith("recovery.")]


@contextmanager
def failed_over(sites: TwoSites) -> Iterator[Away]:
    with (
        Host.open(sites.north.host.uri) as here,
        Host.open(sites.south.host.uri) as beyond,
    ):
        home = StillMachine(sites.north.host, here, f"away{next(_numbers)}", SIZES)
        away: Away | None = None
        try:
            for target, size in SIZES.items():
                home.write(target, 0, bytes(range(1, 255)) * (size // 2 // 254))
            sites.north.run("replication", "enable", home.name, "--to", "south", *NEVER)
            sites.south.run("failover", home.name, "--planned", "--json")
            there = copy.copy(home)
            there.host, there.hypervisor = sites.south.host, beyond
            there.folder.mkdir(exist_ok=True)
            there.disks = {target: copy.copy(disk) for target, disk in home.disks.items()}
            for target in SIZES:
                there.disks[target].content = bytearray(home.disks[target].content)
            away = Away(sites, home, there)
            there.write(FIRST, 9 * MIB, b"written there" * 1000)
            yield away
        finally:
            sites.work()
            for one in (home, away.there) if away is not None else (home,):
                with one.host.connected() as connection:
                    _gone(connection, home.uuid)
            shutil.rmtree(home.folder, ignore_errors=True)
            shutil.rmtree(sites.south.host.images / home.name, ignore_errors=True)
            for station in (sites.north, sites.south):
                station.forget(home.uuid)


def _gone(connection: object, uuid: str) -> None:
    import libvirt

    for domain in connection.listAllDomains():  # type: ignore[attr-defined]
        if domain.UUIDString() == uuid:
            if domain.isActive():
                domain.destroy()
            domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)


@pytest.fixture
def away(sites: TwoSites) -> Iterator[Away]:
    with failed_over(sites) as made:
        yield made


def facts_of(station: Station, uuid: str) -> ReplicaFacts:
    found = station.facts(uuid)
    assert found is not None
    return found


def test_it_goes_back_and_is_protected_again_each_time_by_what_differs_alone(away: Away) -> None:
    points = facts_of(away.sites.south, away.home.uuid).points

    back = away.reprotect().event("recovery-done")
    away.there.write(SECOND, MIB, b"and protected there" * 100)
    home = away.fail_back().event("recovery-done")
    again = away.at(away.sites.north, "reprotect").event("recovery-done")

    assert [one["stage"] for one in (back, home, again)] == [
        "protected-in-reverse",
        "committed",
        "protected",
    ]
    for done in (back, again):
        assert done["figures"]["compared_disks"] == 0
        assert done["figures"]["copied_bytes"] <= 1.5 * done["figures"]["suspect_bytes"]
    assert back["figures"]["copied_bytes"] > 0
    replica = facts_of(away.sites.south, away.home.uuid)
    assert {one.generation for one in points} <= {one.generation for one in replica.points}
    assert away.sites.north.facts(away.home.uuid) is None
    assert away.is_home()


def test_both_hosts_are_killed_in_the_middle_and_it_goes_on(away: Away) -> None:
    south, north = away.sites.south, away.sites.north
    begun = south.side.start("reprotect", away.name, "--json")
    wait_until(lambda: '"adopt","state":"running"' in begun.log.read_text())
    for working in (begun, south, north):
        working.kill()
    away.sites.work()

    away.reprotect()
    coming = north.side.start("failback", away.name, "--force", "--shutdown-within", "1s", "--json")
    wait_until(lambda: '"step":"settle"' in coming.log.read_text(), within=WITHIN)
    for working in (coming, south, north):
        working.kill()
    away.sites.work()
    done = away.fail_back().event("recovery-done")

    assert done["stage"] == "committed"
    assert away.is_home()


def test_a_home_that_cannot_be_reached_and_a_machine_that_is_off_are_told_of(away: Away) -> None:
    north = away.sites.north
    assert north.serving is not None

    well = away.in_the_way(), away.diagnosed()
    north.serving.kill()
    looked = away.in_the_way(), away.diagnosed()
    unreached, told = away.reprotect(status=None).event("error"), away.refused()
    north.serve()
    away.there.stop()
    looked_off = away.in_the_way(), away.diagnosed()
    is_off, told_off = away.reprotect(status=None).event("error"), away.refused()
    away.there.start()
    done = away.reprotect().event("recovery-done")

    assert well == ([], [])
    assert looked == (["way-back-home-unreachable"], ["recovery.home-unreachable"])
    assert looked_off == (["way-back-machine-not-running"], ["recovery.not-running"])
    assert unreached["code"] == told == "way-back-home-unreachable"
    assert unreached["source_codes"] == ["95226"]
    assert is_off["code"] == told_off == "way-back-machine-not-running"
    assert is_off["source_codes"] == ["78093"]
    assert done["stage"] == "protected-in-reverse"


def test_one_that_was_moved_away_comes_back_and_a_new_name_is_no_obstacle(away: Away) -> None:
    away.there.stop()
    with away.there.host.connected() as connection:
        domain = connection.lookupByUUIDString(away.home.uuid)
        xml = domain.XMLDesc(0)
        _gone(connection, away.home.uuid)
        looked = away.in_the_way(), away.diagnosed()
        moved, told = away.reprotect(status=None).event("error"), away.refused()
        connection.defineXML(xml)
        connection.lookupByUUIDString(away.home.uuid).rename(f"{away.name}-anew", 0)
    away.there.start()
    done = away.reprotect().event("recovery-done")

    assert looked == (["way-back-machine-moved"], ["recovery.moved"])
    assert moved["code"] == told == "way-back-machine-moved"
    assert moved["exit_status"] == Exit.DECIDE
    assert done["stage"] == "protected-in-reverse"


def test_a_replica_that_was_deleted_at_home_is_made_anew(away: Away) -> None:
    north = away.sites.north
    away.reprotect()
    away.sites.south.rest()
    # There is one of another machine, so the disk of the site is there.
    replica, beside = north.replicas / away.home.uuid, north.replicas / str(uuid.uuid4())
    beside.mkdir()
    facts = (replica / "replica.json").read_text()
    facts = facts.replace(replica.name, beside.name).replace(away.name, "beside")
    (beside / "replica.json").write_text(facts)
    shutil.rmtree(replica)

    looked = away.in_the_way("failback"), diagnosed(north, "recovery.failback")
    deleted, told = away.fail_back(status=None).event("error"), away.refused("failback")
    shutil.rmtree(beside)
    away.sites.south.work()
    away.reprotect()
    done = away.fail_back().event("recovery-done")

    assert looked[0] == ["way-back-replica-deleted"]
    assert "recovery.replica-deleted" in looked[1]
    assert deleted["code"] == told == "way-back-replica-deleted"
    assert done["stage"] == "committed"
    assert away.is_home()


def test_one_that_was_deleted_there_is_given_back_to_its_home(away: Away) -> None:
    record = away.sites.south.home / "recovery" / away.home.uuid / "record.json"
    away.there.stop()
    with away.there.host.connected() as connection:
        _gone(connection, away.home.uuid)
    shutil.rmtree(away.sites.south.replicas / away.home.uuid / "running")

    looked = away.in_the_way(), away.diagnosed()
    deleted, told = away.reprotect(status=None).event("error"), away.refused()
    away.sites.south.run("failover", "undo", away.name, "--discard-changes")

    assert looked == (["way-back-machine-deleted"], ["recovery.replica-deleted"])
    assert deleted["code"] == told == "way-back-machine-deleted"
    assert record.exists()
    wait_until(lambda: not _is_fenced(away), within=WITHIN)


def _is_fenced(away: Away) -> bool:
    with away.home.host.connected() as connection:
        xml = connection.lookupByUUIDString(away.home.uuid).XMLDesc(0)
    return ".holdfast-runs-elsewhere" in xml


def test_with_its_protection_switched_off_it_is_replicated_to_its_home_anew(away: Away) -> None:
    north, south = away.sites.north, away.sites.south
    assert north.running is not None
    north.running.kill()
    shutil.rmtree(SourceFolder(str(north.home), away.home.uuid).path)
    north.work()

    looked = away.in_the_way(), away.diagnosed()
    off, told = away.reprotect(status=None).event("error"), away.refused()
    south.run("replication", "enable", away.name, "--to", "north", *NEVER)

    assert looked == (["way-back-protection-off"], ["recovery.protection-off"])
    assert off["code"] == told == "way-back-protection-off"
    assert facts_of(north, away.home.uuid).points


def test_one_that_has_moved_for_good_is_a_machine_of_that_host_like_any_other(away: Away) -> None:
    south = away.sites.south
    south.run("commit", away.name, "--complete-migration", "--yes")

    migrated, told = away.reprotect(status=None).event("error"), away.refused()
    south.run("replication", "enable", away.name, "--to", "north", *NEVER)

    assert migrated["code"] == told == "recovery-migrated"
    assert facts_of(away.sites.north, away.home.uuid).points
    # And it fails over from there like any other, and comes back to the images it has there.
    north, wish = away.sites.north, ("--force", "--shutdown-within", "1s")
    images = [away.there.image(target)[0] for target in SIZES]
    away.at(north, "failover", "--planned", *wish)
    away.at(north, "reprotect")
    away.at(south, "failback", *wish)
    away.there.stop()
    assert [away.there.image(target)[0] for target in SIZES] == images
    for target in SIZES:
        assert away.there.read(target) == bytes(away.there.disks[target].content)


def test_a_machine_that_was_never_failed_over_is_replicated_as_any(sites: TwoSites) -> None:
    with Host.open(sites.south.host.uri) as beyond:
        machine = StillMachine(sites.south.host, beyond, "native", SIZES)
        try:
            refused = refused_in_both(sites.south, "reprotect", "native")
            sites.south.run("replication", "enable", "native", "--to", "north", *NEVER)

            assert refused == "recovery-no-replica-here"
            assert facts_of(sites.north, machine.uuid).points
        finally:
            sites.south.run("replication", "disable", "native", status=None)
            machine.remove()


def test_a_source_that_leaves_its_replica_says_so_and_is_not_taken_for_gone(
    sites: TwoSites,
) -> None:
    south = sites.south
    with Host.open(sites.north.host.uri) as here:
        machine = StillMachine(sites.north.host, here, "leaving", {FIRST: 4 * MIB})
        try:
            machine.start()
            sites.north.run("replication", "enable", "leaving", "--to", "south", *NEVER)

            sites.north.run("replication", "disable", "leaving", "--keep-replica")

            heard = tidings_of(str(south.home), machine.uuid)
            assert heard is not None
            long_ago = msgspec.structs.replace(heard, at=heard.at - timedelta(days=1))
            listening = Listening(heard=long_ago, since=long_ago.at)
            assert judge_silence(listening, heard.at) is Silence.UNKNOWN
        finally:
            machine.remove()
            shutil.rmtree(south.replicas / machine.uuid, ignore_errors=True)


def test_a_site_that_does_not_know_a_way_back_is_found_when_the_way_there_is_made(
    sites: TwoSites, tmp_path: Path
) -> None:
    known = sites.south.home / "sites"
    with Host.open(sites.north.host.uri) as here:
        machine = StillMachine(sites.north.host, here, "oneway", SIZES)
        words = ("replication", "enable", "oneway", "--to", "south", *NEVER, "--json")
        try:
            known.rename(tmp_path / "sites")
            try:
                missing = sites.north.run(*words, status=None).event("error")
                told = refused_in_both(sites.north, *words[:-1])
                agreed = sites.north.run(*words, "--one-way")
            finally:
                (tmp_path / "sites").rename(known)
            both = sites.north.run(*words)
        finally:
            sites.north.run("replication", "disable", "oneway", status=None)
            machine.remove()

    assert missing["code"] == told == "way-back-missing"
    assert _way_back(agreed) == "left-out"
    assert _way_back(both) == "done"


def _way_back(said: Said) -> str:
    steps = [one for one in said.events if one["event"] == "replication-step"]
    return {str(one["step"]): str(one["state"]) for one in steps}["way-back"]
