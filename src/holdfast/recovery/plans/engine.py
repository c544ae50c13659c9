"""What to do next in the run of a plan. Pure: a plan, how far it has come, and the time.

Whoever drives a run (a command, a server's workflow) does the moves, tells the progress, and asks
again. A step that is under way is never begun a second time; how it ended is for the driver to see.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.recovery.plans.plan import ActionKind, OnFailure, Plan
from holdfast.recovery.plans.progress import (
    Decision,
    Outcome,
    Progress,
    StepProgress,
    StepState,
)
from holdfast.recovery.plans.steps import Doing, Step, steps_of

_LAST = frozenset({Doing.CLEAN_UP, Doing.GIVE_BACK})
_ENDING = _LAST | {Doing.HOLD}
_TAKES_ROOM = frozenset({Doing.START, Doing.SHUT_DOWN})
# A question about a failed step that nobody answers stops the run.
ANSWER_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOut:
    """It has run longer than it may: end it, and tell it as failed."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question has its answer, or a hold its end: it is done, or failed by a no."""

    step: Step
    is_yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """The run was cancelled: end what may be ended."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOut:
    step: Step
    # The machine it does not work without.
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    outcome: Outcome


Move = Begin | TimeOut | Answered | Withdraw | LeaveOut | End


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked at this moment."""

    step: Step
    # The step failed, and the question is what becomes of it; else the plan itself asks.
    is_about_failure: bool


def next_moves(plan: Plan, progress: Progress, now: datetime) -> tuple[Move, ...]:
    """Nothing: wait for what is under way, or for a person."""
    if progress.outcome is not None:
        return ()
    return tuple(_Look(plan, progress, now).moves())


def questions(plan: Plan, progress: Progress, now: datetime) -> tuple[Question, ...]:
    if progress.outcome is not None:
        return ()
    return tuple(_Look(plan, progress, now).questions())


def is_question(step: Step) -> bool:
    """Done by an answer, not by a process."""
    is_asked = step.action is not None and step.action.kind is ActionKind.CONFIRM
    return is_asked or step.doing is Doing.HOLD


