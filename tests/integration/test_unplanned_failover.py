"""Unplanned failover, change of the point, undo and commit, by commands as a person types them."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.desk import tidings_of
from holdfast.recovery.record import RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
WITHIN = 180.0
OLD, NEW = b"old!" * 1024, b"new!" * 1024
GONE = ("--unplanned", "--source-is-down")
STEPS = ("source", "point", "room", "epoch", "promote", "agent")


@dataclass(slots=True)
class Failing:
    """One still machine of the north, with an older and a newer point in the south."""

    sites: TwoSites
    machine: StillMachine

    @property
    def south(self) -> Station:
        return self.sites.south

    @property
    def north(self) -> Station:
        return self.sites.north

    @property
    def name(self) -> str:
        return self.machine.name

    def record(self) -> RecoveryRecord:
        found = RecordFolder(str(self.south.home), self.machine.uuid).load()
        return found or RecoveryRecord(vm=self.machine.uuid, name=self.name)

    def points(self) -> list[str]:
        facts = self.south.facts(self.machine.uuid)
        return [point.generation for point in facts.points] if facts else []

    def runs_here(self) -> bool:
        """In the south, whoever started it."""
        with self.south.host.connected() as connection:
            running = [each.UUIDString() for each in connection.listAllDomains() if each.isActive()]
        return self.machine.uuid in running

    def content(self) -> bytes:
        """The beginning of its disk, as the machine in the south reads it now."""
        promoted = self.record().promoted
        assert promoted is not None
        (disk,) = promoted.disks
        raw = Path(promoted.folder).with_name("read")
        words = ["qemu-img", "convert", "-U", "-O", "raw", disk.path, str(raw)]
        subprocess.run(words, check=True, capture_output=True)
        with raw.open("rb") as read:
            found = read.read(len(NEW))
        raw.unlink()
        return found

    def lose_the_source(self) -> None:
        self.north.kill()
        if self.machine.is_on():
            self.machine.cut_power()

    def fail_over(self, *words: str) -> dict[str, Any]:
        said = self.south.run("failover", self.name, *GONE, *words, "--json")
        return said.event("recovery-done")

    def bring_the_source_back(self) -> None:
        """Its processes; what they do with the machine is the source's."""
        self.sites.work()

    def restore(self) -> None:
        """As it was before the test: it runs in the north and is followed, nobody acts."""
        if self.record().act is not None or self.record().promoted is not None:
            self.south.run("failover", "undo", self.name, "--discard-changes")
        self.bring_the_source_back()
        wait_until(lambda: self.record().stage is Stage.PROTECTED, within=WITHIN)
        if not self.machine.is_on():
            self.machine.start()


@pytest.fixture(scope="module")
def module_failing(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Failing]:
    north, _south = kvm_hosts
    with two_sites(*kvm_hosts) as sites, Host.open(north.uri) as hypervisor:
        machine = StillMachine(north, hypervisor, "lost", {"vda": 4 * MIB})
        try:
            machine.start()
            machine.write("vda", 0, OLD)
            sites.work()
            words = ("--to", "south", "--every", "30s", "--app-every", "never")
            sites.north.run("replication", "enable", machine.name, *words)
            failing = Failing(sites, machine)
            older = failing.points()
            machine.write("vda", 0, NEW)
            # Its power is cut in the tests, and it goes on with what it finds then.
            machine.flush("vda")
            sites.north.run("replication", "resume", machine.name)
            wait_until(lambda: len(failing.points()) > len(older), within=WITHIN)
            yield failing
        finally:
            machine.remove()


@pytest.fixture
def failing(module_failing: Failing) -> Iterator[Failing]:
    module_failing.bring_the_source_back()
    yield module_failing
    module_failing.restore()


