"""Drives the run of a plan: does the moves of the engine through whoever has hands.

What is begun is durable before it is begun, so that a driver that was killed is followed by one
that knows of it. The same driver serves a command and a server; they differ in their hands.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.recovery.plans import progress as made
from holdfast.recovery.plans.engine import (
    Answered,
    Begin,
    End,
    LeaveOut,
    Move,
    TimeOut,
    Withdraw,
    is_question,
    next_moves,
)
from holdfast.recovery.plans.plan import Plan
from holdfast.recovery.plans.plan_errors import PlanAnsweredNo, PlanStepTooSlow
from holdfast.recovery.plans.progress import Decision, Ended, Progress, StepState
from holdfast.recovery.plans.steps import Step, steps_of

_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person says to a run. Of a step: a decision; of the whole run: to end it."""

    who: str
    step: str = ""
    decision: Decision | None = None

    @property
    def is_cancel(self) -> bool:
        return not self.step


class Hands(Protocol):
    """Does the work of steps that are no questions. `attempt` tells one beginning from the next."""

    def begin(self, step: Step, progress: Progress) -> None:
        """Begin it, or take it up where one that died has begun it: never two of it at a time."""

    def look(self, step: Step, progress: Progress) -> Ended | None:
        """How it ended; None: it is under way."""

    def end(self, step: Step, progress: Progress) -> None:
        """Nothing of it runs any more when this returns."""


class Keeping(Protocol):
    def save(self, progress: Progress) -> None:
        """Durable when this returns."""

    def orders(self) -> Iterable[Order]:
        """What was said since; each again until `heard`."""

    def heard(self, order: Order) -> None:
        """It is in a progress that was saved."""


class Driver:
    def __init__(self, plan: Plan, hands: Hands, keeping: Keeping, clock: Clock) -> None:
        self._plan = plan
        self._hands = hands
        self._keeping = keeping
        self._clock = clock
        self._begun: set[tuple[str, int]] = set()

    def drive(self, progress: Progress, on_change: Callable[[Progress], None]) -> Progress:
        """To its outcome; killed at any moment, the next one goes on from what was saved."""
        while progress.outcome is None:
            after = self.round(progress)
            if after is progress:
                self._clock.sleep(_PAUSE_SECONDS)
            else:
                on_change(after)
            progress = after
        return progress

    def round(self, progress: Progress) -> Progress:
        """One look at the world and the moves that follow; the same object if nothing changed."""
        progress = self._looked(self._listened(progress))
        for move in next_moves(self._plan, progress, self._clock.now()):
            progress = self._moved(progress, move)
        return progress

    def _listened(self, progress: Progress) -> Progress:
        for order in tuple(self._keeping.orders()):
            after = _obeyed(progress, order)
            if after is not progress:
                self._keeping.save(after)
                progress = after
            self._keeping.heard(order)
        return progress

    def _looked(self, progress: Progress) -> Progress:
        # What is to be ended is not taken up: it may have been ended, and that not be written down.
        given_up = self._to_give_up(progress)
        for step in steps_of(self._plan, progress.kind, keep=progress.keep):
            at = progress.steps.get(step.id)
            if at is None or at.state is not StepState.RUNNING or is_question(step):
                continue
            if (step.id, at.attempt) not in self._begun and step.id in given_up:
                continue
            if (step.id, at.attempt) not in self._begun:
                self._begin(step, progress)
            if (how := self._hands.look(step, progress)) is not None:
                progress = self._ended(progress, step, how)
        return progress

    def _to_give_up(self, progress: Progress) -> set[str]:
        moves = next_moves(self._plan, progress, self._clock.now())
        return {move.step.id for move in moves if isinstance(move, TimeOut | Withdraw)}

    def _moved(self, progress: Progress, move: Move) -> Progress:
        match move:
            case Begin(step=step):
                progress = self._saved(made.begun(progress, step.id, self._clock.now()))
                if not is_question(step):
                    self._begin(step, progress)
                return progress
            case TimeOut(step=step):
                return self._given_up(progress, step, _too_slow(step))
            case Withdraw(step=step):
                how = Ended(state=StepState.SKIPPED, said=_("the run was cancelled"))
                return self._given_up(progress, step, how)
            case Answered(step=step, is_yes=is_yes):
                return self._ended(progress, step, _answer(step, is_yes=is_yes))
            case LeaveOut(step=step, without=without):
                said = _("{machine} is not up").format(machine=without)
                return self._ended(progress, step, Ended(state=StepState.SKIPPED, said=said))
            case End(outcome=outcome):
                return self._saved(made.concluded(progress, outcome, self._clock.now()))

    def _begin(self, step: Step, progress: Progress) -> None:
        self._begun.add((step.id, progress.steps[step.id].attempt))
        self._hands.begin(step, progress)

    def _given_up(self, progress: Progress, step: Step, how: Ended) -> Progress:
        if not is_question(step):
            self._hands.end(step, progress)
            # It may have come to a good end in this very moment; any other is our doing.
            seen = self._hands.look(step, progress)
            how = seen if seen is not None and seen.state is StepState.DONE else how
        return self._ended(progress, step, how)

    def _ended(self, progress: Progress, step: Step, how: Ended) -> Progress:
        return self._saved(made.ended(progress, step.id, how, self._clock.now()))

    def _saved(self, progress: Progress) -> Progress:
        self._keeping.save(progress)
        return progress


def _obeyed(progress: Progress, order: Order) -> Progress:
    """An order about a step that does not ask (any more) changes nothing."""
    if order.is_cancel:
        return progress if progress.cancelled_by else made.cancelled(progress, order.who)
    at = progress.steps.get(order.step)
    is_open = at is not None and at.state in {StepState.RUNNING, StepState.FAILED}
    if at is None or not is_open or at.decision is not None or order.decision is None:
        return progress
    return made.decided(progress, order.step, order.decision, order.who)


def _too_slow(step: Step) -> Ended:
    error = PlanStepTooSlow(step=step.id, seconds=step.timeout)
    return Ended(state=StepState.FAILED, said=str(error), error=error.code)


def _answer(step: Step, *, is_yes: bool) -> Ended:
    if is_yes:
        return Ended(state=StepState.DONE, said=_("yes"))
    error = PlanAnsweredNo(step=step.id)
    return Ended(state=StepState.FAILED, said=str(error), error=error.code)
