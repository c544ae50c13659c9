"""Planned failover, by commands: what a guest wrote last is there, and an undo brings it back."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.record import RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.status_file import read_status
from holdfast.testing.guest_proofs import ordered_writes
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
WITHIN = 180.0
ENABLE = ("--to", "south", "--every", "15m", "--app-every", "never")


@pytest.fixture(scope="module")
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as sites:
        sites.work()
        yield sites


def record(station: Station, uuid: str) -> RecoveryRecord:
    found = RecordFolder(str(station.home), uuid).load()
    assert found is not None
    return found


def is_on(station: Station, uuid: str) -> bool:
    """Whether a machine of this UUID runs there, whoever started it."""
    with station.host.connected() as connection:
        return uuid in [
            domain.UUIDString() for domain in connection.listAllDomains() if domain.isActive()
        ]


def written(station: Station, uuid: str, images: list[Path]) -> int:
    """The last write of a guest that runs there, whose images are read while it stands still."""
    with station.host.connected() as connection:
        domain = connection.lookupByUUIDString(uuid)
        domain.suspend()
        try:
            return ordered_writes(*images).first
        finally:
            domain.resume()


def differs(one: Path, other: Path) -> bool:
    words = ["qemu-img", "compare", "-U", str(one), str(other)]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 1


def test_what_is_only_handed_over_is_started_by_the_same_command_or_given_back(
    sites: TwoSites,
) -> None:
    north, south = sites.north, sites.south
    with Host.open(north.host.uri) as here:
        machine = StillMachine(north.host, here, "waiting", {"vda": 4 * MIB})
        words = ("failover", "waiting", "--planned", "--force", "--shutdown-within", "1s")
        try:
            machine.start()
            north.run("replication", "enable", "waiting", *ENABLE)

            told = south.run(*words, "--hand-over-only", "--json").event("recovery-done")

            assert (told["stage"], told["epoch"]) == ("failing-over", 0)
            assert not is_on(north, machine.uuid)
            assert not is_on(south, machine.uuid)
            south.run("failover", "undo", "waiting", "--discard-changes")
            wait_until(machine.is_on, within=WITHIN)
            wait_until(lambda: record(south, machine.uuid).stage is Stage.PROTECTED, within=WITHIN)
            south.run(*words, "--hand-over-only")
            done = south.run(*words, "--json").event("recovery-done")
            assert (done["stage"], done["epoch"]) == ("failed-over", 2)
            assert is_on(south, machine.uuid)
        finally:
            north.run("replication", "disable", "waiting", status=None)
            machine.remove()


def test_nothing_is_lost_and_an_undo_gives_it_back(sites: TwoSites) -> None:
    north, south = sites.north, sites.south
    guest = Guest(north.host, "planned", Recipe(writer="ordered"))
    try:
        guest.start()
        north.run("replication", "enable", guest.name, *ENABLE)

        done = south.run("failover", guest.name, "--planned", "--json").event("recovery-done")

        # At rest: the images of the source and the point are the same.
        assert not guest.is_running()
        images = [guest.disk(target) for target in guest.targets]
        last = ordered_writes(*images)
        site = Site(south.replicas, SystemClock())
        layers = site.attach(guest.uuid, done["generation"], who="tests")
        assert not any(
            differs(image, layers[target])
            for image, target in zip(images, guest.targets, strict=True)
        )
        site.unpin(guest.uuid, done["generation"], who="tests")
        # It runs there, and its writer goes on where it was.
        promoted = record(south, guest.uuid).promoted
        assert promoted is not None
        running = [Path(disk.path) for disk in promoted.disks]
        wait_until(lambda: written(south, guest.uuid, running) > last.first + 1, within=WITHIN)
        assert record(north, guest.uuid).fence is not None
        wait_until(lambda: record(north, guest.uuid).epoch == 1, within=WITHIN)

        south.run("failover", "undo", guest.name, "--discard-changes")

        wait_until(guest.is_running, within=WITHIN)
        wait_until(lambda: record(south, guest.uuid).stage is Stage.PROTECTED, within=WITHIN)
        assert not is_on(south, guest.uuid)
        assert record(north, guest.uuid).fence is None
        status = read_status(SourceFolder(str(north.home), guest.uuid).path)
        assert status is not None
        assert "resync" not in [each.what for each in status.happenings]
    finally:
        north.run("replication", "disable", guest.name, status=None)
        guest.remove()


def test_a_guest_that_does_not_shut_down_runs_on_until_it_is_forced(sites: TwoSites) -> None:
    north, south = sites.north, sites.south
    with Host.open(north.host.uri) as hypervisor:
        machine = StillMachine(north.host, hypervisor, "stubborn", {"vda": 4 * MIB})
        try:
            machine.start()
            machine.write("vda", MIB, b"kept" * 1000)
            machine.domain.let_start_by_itself()
            north.run("replication", "enable", machine.name, *ENABLE)
            assert not machine.domain.starts_by_itself()
            words = ("failover", machine.name, "--planned", "--shutdown-within", "1s")

            refused = south.run(*words, status=None)

            assert refused.status != 0
            assert "still runs" in refused.err
            assert machine.is_on()
            south.run(*words, "--force")
            assert not machine.is_on()
            assert is_on(south, machine.uuid)
            south.run("failover", "undo", machine.name, "--discard-changes")
            wait_until(lambda: record(south, machine.uuid).stage is Stage.PROTECTED, within=WITHIN)
            assert machine.is_on()
            started = north.run("failover", "start", machine.name, "--json")
            assert started.event("machine-started")["was_off"] is False
            north.run("replication", "disable", machine.name)
            assert machine.domain.starts_by_itself()
        finally:
            north.run("replication", "disable", machine.name, status=None)
            machine.remove()
