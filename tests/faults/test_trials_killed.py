"""A test failover that is killed at any step leaves nothing that is not cleaned up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.recovery.checks.wishes import parse_check
from holdfast.recovery.tested_points import tested_points as marks_of
from holdfast.recovery.trial_tending import clean_left, is_over_time
from tests import machines_bench
from tests.promotion_bench import Replicated, replicated
from tests.trial_bench import TrialBench

pytestmark = [*machines_bench.RECOVERY, pytest.mark.faults]
__all__ = ["replicated"]
# In their order; those after the verdict are of the clean-up.
BEFORE = (
    "planned",
    "prepared",
    "running",
    "attached",
    "furnished",
    "described",
    "started",
    "recorded",
    "resumed",
    "checked",
)
AFTER = ("success", "undefined", "removed", "cleaned", "gone")
RUNS = (parse_check("runs"),)


@pytest.fixture
def bench(replicated: Replicated, tmp_path: Path) -> Iterator[TrialBench]:
    made = TrialBench(replicated, tmp_path)
    yield made
    list(clean_left(made.tools(), only=lambda _trial: True))


@pytest.mark.parametrize("word", [*BEFORE, *AFTER])
def test_killed_at_any_step_it_is_cleaned_up(bench: TrialBench, word: str) -> None:
    before = bench.place.site.state(bench.vm)
    assert bench.was_killed(bench.trial(checks=RUNS), word)
    now = bench.clock.now()

    list(clean_left(bench.tools(), only=lambda trial: is_over_time(trial, now)))

    (trial,) = bench.folder.all()
    assert bench.leftovers() == []
    assert bench.folder.left() == []
    assert bench.place.site.state(bench.vm) == before
    # What had passed before counts, and what nobody knows the end of does not.
    assert trial.counts is (word in AFTER)
    assert (trial.generation in marks_of(str(bench.home), bench.vm)) is (word in AFTER)


@pytest.mark.parametrize("word", ["undefined", "removed"])
def test_clean_up_that_was_killed_goes_on(bench: TrialBench, word: str) -> None:
    kept = bench.run(checks=RUNS, keep=3600)

    class Killed(BaseException):
        """Instead of a SIGKILL."""

    def say(now: str) -> None:
        if now == word:
            raise Killed

    with pytest.raises(Killed):
        list(clean_left(bench.tools(say), only=lambda _trial: True))
    assert bench.folder.left() == [kept]

    (done,) = clean_left(bench.tools(), only=lambda _trial: True)

    assert done.counts
    assert bench.leftovers() == []
