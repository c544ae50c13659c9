"""Steps ask the world; the same act again goes on where the world is; one at a time."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from holdfast.base.errors import HoldfastError
from holdfast.recovery.act_errors import ActRuns, SourceMayRun, StepHadNoEffect
from holdfast.recovery.acts import Step, StepSkipped, at_work, is_at_work, perform
from holdfast.recovery.record import Act, ActKind, StepNote, StepState
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.clock import FakeClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACT = Act(id="one", kind=ActKind.UNPLANNED, who="ada", begun_at=NOON)


class World:
    """What is done in it, by name."""

    def __init__(self, *done: str) -> None:
        self.done = list(done)
        self.notes: list[StepNote] = []
        self.kept: list[Act] = []

    def step(self, name: str, *, asks: bool = True, works: bool = True) -> Step:
        def do() -> str:
            if works:
                self.done.append(name)
            return f"did {name}"

        return Step(name=name, do=do, is_done=(lambda: name in self.done) if asks else None)

    def perform(self, *steps: Step, act: Act = ACT) -> Act:
        clock = FakeClock()
        return perform(act, steps, clock=clock, keep=self.kept.append, on_step=self.notes.append)

    def told(self) -> list[tuple[str, str]]:
        return [(note.name, note.state.value) for note in self.notes]


def failing(error: HoldfastError) -> Step:
    def do() -> str:
        raise error

    return Step(name="fails", do=do)


def test_each_step_is_told_as_it_begins_and_as_it_ends() -> None:
    world = World()

    act = world.perform(world.step("a"), world.step("b"))

    assert world.told() == [("a", "running"), ("a", "done"), ("b", "running"), ("b", "done")]
    assert [note.said for note in act.steps] == ["did a", "did b"]


def test_a_long_step_tells_how_far_it_is_and_what_it_has_come_to() -> None:
    world = World()
    long = replace(world.step("a"), goes=lambda: iter(("10 %", "90 %")))

    world.perform(long)

    assert [note.said for note in world.notes] == ["", "10 %", "90 %", "did a"]
    assert [note.state.value for note in world.notes] == ["running"] * 3 + ["done"]


def test_what_the_world_says_is_done_is_not_done_again() -> None:
    world = World("a")

    world.perform(world.step("a"), world.step("b"))

    assert world.done == ["a", "b"]
    assert world.told()[0] == ("a", "done")


def test_a_note_alone_keeps_no_step_from_being_done() -> None:
    world = World()
    noted = StepNote(name="a", state=StepState.DONE, began_at=NOON, ended_at=NOON)

    world.perform(world.step("a"), act=msgspec.structs.replace(ACT, steps=(noted,)))

    assert world.done == ["a"]


def test_a_step_that_cannot_ask_is_done_each_time() -> None:
    world = World("a")

    world.perform(world.step("a", asks=False))

    assert world.done == ["a", "a"]


def test_a_step_without_its_effect_is_an_error() -> None:
    world = World()

    with pytest.raises(StepHadNoEffect):
        world.perform(world.step("a", works=False), world.step("b"))

    assert world.told() == [("a", "running"), ("a", "failed")]


def test_what_a_step_fails_with_is_noted_before_it_is_raised() -> None:
    world = World()

    with pytest.raises(SourceMayRun):
        world.perform(failing(SourceMayRun(about="web", seen="it was heard")))

    note = world.kept[-1].steps[-1]
    assert (note.state, note.error) == (StepState.FAILED, "recovery-source-may-run")


def test_a_skipped_step_says_why_and_the_next_one_follows() -> None:
    def skip() -> str:
        raise StepSkipped("no agent", code="agent-silent")

    world = World()

    act = world.perform(Step(name="a", do=skip), world.step("b"))

    assert [(note.state, note.said, note.error) for note in act.steps] == [
        (StepState.SKIPPED, "no agent", "agent-silent"),
        (StepState.DONE, "did b", ""),
    ]


def test_each_note_is_kept_before_it_is_told() -> None:
    kept: list[Act] = []
    told_with: list[int] = []

    perform(
        ACT,
        [World().step("a")],
        clock=FakeClock(),
        keep=kept.append,
        on_step=lambda _note: told_with.append(len(kept)),
    )

    assert told_with == [1, 2]


def test_a_second_one_learns_who_is_at_work(tmp_path: Path) -> None:
    folder, clock = RecordFolder(str(tmp_path), "vm"), FakeClock()

    with (
        at_work(folder, clock, about="web", work="undo"),
        pytest.raises(ActRuns) as refused,
        at_work(folder, clock, about="web", work="commit"),
    ):
        raise AssertionError("it was let in")

    assert refused.value.fields["work"] == "undo"


def test_whether_somebody_is_at_work_is_seen_by_others(tmp_path: Path) -> None:
    folder, clock = RecordFolder(str(tmp_path), "vm"), FakeClock()

    with at_work(folder, clock, about="web", work="undo"):
        during = is_at_work(folder)

    assert (during, is_at_work(folder)) == (True, False)