class _Look:
    """One moment of a run."""

    def __init__(self, plan: Plan, progress: Progress, now: datetime) -> None:
        self._plan = plan
        self._progress = progress
        self._now = now
        self._steps = steps_of(plan, progress.kind, keep=progress.keep)
        self._by_id = {step.id: step for step in self._steps}
        self._starts = {s.machine: s for s in self._steps if s.doing is Doing.START}
        self._ends = {s.machine: s for s in self._steps if s.doing is Doing.SHUT_DOWN}
        self._is_halted = bool(progress.cancelled_by) or any(map(self._halts, self._steps))

    def moves(self) -> Iterator[Move]:
        waiting = [step for step in self._steps if self._is_to_do(step)]
        yield from self._of_running()
        begun = tuple(self._of_waiting(waiting))
        yield from begun
        if not begun and not self._is_anything_open():
            yield End(outcome=self._outcome())

    def questions(self) -> Iterator[Question]:
        for step in self._steps:
            at = self._at(step)
            if at is None or at.decision is not None:
                continue
            if at.state is StepState.RUNNING and is_question(step):
                yield Question(step=step, is_about_failure=False)
            elif self._is_asked(step, at) and not self._has_waited_for_answer(at):
                yield Question(step=step, is_about_failure=True)

    def _of_running(self) -> Iterator[Move]:
        for step in self._steps:
            at = self._at(step)
            if at is None or at.state is not StepState.RUNNING:
                continue
            is_over = self._now - at.began_at >= timedelta(seconds=step.timeout)
            if is_question(step) and at.decision is not None:
                yield Answered(step=step, is_yes=at.decision is not Decision.NO)
            elif is_over and step.doing is Doing.HOLD:
                yield Answered(step=step, is_yes=True)
            elif is_over:
                yield TimeOut(step=step)
            elif self._progress.cancelled_by and step.doing in {Doing.ACTION, Doing.HOLD}:
                yield Withdraw(step=step)

    def _of_waiting(self, waiting: list[Step]) -> Iterator[Move]:
        starting = self._starting()
        for step in waiting:
            if self._is_out(step) or not self._is_its_turn(step):
                continue
            if missing := self._missing(step):
                yield LeaveOut(step=step, without=missing)
            elif step.doing not in _TAKES_ROOM:
                yield Begin(step=step)
            elif self._has_room(step, starting):
                starting.append(step)
                yield Begin(step=step)

    def _is_its_turn(self, step: Step) -> bool:
        if self._is_halted and step.doing in _ENDING:
            # What it waits for may never come; what is under way has ended, and a hold is over.
            return not any(map(self._holds_up_the_end, self._steps[: self._steps.index(step)]))
        return all(map(self._is_settled_id, step.after))

    def _holds_up_the_end(self, earlier: Step) -> bool:
        is_to_come = earlier.doing is Doing.HOLD and not self._is_out(earlier)
        is_begun = earlier.id in self._progress.steps
        is_before = earlier.doing not in _LAST
        return is_before and (self._is_open(earlier) or (is_to_come and not is_begun))

    def _has_room(self, step: Step, starting: list[Step]) -> bool:
        group = next(one for one in self._plan.groups if one.name == step.group)
        of_group = sum(one.group == step.group for one in starting)
        return not (
            (self._plan.at_once is not None and len(starting) >= self._plan.at_once)
            or (group.at_once is not None and of_group >= group.at_once)
        )

    def _starting(self) -> list[Step]:
        """Or ending: what is limited is how many are moved at a time."""
        steps = (step for step in self._steps if step.doing in _TAKES_ROOM)
        return [step for step in steps if self._is_running(step)]

    def _is_anything_open(self) -> bool:
        return any(map(self._is_open, self._steps)) or any(
            self._is_to_do(step) and not self._is_out(step) for step in self._steps
        )

    def _is_out(self, step: Step) -> bool:
        """It will not begin any more in this run; a test ends in order even when it is halted."""
        if step.doing is Doing.CLEAN_UP:
            return not self._was_begun(step.machine)
        if step.doing is Doing.GIVE_BACK:
            return not (self._is_cancelled and self._lies_between(step.machine))
        if step.doing is Doing.HOLD:
            return self._is_cancelled or not any(map(self._was_begun, self._starts))
        return self._is_halted

    def _is_open(self, step: Step) -> bool:
        at = self._at(step)
        if at is None:
            return False
        is_asked = self._is_asked(step, at) and at.decision is None
        is_waiting = is_asked and not self._has_waited_for_answer(at) and not self._is_cancelled
        return at.state is StepState.RUNNING or is_waiting

    @property
    def _is_cancelled(self) -> bool:
        return bool(self._progress.cancelled_by)

    def _is_to_do(self, step: Step) -> bool:
        at = self._at(step)
        return at is None or (at.state is StepState.FAILED and at.decision is Decision.AGAIN)

    def _is_settled_id(self, id_: str) -> bool:
        at = self._progress.steps.get(id_)
        if at is None or at.state is StepState.RUNNING:
            return False
        if at.state is not StepState.FAILED:
            return True
        return self._goes_on(self._by_id[id_], at)

    def _goes_on(self, step: Step, at: StepProgress) -> bool:
        if at.decision is not None:
            return at.decision is Decision.GO_ON
        return step.on_failure is OnFailure.GO_ON and not at.is_unclear

    def _halts(self, step: Step) -> bool:
        at = self._at(step)
        if at is None or at.state is not StepState.FAILED:
            return False
        if at.decision is not None:
            return at.decision in {Decision.STOP, Decision.NO}
        if self._is_asked(step, at):
            return self._has_waited_for_answer(at)
        return step.on_failure is OnFailure.STOP

    def _is_asked(self, step: Step, at: StepProgress) -> bool:
        is_for_person = step.on_failure is OnFailure.ASK or at.is_unclear
        return at.state is StepState.FAILED and is_for_person

    def _has_waited_for_answer(self, at: StepProgress) -> bool:
        since = at.ended_at or at.began_at
        return self._now - since >= timedelta(seconds=ANSWER_SECONDS)

    def _missing(self, step: Step) -> str:
        """A machine it needs that is settled and not up."""
        for name in step.requires:
            start = self._starts[name]
            at = self._at(start)
            if at is not None and self._is_settled_id(start.id) and not at.is_up:
                return name
        return ""

    def _was_begun(self, machine: str) -> bool:
        at = self._at(self._starts[machine])
        return at is not None and at.state not in {StepState.SKIPPED, StepState.ALREADY}

    def _lies_between(self, machine: str) -> bool:
        """It was shut down at home, or that was begun, and nothing of it was begun here."""
        at = self._at(self._ends[machine]) if machine in self._ends else None
        is_down = at is not None and at.state not in {StepState.SKIPPED, StepState.ALREADY}
        start = self._at(self._starts[machine])
        return is_down and (start is None or start.state is StepState.SKIPPED)

    def _is_running(self, step: Step) -> bool:
        at = self._at(step)
        return at is not None and at.state is StepState.RUNNING

    def _at(self, step: Step) -> StepProgress | None:
        return self._progress.steps.get(step.id)

    def _outcome(self) -> Outcome:
        if self._is_cancelled:
            return Outcome.CANCELLED
        if self._is_halted:
            return Outcome.STOPPED
        seen = self._progress.steps.values()
        is_all_well = all(at.state not in {StepState.FAILED, StepState.SKIPPED} for at in seen)
        return Outcome.SUCCEEDED if is_all_well else Outcome.WITH_FAILURES
