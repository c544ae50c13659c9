"""What is told of a replication while the clocks of its hosts are set as anybody likes."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.machines.points import Consistency
from holdfast.replication.event_log import read_log
from holdfast.replication.replica_facts import ReplicaFacts, ReplicaPoint
from holdfast.replication.replicator_telling import Telling
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.status import Health, ReplicationStatus
from holdfast.testing.clock import FakeClock
from tests.unit.replication.observing import settings

HOUR, MIN = timedelta(hours=1), timedelta(minutes=1)


class Told:
    """A replication that has a point of this moment, and a site that is away from now on."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.folder = SourceFolder(str(folder), "u-1")
        self.telling = Telling(self.folder, self.clock)
        self.has(self.clock.now())

    def has(self, *taken: datetime, consistency: Consistency = Consistency.APPLICATION) -> None:
        points = tuple(
            ReplicaPoint(
                generation=f"g{number}",
                taken_at=at,
                applied_at=at,
                consistency=consistency,
                disks=(),
            )
            for number, at in enumerate(taken)
        )
        facts = ReplicaFacts(vm="u-1", name="web", source="m-2", points=points)
        self.telling.facts(facts)

    def succeeds(self) -> None:
        """What had been in the queue came there; the newest point stays what it is."""
        due = self.clock.now()
        self.telling.cycles.begin(due)
        generation = f"step-{self.clock.monotonic()}"
        self.telling.cycles.spooled(due, generation, dirty={}, log_bytes=0)
        self.telling.cycles.shipped(generation, wire_bytes=0, seconds=0.1)

    def after(self, seconds: float, **wanted: Any) -> ReplicationStatus:
        """Written every few seconds, as ever."""
        self.clock.sleep(seconds)
        return self.telling.write(settings(**wanted))


def codes(status: ReplicationStatus) -> dict[str, Health]:
    return {each.code: each.health for each in status.reasons}


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


BACK = pytest.mark.parametrize("back", [MIN, HOUR, 300 * 24 * HOUR])


@BACK
def test_a_clock_that_is_set_back_makes_nothing_younger(told: Told, back: timedelta) -> None:
    told.after(5)
    told.clock.jump(-back)

    assert told.after(15).rpo_seconds == 20
    late = told.after(50 * 60)

    assert late.rpo_seconds == 20 + 50 * 60
    assert codes(late)["rpo-high"] is Health.CRITICAL
    assert codes(told.after(11 * 60))["no-point"] is Health.CRITICAL


def test_a_clock_that_is_set_is_told_once_and_in_the_log(told: Told) -> None:
    told.after(5)
    told.clock.jump(-HOUR)
    told.after(5)
    told.clock.jump(2 * HOUR)

    status = told.after(5)

    found = [(each.what, each.why) for each in status.happenings]
    assert found == [("clock-set", "clock-back"), ("clock-set", "clock-ahead")]
    assert [each.why for each in read_log(told.folder.path)] == ["clock-back", "clock-ahead"]
    assert len(told.after(5).happenings) == 2


def test_a_new_point_makes_it_young_again_after_a_clock_was_set(told: Told) -> None:
    told.after(5)
    told.clock.jump(-HOUR)
    told.after(600)

    told.has(told.clock.now() + HOUR, told.clock.now())

    assert told.after(3).rpo_seconds == 3


def test_the_newest_application_consistent_point_is_the_one_made_last(told: Told) -> None:
    told.has(told.clock.now() + HOUR, told.clock.now() - MIN)

    assert told.after(0).latest_app_at == told.clock.now() - MIN


def test_clocks_that_begin_to_differ_are_seen_while_the_site_is_there(told: Told) -> None:
    assert "clock-skew" not in codes(told.after(5))

    told.telling.skewed(3600.0)

    assert codes(told.after(5))["clock-skew"] is Health.WARNING


@BACK
def test_a_clock_that_is_set_back_puts_off_no_warning(told: Told, back: timedelta) -> None:
    told.after(5)
    told.clock.jump(-back)

    late = codes(told.after(61 * 60))

    assert late["no-success"] is Health.WARNING


@BACK
def test_a_point_that_applications_knew_of_is_overdue_in_its_time(
    told: Told, back: timedelta
) -> None:
    told.has(told.clock.now())
    told.after(5, app_every=3600)
    told.clock.jump(-back)

    late = codes(told.after(3 * 3600, app_every=3600))

    assert late["app-point-overdue"] is Health.WARNING


def test_a_success_after_a_clock_was_set_back_is_one(told: Told) -> None:
    told.succeeds()
    told.after(5)
    told.clock.jump(-HOUR / 2)
    told.after(50 * 60)

    told.succeeds()

    assert "no-success" not in codes(told.after(15 * 60))
    assert codes(told.after(46 * 60))["no-success"] is Health.WARNING


def test_who_is_started_anew_with_a_clock_that_was_set_back_knows_how_old_it_was(
    told: Told,
) -> None:
    told.after(600)
    told.clock.jump(-2 * HOUR)

    told.telling = Telling(told.folder, told.clock)

    assert told.after(20).rpo_seconds == 620
