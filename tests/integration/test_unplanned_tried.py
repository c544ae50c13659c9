"""Unplanned failover that tries its source first: nothing lost where it answers, as ever where not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.desk import order_of
from holdfast.recovery.record import RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site import Site
from holdfast.replication.site_orders import OrderKind
from holdfast.testing.guest_proofs import ordered_writes
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Said
from holdfast.testing.still_machine import StillMachine, read_image
from holdfast.testing.two_sites import TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
WITHIN = 180.0
ENABLE = ("--to", "south", "--every", "15m", "--app-every", "never")
TRY = ("--unplanned", "--try-shut-down")
SHORT = ("--shutdown-within", "1s")
LAST = b"last" * 1024
STEPS = ("room", "catch-up", "hand-over", "source", "point", "epoch", "order", "promote", "agent")


@pytest.fixture(scope="module")
def module_sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as sites:
        yield sites


@pytest.fixture
def sites(module_sites: TwoSites) -> TwoSites:
    module_sites.work()
    return module_sites


@dataclass(slots=True)
class Trying:
    """A machine of the north that never shuts down by itself, with a point in the south."""

    sites: TwoSites
    machine: StillMachine

    def record(self) -> RecoveryRecord:
        found = RecordFolder(str(self.sites.south.home), self.machine.uuid).load()
        return found or RecoveryRecord(vm=self.machine.uuid, name=self.machine.name)

    def ordered(self) -> OrderKind | None:
        """What the south wants of the host in the north."""
        order = order_of(RecordFolder(str(self.sites.south.home), self.machine.uuid))
        return order.kind if order else None

    def runs_in_the_south(self) -> bool:
        with self.sites.south.host.connected() as connection:
            running = [each.UUIDString() for each in connection.listAllDomains() if each.isActive()]
        return self.machine.uuid in running

    def fail_over(self, *words: str, status: int = 0) -> Said:
        return self.sites.south.run(
            "failover", self.machine.name, *TRY, *words, "--json", status=status
        )

    def begin(self) -> bytes:
        """What it holds at the start of its disk in the south."""
        promoted = self.record().promoted
        assert promoted is not None
        site = Site(self.sites.south.replicas, SystemClock())
        images = site.attach(self.machine.uuid, promoted.generation, who="tests")
        try:
            return read_image(images["vda"])[: len(LAST)]
        finally:
            site.unpin(self.machine.uuid, promoted.generation, who="tests")


@contextmanager
def trying(sites: TwoSites, name: str, *enable: str) -> Iterator[Trying]:
    north, south = sites.north, sites.south
    with Host.open(north.host.uri) as hypervisor:
        machine = StillMachine(north.host, hypervisor, name, {"vda": 4 * MIB})
        try:
            machine.start()
            machine.write("vda", 0, b"old!" * 1024)
            north.run("replication", "enable", name, *ENABLE, *enable)
            machine.write("vda", 0, LAST)
            # Its power is cut in some tests, and its disk is what it found then.
            machine.flush("vda")
            yield Trying(sites, machine)
        finally:
            sites.work()
            known = RecordFolder(str(south.home), machine.uuid).load()
            if known is not None and (known.act or known.promoted):
                south.run("failover", "undo", name, "--discard-changes")
            north.run("replication", "disable", name, status=None)
            machine.remove()


def last_steps(said: Said) -> dict[str, dict[str, Any]]:
    return {one["step"]: one for one in said.events if one["event"] == "recovery-step"}


def test_a_source_that_answers_shuts_it_down_and_nothing_is_lost(sites: TwoSites) -> None:
    north, south = sites.north, sites.south
    guest = Guest(north.host, "obeys", Recipe(writer="ordered"))
    try:
        guest.start()
        north.run("replication", "enable", guest.name, *ENABLE)

        said = south.run("failover", guest.name, *TRY, "--json")

        done = said.event("recovery-done")
        assert done["figures"]["loss_seconds"] == 0.0
        assert last_steps(said)["hand-over"]["state"] == "done"
        assert not guest.is_running()
        last = ordered_writes(*(guest.disk(target) for target in guest.targets))
        site = Site(south.replicas, SystemClock())
        layers = site.attach(guest.uuid, done["generation"], who="tests")
        assert ordered_writes(*(layers[target] for target in guest.targets)) == last
        site.unpin(guest.uuid, done["generation"], who="tests")
        record = RecordFolder(str(south.home), guest.uuid).load()
        assert record is not None
        assert (record.stage, record.events[-1].why) == (Stage.FAILED_OVER, "handed-over")
        assert record.events[-1].figures["loss_seconds"] == 0.0
        at_home = RecordFolder(str(north.home), guest.uuid).load()
        assert at_home is not None
        assert at_home.fence is not None
    finally:
        south.run("failover", "undo", guest.name, "--discard-changes", status=None)
        north.run("replication", "disable", guest.name, status=None)
        guest.remove()


def test_while_it_runs_on_at_its_host_no_word_said_before_starts_a_second_one(
    sites: TwoSites,
) -> None:
    with trying(sites, "ignores") as tried:
        for words in ((), ("--source-is-down",)):
            refused = tried.fail_over(*SHORT, *words, status=30)

            error = refused.event("error")
            assert error["code"] == "recovery-source-may-run"
            assert "still runs after 1 s" in error["message"]
            steps = last_steps(refused)
            assert steps["hand-over"]["state"] == "skipped"
            assert steps["hand-over"]["error"] == "vm-shut-down-too-slow"
            assert tried.machine.is_on()
            assert not tried.runs_in_the_south()
            assert (tried.record().stage, tried.record().act) == (Stage.PROTECTED, None)
            assert tried.record().epoch == 0

        said = tried.fail_over(*SHORT, "--force")

        assert said.event("recovery-done")["figures"]["loss_seconds"] == 0.0
        assert not tried.machine.is_on()
        assert tried.runs_in_the_south()
        assert tried.begin() == LAST


def test_a_source_that_is_dead_is_not_waited_for(sites: TwoSites) -> None:
    with trying(sites, "dead") as tried:
        sites.north.kill()
        tried.machine.cut_power()
        refused = tried.fail_over(status=30)

        said = tried.fail_over("--source-is-down")

        assert last_steps(refused)["catch-up"]["error"] == "failover-source-no-answer"
        steps = last_steps(said)
        assert steps["hand-over"]["state"] == "skipped"
        assert steps["hand-over"]["error"] == "failover-source-no-answer"
        assert said.event("recovery-done")["figures"]["loss_seconds"] > 0
        assert tried.record().events[-1].why == "failover-source-no-answer"
        assert tried.runs_in_the_south()
        assert tried.begin() != LAST


def test_what_cannot_be_sent_in_time_is_lost_and_it_is_off_before_it_starts(
    sites: TwoSites,
) -> None:
    with trying(sites, "trickles", "--limit", "64kbit") as tried:
        tried.machine.write("vda", MIB, os.urandom(2 * MIB))

        said = tried.fail_over(*SHORT, "--force")

        steps = last_steps(said)
        assert steps["catch-up"]["error"] == "failover-source-too-slow"
        assert steps["hand-over"]["error"] == "failover-source-too-slow"
        assert steps["order"]["state"] == "done"
        assert not tried.machine.is_on()
        assert tried.runs_in_the_south()
        assert said.event("recovery-done")["figures"]["loss_seconds"] > 0
        assert tried.begin() != LAST


def test_killed_at_every_step_the_same_command_goes_on_and_nothing_is_lost(
    sites: TwoSites,
) -> None:
    with trying(sites, "killed") as tried:
        words = ("failover", tried.machine.name, *TRY, *SHORT, "--force", "--json")
        for step in STEPS:
            for state in ("running", "done"):
                tried.sites.south.kill_at(words, step, state)
        if tried.record().stage is not Stage.FAILED_OVER:
            sites.south.run(*words)

        assert (tried.record().epoch, tried.record().stage) == (1, Stage.FAILED_OVER)
        assert tried.record().events[-1].figures["loss_seconds"] == 0.0
        assert not tried.machine.is_on()
        assert tried.runs_in_the_south()
        assert tried.begin() == LAST


def test_an_undo_of_one_that_was_killed_starts_it_at_its_host_again(sites: TwoSites) -> None:
    with trying(sites, "released") as tried:
        patient = ("--shutdown-within", "5s", "--force")
        working = tried.sites.south.side.start("failover", tried.machine.name, *TRY, *patient)
        # Killed before its order lies there, it would have asked for nothing.
        wait_until(lambda: tried.ordered() is OrderKind.HAND_OVER, within=WITHIN)
        working.kill()
        wait_until(lambda: not tried.machine.is_on(), within=WITHIN)

        sites.south.run("failover", "undo", tried.machine.name)

        wait_until(tried.machine.is_on, within=WITHIN)
        wait_until(lambda: tried.record().stage is Stage.PROTECTED, within=WITHIN)
        assert not tried.runs_in_the_south()
