"""A test failover that is killed at any step leaves nothing that is not cleaned up."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.domains import list_domains
from holdfast.recovery.checks.wishes import parse_check
from holdfast.recovery.tested_points import tested_points as marks_of
from holdfast.recovery.trial import Trial
from holdfast.recovery.trial_running import run_trial
from holdfast.recovery.trial_tending import clean_left, is_over_time
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.promotion_bench import Replicated, replicated
from tests.trial_bench import TrialBench

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
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
# At these its QEMU is there.
ALIVE = ("started", "recorded", "resumed", "checked", "success")
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


@pytest.mark.parametrize("word", [*BEFORE, *AFTER])
def test_daemon_that_dies_at_any_step_costs_at_most_the_test(bench: TrialBench, word: str) -> None:
    """Its service manager starts it again at once."""
    dying = Dying(word, bench.replicated.south.restart)

    known = dying.go_through(bench)

    assert dying.has_died
    # What had been looked at before counts.
    assert known.counts or (known.error and word in BEFORE), known


@pytest.mark.parametrize("word", [*BEFORE, *AFTER])
def test_machine_that_dies_at_any_step_is_no_success_before_it_was_looked_at(
    bench: TrialBench, word: str
) -> None:
    number = bench.numbers + 1
    dying = Dying(word, lambda: _end_qemu(bench, f"still-test-{number}"))

    known = dying.go_through(bench)

    assert dying.has_died is (word in ALIVE)
    assert known.counts is (word not in ALIVE or word in ("checked", "success")), known


def test_no_step_of_a_test_is_forgotten(bench: TrialBench) -> None:
    said: list[str] = []

    run_trial(bench.tools(said.append), bench.trial(checks=RUNS))

    assert list(dict.fromkeys(said)) == [*BEFORE, *AFTER]


@dataclass(slots=True)
class Dying:
    """What happens the first time that a word is said."""

    word: str
    dies: Callable[[], object]
    has_died: bool = False
    is_over: bool = False

    def go_through(self, bench: TrialBench) -> Trial:
        """A test, and its clean-up by the site where it could not do that itself."""
        before = bench.place.site.state(bench.vm)
        with contextlib.suppress(HoldfastError):
            run_trial(bench.tools(self._say), bench.trial(checks=RUNS))

        list(clean_left(bench.tools(), only=lambda _trial: True))

        (known,) = bench.folder.all()
        assert bench.leftovers() == []
        assert bench.folder.left() == []
        assert bench.place.site.state(bench.vm) == before
        assert known.error != "unexpected"
        return known

    def _say(self, word: str) -> None:
        if word == self.word and not self.is_over:
            self.is_over = True
            self.has_died = self.dies() is not False


def _end_qemu(bench: TrialBench, name: str) -> bool:
    """SIGKILL, where it runs."""
    south = bench.replicated.south
    domains = list_domains(bench.replicated.hypervisor)
    domain = next((each for each in domains if each.name == name), None)
    if domain is None or not domain.is_active():
        return False
    south.kill_guest(name)
    wait_until(lambda: not domain.is_active(), within=90)
    return True


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
