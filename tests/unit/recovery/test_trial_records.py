"""What is written down of tests, and what may be concluded from it."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.hypervisor.errors import HostLost
from holdfast.recovery import tested_points as marks
from holdfast.recovery import trial_folder, trial_running
from holdfast.recovery.record import Promoted
from holdfast.recovery.trial import TrialState
from holdfast.recovery.trial_errors import TrialRecordUnreadable, TrialRunning
from holdfast.recovery.trial_folder import MOST_KEPT, TrialFolder
from holdfast.recovery.trial_running import TrialTools, clean
from holdfast.recovery.trial_tending import has_to_tend, is_over_time, left_here
from holdfast.testing.clock import FakeClock
from tests.unit.recovery.trials import NOON, VM, trial


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(str(tmp_path), VM)


def test_only_what_passed_and_is_gone_counts() -> None:
    passed = trial()
    failed = trial(state=TrialState.FAILURE)
    still_there = trial(cleaned_at=None)

    assert [each.counts for each in (passed, failed, still_there)] == [True, False, False]


def test_loss_is_counted_from_the_newest_point() -> None:
    assert trial().rpo_seconds == 30


def test_what_is_not_cleaned_is_left(folder: TrialFolder, tmp_path: Path) -> None:
    folder.save(trial(1))
    left = folder.save(trial(2, cleaned_at=None))

    assert folder.left() == [left]
    assert list(left_here(str(tmp_path))) == [left]
    assert trial_folder.tested_here(str(tmp_path)) == [VM]


def test_record_that_does_not_read_is_no_silence(folder: TrialFolder) -> None:
    folder.save(trial(1))
    (folder.place("trial-001") / "trial.json").write_text("{")

    with pytest.raises(TrialRecordUnreadable):
        folder.all()


def test_those_at_work_keep_others_away(folder: TrialFolder) -> None:
    running = folder.save(trial(1, cleaned_at=None, state=TrialState.RUNNING))

    with folder.at_work(running), pytest.raises(TrialRunning), folder.at_work(running):
        pass

    with folder.at_work(running):
        assert folder.known(running.id) == running


def test_only_old_ones_that_are_gone_are_forgotten(folder: TrialFolder) -> None:
    left = folder.save(trial(0, cleaned_at=None))
    for number in range(1, MOST_KEPT + 3):
        folder.save(trial(number))

    folder.forget_old()

    kept = folder.all()
    assert kept[0] == left
    assert [each.id for each in kept[1:3]] == ["trial-003", "trial-004"]
    assert len(kept) == MOST_KEPT + 1


def test_time_is_over_when_it_says_so() -> None:
    kept = trial(cleaned_at=None, expires_at=NOON + timedelta(hours=2))

    assert not is_over_time(kept, NOON + timedelta(hours=1))
    assert is_over_time(kept, NOON + timedelta(hours=2))


def test_time_of_a_killed_one_is_over_at_once(folder: TrialFolder, tmp_path: Path) -> None:
    folder.save(trial(cleaned_at=None, state=TrialState.RUNNING))

    assert has_to_tend(str(tmp_path), NOON)


def test_what_could_not_be_cleaned_when_it_was_to_be_is_not_kept_any_longer(
    folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_given: object) -> None:
        raise HostLost(uri="qemu:///system", reason="it was killed")

    monkeypatch.setattr(trial_running, "end", lost)
    promoted = Promoted(
        generation="g", taken_at=NOON, name="web-test-1", uuid=VM, folder="/running", disks=()
    )
    kept = trial(cleaned_at=None, expires_at=NOON + timedelta(hours=24), promoted=promoted)
    place: Any = SimpleNamespace(clock=FakeClock())

    left = clean(TrialTools(place=place, folder=folder), folder.save(kept))

    assert (left.cleaned_at, "it was killed" in left.left) == (None, True)
    assert has_to_tend(str(tmp_path), NOON)


def test_mark_stays_with_its_point(tmp_path: Path) -> None:
    first = marks.Tested(generation="aa", at=NOON, trial="trial-001")
    again = marks.Tested(generation="aa", at=NOON + timedelta(days=1), trial="trial-002")
    other = marks.Tested(generation="bb", at=NOON, trial="trial-003")

    for mark in (first, again, other):
        marks.mark_tested(str(tmp_path), VM, mark)

    assert marks.tested_points(str(tmp_path), VM) == {"aa": again, "bb": other}


def test_mark_that_does_not_read_is_none(tmp_path: Path) -> None:
    marks.mark_tested(str(tmp_path), VM, marks.Tested(generation="aa", at=NOON, trial="trial-001"))
    (tmp_path / "recovery" / VM / "tested.json").write_text("[")

    assert marks.tested_points(str(tmp_path), VM) == {}
