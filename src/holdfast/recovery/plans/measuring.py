"""How long a run took, by group and machine, beside what was promised."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from holdfast.recovery.plans.engine import is_question
from holdfast.recovery.plans.plan import Plan
from holdfast.recovery.plans.progress import Progress, StepProgress
from holdfast.recovery.plans.steps import Doing, Step, steps_of


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; None: it did not come to that."""

    name: str
    # Its own work, from its first step to its last.
    own: float | None
    # From the beginning of the run until it was up: what a user of it has waited.
    since_begin: float | None
    # Of that, while a person was asked.
    asking: float
    objective: int | None
    is_met: bool | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    whole: Measured
    groups: tuple[Measured, ...]
    machines: tuple[Measured, ...]


def measure(plan: Plan, progress: Progress) -> Figures:
    """Holding and cleaning up a test is not recovery, and does not count."""
    steps = [
        step
        for step in steps_of(plan, progress.kind, keep=progress.keep)
        if step.doing in {Doing.ACTION, Doing.START}
    ]
    asked = _questions(steps, progress)

    def told(name: str, of: Iterable[Step], objective: int | None) -> Measured:
        return _measured(name, list(of), objective, progress, asked)

    return Figures(
        whole=told(plan.name, steps, plan.rto),
        groups=tuple(
            told(group.name, [s for s in steps if s.group == group.name], group.rto)
            for group in plan.groups
        ),
        machines=tuple(
            told(machine.vm, [s for s in steps if _is_of(s, machine.vm, group.name)], machine.rto)
            for group in plan.groups
            for machine in group.machines
        ),
    )


def _is_of(step: Step, machine: str, group: str) -> bool:
    return step.machine == machine and step.id.startswith(f"{group}/{machine}/")


def _measured(
    name: str,
    steps: list[Step],
    objective: int | None,
    progress: Progress,
    asked: list[tuple[datetime, datetime]],
) -> Measured:
    seen = [progress.steps.get(step.id) for step in steps]
    is_whole = bool(seen) and all(map(_is_there, steps, seen))
    ends = [at.ended_at for at in seen if at is not None and at.ended_at is not None]
    begins = [at.began_at for at in seen if at is not None]
    if not is_whole or not ends:
        return Measured(
            name=name,
            own=None,
            since_begin=None,
            asking=0.0,
            objective=objective,
            is_met=None if objective is None else False,
        )
    since = (max(ends) - progress.begun_at).total_seconds()
    return Measured(
        name=name,
        own=(max(ends) - min(begins)).total_seconds(),
        since_begin=since,
        asking=_within(asked, progress.begun_at, max(ends)),
        objective=objective,
        is_met=None if objective is None else since <= objective,
    )


def _is_there(step: Step, at: StepProgress | None) -> bool:
    """An action may have failed, where the plan goes on without it; a machine must be up."""
    if at is None or at.ended_at is None:
        return False
    return at.is_up or step.doing is not Doing.START


def _questions(steps: list[Step], progress: Progress) -> list[tuple[datetime, datetime]]:
    seen = [progress.steps.get(step.id) for step in steps if is_question(step)]
    return sorted((at.began_at, at.ended_at) for at in seen if at is not None and at.ended_at)


def _within(spans: list[tuple[datetime, datetime]], begin: datetime, end: datetime) -> float:
    """Seconds that at least one of the spans covers."""
    covered, reached = timedelta(), begin
    for first, last in spans:
        first_counted = max(first, reached)
        if first_counted < min(last, end):
            covered += min(last, end) - first_counted
            reached = min(last, end)
    return covered.total_seconds()