def test_while_the_source_speaks_a_person_must_decide(failing: Failing) -> None:
    refused = failing.south.run("failover", failing.name, "--unplanned", status=30)

    assert "recovery-source-may-run" in refused.err
    assert failing.record().stage is Stage.PROTECTED
    assert not failing.runs_here()


def test_a_look_before_says_what_is_in_the_way_and_changes_nothing(failing: Failing) -> None:
    before = failing.record()

    def looked(act: str, *words: str, status: int = 0) -> dict[str, Any]:
        said = failing.south.run(
            "failover", "check", failing.name, "--act", act, *words, "--json", status=status
        )
        return said.event("recovery-preflight")

    test, unplanned = looked("test"), looked("unplanned", "--point", failing.points()[0])
    commit = looked("commit", status=3)
    nowhere = looked("unplanned", "--point", "nosuchpoint", status=3)

    assert (test["clear"], test["generation"]) == (True, failing.points()[-1])
    assert (unplanned["clear"], unplanned["generation"]) == (True, failing.points()[0])
    assert any("recovery-source-may-run" in doubt for doubt in unplanned["doubts"])
    assert [each["code"] for each in commit["problems"]] == ["recovery-not-failed-over"]
    assert [each["code"] for each in nowhere["problems"]] == ["recovery-point-unknown"]
    assert failing.record() == before
    assert not failing.runs_here()


def test_the_newest_point_is_started_and_the_epoch_is_there_before(failing: Failing) -> None:
    failing.lose_the_source()

    done = failing.fail_over()

    assert done["generation"] == failing.points()[-1]
    assert failing.content() == NEW
    assert failing.runs_here()
    record = failing.record()
    assert (record.stage, record.act) == (Stage.FAILED_OVER, None)
    assert record.promoted is not None
    assert record.promoted.started_at is not None
    shown = failing.south.run("failover", "status", failing.name, "--json").events[0]
    assert set(shown["possible"]) == {"change-point", "commit", "reprotect", "test", "undo"}
    again = failing.south.run("failover", failing.name, *GONE, status=2)
    assert "holdfast failover change-point" in again.err
    assert failing.record().epoch == record.epoch


def test_a_source_that_comes_back_bars_its_machine(failing: Failing) -> None:
    failing.lose_the_source()
    epoch = failing.fail_over()["epoch"]

    failing.bring_the_source_back()

    def has_heard() -> bool:
        heard = tidings_of(str(failing.south.home), failing.machine.uuid)
        return heard is not None and heard.tidings.is_fenced and heard.tidings.epoch == epoch

    wait_until(has_heard, within=WITHIN)
    with pytest.raises(HoldfastError):
        failing.machine.start()


def test_another_point_can_be_started_instead(failing: Failing) -> None:
    failing.lose_the_source()
    failing.fail_over()
    older = failing.points()[0]
    words = ("failover", "change-point", failing.name, "--point", older)

    refused = failing.south.run(*words, status=30)
    failing.south.run(*words, "--discard-changes")

    assert "recovery-changes-would-go" in refused.err
    assert failing.content() == OLD
    assert failing.runs_here()
    promoted = failing.record().promoted
    assert promoted is not None
    assert promoted.generation == older
    # Of the one before nothing is left.
    assert [each.name for each in Path(promoted.folder).parent.iterdir()] == [
        Path(promoted.folder).name
    ]


def test_a_change_of_the_point_that_is_killed_goes_on(failing: Failing) -> None:
    failing.lose_the_source()
    epoch = failing.fail_over()["epoch"]
    older = failing.points()[0]
    words = ("failover", "change-point", failing.name, "--point", older, "--discard-changes")

    for step in ("point", "stop", "promote", "agent"):
        failing.south.kill_at((*words, "--json"), step, "running")
    if failing.record().act is not None:
        failing.south.run("failover", "change-point", failing.name)

    promoted = failing.record().promoted
    assert promoted is not None
    assert promoted.generation == older
    assert failing.record().epoch == epoch
    assert failing.runs_here()


