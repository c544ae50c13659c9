"""Test failovers of a machine that does nothing: what passes, what stays, what is left."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.hypervisor.domains import find_domain
from holdfast.recovery.checks.wishes import parse_check
from holdfast.recovery.promotion_errors import PromotionFolderClosed
from holdfast.recovery.tested_points import tested_points as marks_of
from holdfast.recovery.trial import TrialState
from holdfast.recovery.trial_running import run_trial
from holdfast.recovery.trial_tending import clean_left, is_over_time
from holdfast.replication.settings import PointPolicy
from holdfast.testing.still_machine import read_image
from tests import machines_bench
from tests.promotion_bench import FIRST, Replicated, replicated
from tests.replica_bench import MovableClock
from tests.trial_bench import TrialBench

pytestmark = machines_bench.MARKS
__all__ = ["replicated"]
RUNS = (parse_check("runs"),)


@pytest.fixture
def bench(replicated: Replicated, tmp_path: Path) -> Iterator[TrialBench]:
    made = TrialBench(replicated, tmp_path, MovableClock())
    yield made
    list(clean_left(made.tools(), only=lambda _trial: True))


def test_what_passed_is_gone_and_its_point_is_marked(bench: TrialBench) -> None:
    trial = bench.run(checks=RUNS)

    assert trial.counts
    assert [each.said for each in trial.checks] == ["it runs"]
    assert bench.leftovers() == []
    assert set(marks_of(str(bench.home), bench.vm)) == {trial.generation}
    names = [part.name for part in trial.parts]
    assert names[0] == "prepared"
    assert names[-2:] == ["checked", "cleaned"]


def test_commands_of_this_host_know_the_machine(bench: TrialBench, tmp_path: Path) -> None:
    file = tmp_path / "told"
    words = f"host:echo $HOLDFAST_VM $HOLDFAST_TEST_VM $HOLDFAST_POINT >{file}"

    trial = bench.run(checks=(parse_check(words),))

    assert trial.counts
    assert file.read_text().split() == ["still", "still-test-1", trial.generation]


def test_all_checks_are_made_though_one_fails(bench: TrialBench) -> None:
    checks = ("host:echo no such row; exit 3", "agent", "runs")

    trial = bench.run(checks=tuple(map(parse_check, checks)))

    assert trial.state is TrialState.FAILURE
    assert [each.is_good for each in trial.checks] == [False, False, True]
    assert "no such row" in trial.message
    assert not trial.counts
    assert bench.leftovers() == []
    assert marks_of(str(bench.home), bench.vm) == {}


def test_kept_one_is_another_machine_and_stays_for_its_time(bench: TrialBench) -> None:
    trial = bench.run(checks=RUNS, keep=7200)

    there = find_domain(bench.replicated.hypervisor, trial.trial_name)
    assert there.is_active()
    assert there.uuid != bench.vm
    assert not trial.counts
    now = bench.clock.now()
    assert list(clean_left(bench.tools(), only=lambda each: is_over_time(each, now))) == []
    assert there.is_active()


def test_expired_one_is_cleaned_up_and_counts(bench: TrialBench) -> None:
    bench.run(checks=RUNS, keep=7200)
    assert isinstance(bench.clock, MovableClock)
    bench.clock.jump(timedelta(hours=3))
    now = bench.clock.now()

    (done,) = clean_left(bench.tools(), only=lambda each: is_over_time(each, now))

    assert done.counts
    assert bench.leftovers() == []


def test_note_stays_with_the_test(bench: TrialBench) -> None:
    bench.run(checks=RUNS, keep=7200)

    list(clean_left(bench.tools(), only=lambda _trial: True, note="login works"))

    (trial,) = bench.folder.all()
    assert trial.note == "login works"


def test_running_one_is_left_alone(bench: TrialBench) -> None:
    kept = bench.run(checks=RUNS, keep=7200)

    with bench.folder.at_work(kept):
        done = list(clean_left(bench.tools(), only=lambda _trial: True))

    assert done == []
    assert bench.machines() == [kept.trial_name]


def test_point_under_test_outlives_thinning(bench: TrialBench) -> None:
    oldest = bench.replicated.oldest
    kept = run_trial(bench.tools(), bench.trial(generation=oldest, checks=RUNS, keep=7200))
    site = bench.place.site

    site.thin(bench.vm, PointPolicy(hours=0, most=1))
    while site.merge_one(bench.vm):
        continue

    facts = site.state(bench.vm)
    assert facts is not None
    assert oldest in [point.generation for point in facts.points]
    assert kept.promoted is not None
    disk = next(each for each in kept.promoted.disks if each.target == FIRST)
    find_domain(bench.replicated.hypervisor, kept.trial_name).destroy()
    assert read_image(Path(disk.path)) == bench.replicated.points[oldest][FIRST]


def test_interrupted_by_a_person_it_is_cleaned_up(bench: TrialBench) -> None:
    def say(word: str) -> None:
        if word == "resumed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trial(bench.tools(say), bench.trial(checks=RUNS))

    (trial,) = bench.folder.all()
    assert trial.state is TrialState.FAILURE
    assert trial.cleaned_at is not None
    assert bench.leftovers() == []


def test_one_that_cannot_be_cleaned_says_so_and_is_tried_again(bench: TrialBench) -> None:
    bench.run(checks=RUNS, keep=7200)

    def say(word: str) -> None:
        if word == "undefined":
            raise PromotionFolderClosed(about="still", path="/gone", reason="the disk is away")

    (left,) = clean_left(bench.tools(say), only=lambda _trial: True)
    assert "the disk is away" in left.left
    assert not left.counts

    (done,) = clean_left(bench.tools(), only=lambda _trial: True)
    assert done.counts
    assert bench.leftovers() == []


def test_point_that_is_not_there_is_a_failure_with_its_code(bench: TrialBench) -> None:
    trial = run_trial(bench.tools(), bench.trial(generation="0" * 32, checks=RUNS))

    assert trial.state is TrialState.FAILURE
    assert trial.error
    assert trial.cleaned_at is not None
    assert bench.leftovers() == []


def test_what_its_screen_shows_is_kept_as_a_picture(bench: TrialBench) -> None:
    description = bench.place.site.point_files(bench.vm, bench.replicated.newest) / "domain.xml"
    screen = "<video><model type='vga'/></video><graphics type='vnc' port='-1' autoport='yes'/>"
    xml = description.read_text().replace("</devices>", f"{screen}</devices>")
    description.write_text(xml)

    trial = bench.run(checks=(parse_check("screenshot"),))

    assert trial.counts
    assert trial.picture_reason == ""
    assert bench.folder.screen(trial.id).read_bytes().startswith(b"\x89PNG\r\n")


def test_machine_without_a_screen_says_so(bench: TrialBench) -> None:
    trial = bench.run(checks=RUNS)

    assert "screen" in trial.picture_reason
    assert not bench.folder.screen(trial.id).exists()
