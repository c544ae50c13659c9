"""When drills are run, and what they are held against."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.recovery.drills.drill import (
    Drill,
    DrillRun,
    DrillVerdict,
    Objective,
    due_drill,
    next_drill,
)
from holdfast.recovery.drills.drill_errors import DrillUnreadable
from holdfast.recovery.drills.drill_folder import MOST_RUNS, DrillFolder, drills_here
from holdfast.recovery.trial import Trial, TrialState
from tests.unit.recovery.trials import NOON, VM, trial

_FIRST = datetime(2026, 4, 1, 3, tzinfo=UTC)


def drill(**changes: Any) -> Drill:
    told: dict[str, Any] = {"schedule": "monthly 1st 03:00", "set_at": NOON}
    return Drill(vm=VM, name="web", **(told | changes))


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (trial(), DrillVerdict.PASSED),
        (trial(state=TrialState.RUNNING, cleaned_at=None), DrillVerdict.RUNNING),
        (trial(state=TrialState.FAILURE), DrillVerdict.FAILED),
        (trial(cleaned_at=None), DrillVerdict.NOT_CLEANED),
        (trial(seconds_to_up=61.0), DrillVerdict.OBJECTIVE_MISSED),
        (trial(newest_at=None), DrillVerdict.PASSED),
    ],
)
def test_verdict_is_of_what_was_seen(seen: Trial, verdict: DrillVerdict) -> None:
    run = DrillRun(trial=seen, objective=Objective(rpo=60, rto=60))

    assert run.verdict is verdict


def test_each_objective_is_missed_by_itself() -> None:
    run = DrillRun(trial=trial(), objective=Objective(rpo=10, rto=10))

    assert run.missed == ("rpo", "rto")
    assert DrillRun(trial=trial()).missed == ()


def test_drill_is_due_at_its_time_and_once() -> None:
    found = due_drill(drill(), _FIRST + timedelta(minutes=1))

    assert found is not None
    assert found.nominal == _FIRST
    assert due_drill(drill(last=found.nominal), _FIRST + timedelta(days=1)) is None
    assert due_drill(drill(), _FIRST - timedelta(minutes=1)) is None


def test_drill_that_was_missed_is_run_once() -> None:
    found = due_drill(drill(), _FIRST + timedelta(days=70))

    assert found is not None
    assert (found.nominal.month, found.missed) == (6, 2)


def test_drill_goes_by_the_clocks_of_its_zone() -> None:
    found = next_drill(drill(zone="Asia/Seoul"), NOON)

    assert found is not None
    assert found.at == _FIRST - timedelta(hours=9)


def test_drill_without_a_schedule_is_never_due() -> None:
    unscheduled = drill(schedule="")

    assert due_drill(unscheduled, _FIRST) is None
    assert next_drill(unscheduled, _FIRST) is None


def test_runs_outlive_their_drill(tmp_path: Path) -> None:
    folder = DrillFolder(str(tmp_path), VM)
    folder.save(drill())
    run = folder.save_run(DrillRun(trial=trial()))

    folder.forget()

    assert folder.load() is None
    assert folder.runs() == [run]
    assert list(drills_here(str(tmp_path))) == []


def test_run_follows_its_test(tmp_path: Path) -> None:
    folder = DrillFolder(str(tmp_path), VM)
    folder.save_run(DrillRun(trial=trial(cleaned_at=None), is_scheduled=True))

    folder.follow(trial())
    folder.follow(trial(2))

    assert folder.runs() == [DrillRun(trial=trial(), is_scheduled=True)]


def test_oldest_runs_are_forgotten_with_their_pictures(tmp_path: Path) -> None:
    folder = DrillFolder(str(tmp_path), VM)
    for number in range(MOST_RUNS + 1):
        folder.save_run(DrillRun(trial=trial(number)))
    folder.save_picture(trial(0).id, b"old")
    folder.save_picture(trial(1).id, b"kept")

    folder.forget_old()

    assert folder.runs()[0].trial == trial(1)
    assert folder.picture(trial(0).id) is None
    assert folder.picture(trial(1).id) == b"kept"


def test_drill_that_does_not_read_hides_no_other(tmp_path: Path) -> None:
    folder = DrillFolder(str(tmp_path), VM)
    folder.save(drill())
    broken = DrillFolder(str(tmp_path), "broken")
    broken.save(drill())
    (broken.path / "drill.json").write_text("{")

    assert list(drills_here(str(tmp_path))) == [drill()]
    with pytest.raises(DrillUnreadable):
        broken.load()