def test_an_undo_gives_it_back_and_the_replication_goes_on(failing: Failing) -> None:
    failing.lose_the_source()
    epoch = failing.fail_over()["epoch"]
    failing.south.run("failover", "undo", failing.name, status=30)

    undone = failing.south.run("failover", "undo", failing.name, "--discard-changes", "--json")

    assert undone.event("recovery-done")["stage"] == "undoing"
    assert not failing.runs_here()
    failing.bring_the_source_back()
    wait_until(lambda: failing.record().stage is Stage.PROTECTED, within=WITHIN)
    assert failing.record().epoch == epoch + 1
    if not failing.machine.is_on():
        failing.machine.start()
    before = failing.points()
    failing.north.run("replication", "resume", failing.name)
    wait_until(lambda: failing.points()[-1] not in before, within=WITHIN)


def test_killed_at_every_step_the_same_command_goes_on(failing: Failing) -> None:
    failing.lose_the_source()
    epoch = failing.record().epoch
    words = ("failover", failing.name, *GONE, "--json")

    for step in STEPS:
        for state in ("running", "done"):
            failing.south.kill_at(words, step, state)
    if failing.record().stage is not Stage.FAILED_OVER:
        failing.south.run(*words, status=None)

    assert failing.record().epoch == epoch + 1
    assert failing.record().stage is Stage.FAILED_OVER
    assert failing.runs_here()
    assert failing.content() == NEW


def test_an_undo_that_is_killed_goes_on(failing: Failing) -> None:
    failing.lose_the_source()
    epoch = failing.fail_over()["epoch"]
    words = ("failover", "undo", failing.name, "--discard-changes", "--json")

    for step in ("stop", "give-back"):
        for state in ("running", "done"):
            failing.south.kill_at(words, step, state)
    if failing.record().act is not None:
        failing.south.run(*words)

    assert not failing.runs_here()
    assert failing.record().promoted is None
    assert failing.record().epoch == epoch + 1


def test_the_status_is_shown_again_and_again_until_it_is_stopped(failing: Failing) -> None:
    watching = failing.south.side.start("failover", "status", failing.name, "--watch", "--json")

    wait_until(lambda: watching.log.read_text().count("recovery-status") > 1, within=WITHIN)

    assert watching.stop() == 0


def test_who_is_at_work_is_named_to_a_second_one(failing: Failing) -> None:
    lock = failing.south.home / "recovery" / failing.machine.uuid / "lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    holder = ["flock", str(lock), "sh", "-c", "echo held; read line"]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == b"held\n"

        refused = failing.south.run("failover", failing.name, *GONE, status=11)

        held.communicate(b"\n")
    assert "recovery-act-runs" in refused.err


def test_a_commit_ends_what_could_be_chosen(failing: Failing) -> None:
    failing.lose_the_source()
    failing.fail_over()

    failing.south.run("commit", failing.name)

    assert failing.record().stage is Stage.COMMITTED
    assert len(failing.points()) == 1
    refused = failing.south.run("failover", "undo", failing.name, status=2)
    assert "recovery-already-committed" in refused.err
    closing = failing.south.run("commit", failing.name, "--complete-migration", status=30)
    assert "recovery-way-back-would-close" in closing.err
    failing.south.run("commit", failing.name, "--complete-migration", "--yes")
    assert failing.record().stage is Stage.MIGRATED
    assert failing.content() == NEW
    _as_if_undone(failing)


def _as_if_undone(failing: Failing) -> None:
    """For the tests that follow: a commit has no way back, and needs none but here."""
    folder = RecordFolder(str(failing.south.home), failing.machine.uuid)
    folder.change(
        lambda record: RecoveryRecord(
            vm=record.vm,
            name=record.name,
            epoch=record.epoch,
            runs_at=record.runs_at,
            stage=Stage.FAILED_OVER,
            promoted=record.promoted,
        )
    )
