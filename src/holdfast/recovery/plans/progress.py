"""How far a run of a plan has come: everything a run needs to go on after its process died.

The functions here make a new progress of an old one; whoever drives the run makes each durable
before it acts on it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from holdfast.recovery.plans.plan import Kind

VERSION = 1
# What the ids of such steps begin with.
CLEAN_UP = "clean-up/"
GIVE_BACK = "give-back/"
# And what they end with.
SHUT_DOWN = "/shut-down"


class StepState(StrEnum):
    """A step that is not in the progress has not begun."""

    RUNNING = "running"
    DONE = "done"
    # What it was to bring about was so before: the machine ran here already.
    ALREADY = "already"
    FAILED = "failed"
    # Left out, because something it does not work without did not come.
    SKIPPED = "skipped"


class Decision(StrEnum):
    """What a person answers, to a question of the plan or about a step that failed."""

    YES = "yes"
    NO = "no"
    AGAIN = "again"
    GO_ON = "go-on"
    STOP = "stop"


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    # To its end, but something failed or was left out on the way.
    WITH_FAILURES = "with-failures"
    # Something failed that it does not go on without; `plan resume` tries again.
    STOPPED = "stopped"
    CANCELLED = "cancelled"


class StepProgress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    state: StepState
    began_at: datetime
    ended_at: datetime | None = None
    # Counts the times it was begun; what is left of an earlier one is not looked at.
    attempt: int = 1
    said: str = ""
    # The code of what it failed with.
    error: str = ""
    # Nobody knows how far it came, so that a person is asked whatever the plan says.
    is_unclear: bool = False
    decision: Decision | None = None
    decided_by: str = ""
    # What it came to, for hooks and the report: name, uuid, point, where its report lies …
    found: dict[str, Any] = {}

    @property
    def is_up(self) -> bool:
        return self.state in {StepState.DONE, StepState.ALREADY}


class Ended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How something that was begun came to its end."""

    state: StepState
    said: str = ""
    error: str = ""
    is_unclear: bool = False
    found: dict[str, Any] = {}


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    run: str
    plan: str
    kind: Kind
    who: str
    begun_at: datetime
    # The person has seen that the source is down.
    source_is_down: bool = False
    # Sources that still answer shut their machines down first, as for a planned one.
    tries_shut_down: bool = False
    # Seconds a test stays before it is cleaned up.
    keep: int = 0
    # The machines go back to where they came from.
    is_back: bool = False
    steps: dict[str, StepProgress] = {}
    cancelled_by: str = ""
    # While it is stopped, and between its ends and its being resumed.
    outcome: Outcome | None = None
    ended_at: datetime | None = None


def begun(progress: Progress, step: str, now: datetime) -> Progress:
    before = progress.steps.get(step)
    attempt = before.attempt + 1 if before else 1
    return _with(
        progress, step, StepProgress(state=StepState.RUNNING, began_at=now, attempt=attempt)
    )


def ended(progress: Progress, step: str, how: Ended, now: datetime) -> Progress:
    before = progress.steps.get(step)
    after = StepProgress(
        state=how.state,
        began_at=before.began_at if before else now,
        ended_at=now,
        attempt=before.attempt if before else 1,
        said=how.said,
        error=how.error,
        is_unclear=how.is_unclear,
        found=how.found,
        decided_by=before.decided_by if before else "",
    )
    return _with(progress, step, after)


def decided(progress: Progress, step: str, decision: Decision, who: str) -> Progress:
    """Of a question: its answer. Of a failed step: what becomes of it."""
    before = progress.steps[step]
    changed = msgspec.structs.replace(before, decision=decision, decided_by=who)
    return _with(progress, step, changed)


def cancelled(progress: Progress, who: str) -> Progress:
    return msgspec.structs.replace(progress, cancelled_by=who)


def concluded(progress: Progress, outcome: Outcome, now: datetime) -> Progress:
    return msgspec.structs.replace(progress, outcome=outcome, ended_at=now)


def resumed(progress: Progress) -> Progress:
    """What failed, and what was left out for it, is to do again; what is done stays done.

    Of a test only its cleaning up: its machines are gone. Attempts are counted on, so that nothing
    of an earlier one is taken for the new one's.
    """
    kept = {
        name: _to_do_again(step) if _is_failure(progress, name) else step
        for name, step in progress.steps.items()
        if step.state is not StepState.SKIPPED or progress.kind is Kind.TEST
        if not _was_taken_back(progress, name)
    }
    return msgspec.structs.replace(
        progress, steps=kept, outcome=None, ended_at=None, cancelled_by=_still(progress)
    )


def _was_taken_back(progress: Progress, step: str) -> bool:
    """Of a machine that was given back nothing is done any more."""
    given = [name.removeprefix(GIVE_BACK) for name in progress.steps if name.startswith(GIVE_BACK)]
    is_shut_down = any(step.endswith(f"/{vm}{SHUT_DOWN}") for vm in given)
    return step.startswith(GIVE_BACK) or is_shut_down


def _still(progress: Progress) -> str:
    return progress.cancelled_by if progress.kind is Kind.TEST else ""


def _is_failure(progress: Progress, step: str) -> bool:
    is_again = progress.kind is not Kind.TEST or step.startswith(CLEAN_UP)
    return is_again and progress.steps[step].state is StepState.FAILED


def _to_do_again(step: StepProgress) -> StepProgress:
    return msgspec.structs.replace(step, decision=Decision.AGAIN, is_unclear=False)


def _with(progress: Progress, step: str, now: StepProgress) -> Progress:
    return msgspec.structs.replace(progress, steps={**progress.steps, step: now})
