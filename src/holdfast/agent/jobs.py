"""A job as the agent knows it, and the pure steps from one of its states to the next."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from holdfast.base.texts import _
from holdfast.fleet.job_errors import AnotherJobInProgress
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.messages import JobReport, Line, Step
from holdfast.fleet.retrying import LADDER, RETRIES, wait_after

Facts = dict[str, Any]
# These say "never" to somebody who types the command again at once, but pass with time.
_PASSING = frozenset(("storage-full", "interrupted", "killed", "lease-refused"))
NEED_LEASE = frozenset((Kind.RETAIN, Kind.PRUNE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process that cannot be mistaken for a later one of the same number."""

    pid: int
    boot: str
    namespace: int
    started: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work of this machine. `number` counts its changes, for reports."""

    id: str
    kind: Kind
    source: str
    origin: str
    created_at: datetime
    state: State = State.WAITING
    arguments: Facts = field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: int = 0
    tried_at: datetime | None = None
    # After failures that may pass: the waits until the next try, and how many tries there may be.
    waits: tuple[timedelta, ...] = LADDER
    retries: int = RETRIES
    # A run that takes longer is stopped; in seconds.
    longest: float | None = None
    next_try: datetime | None = None
    process: Process | None = None
    # A person asked that it be stopped.
    is_cancelled: bool = False
    number: int = 0
    # How many bytes of its process's output have been taken in.
    heard: int = 0
    progress: Facts = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    result: Facts | None = None
    error: Facts | None = None
    finding: Facts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a child ended; `status` is None when it could not say so itself."""

    status: int | None
    result: Facts | None = None
    error: Facts | None = None


def started(job: Job, now: datetime) -> Job:
    return replace(
        job,
        state=State.RUNNING,
        started_at=job.started_at or now,
        attempts=job.attempts + 1,
        tried_at=now,
        next_try=None,
        process=None,
        heard=0,
        error=None,
        finding=None,
        progress={},
        steps=[],
    )


def ended(job: Job, ending: Ending, now: datetime) -> Job:
    """Over, or to be tried again when the failure is one that passes."""
    job = replace(job, process=None, result=ending.result, error=ending.error)
    state = _state_of(job, ending)
    if state is State.FAILED:
        job = replace(job, error=ending.error or _unsaid(ending), finding=_finding(ending))
        wait = next_wait(job)
        if wait is not None:
            return replace(job, state=State.WAITING, next_try=now + wait)
    return replace(job, state=state, ended_at=now)


def interrupted(job: Job, now: datetime) -> Job:
    """The agent itself stops: whoever starts next takes the job up again at once."""
    attempts = max(job.attempts - 1, 0)
    return replace(job, state=State.WAITING, process=None, attempts=attempts, next_try=now)


def cancelled(job: Job, now: datetime) -> Job:
    return replace(job, state=State.CANCELLED, is_cancelled=True, ended_at=now, process=None)


def skipped(job: Job, other: Job, now: datetime) -> Job:
    """Another job of the same source is not done: no failure, but to be seen."""
    since = other.started_at or other.created_at
    busy = AnotherJobInProgress(since=f"{since.astimezone():%Y-%m-%d %H:%M:%S %Z}", job=other.id)
    error = {
        "code": busy.code,
        "message": str(busy),
        "remedy": busy.advice,
        "job": other.id,
        "since": since.isoformat(timespec="seconds"),
    }
    return replace(job, state=State.SKIPPED, ended_at=now, error=error)


def next_wait(job: Job) -> timedelta | None:
    """How long to wait before the next try; None: it would not help, or was tried enough."""
    error = job.error or {}
    passes = error.get("retry") in ("now", "later") or error.get("code") in _PASSING
    if not passes or job.attempts > job.retries:
        return None
    return wait_after(job.attempts, job.waits)


def too_long(job: Job) -> Facts:
    """The policy allows no run as long as this one was."""
    hours = (job.longest or 0) / 3600
    message = _("stopped after {hours:.1f} hours, as the policy wants; what it stored stays stored")
    return {"code": "run-too-long", "message": message.format(hours=hours)}


def report_of(job: Job, lines: list[Line]) -> JobReport:
    return JobReport(
        number=job.number,
        kind=job.kind.value,
        origin=job.origin,
        source=job.source,
        state=job.state.value,
        created_at=job.created_at,
        arguments=job.arguments,
        started_at=job.started_at,
        ended_at=job.ended_at,
        attempts=job.attempts,
        progress=job.progress,
        steps=job.steps,
        lines=lines,
        result=job.result,
        error=job.error,
        finding=job.finding,
    )


_FINE, _WARNINGS, _DAMAGE = 0, 3, 20
# The doctor's statuses say how the machine is, not how the doctor fared.
_DOCTOR_FAILED = (2, 4)


def _state_of(job: Job, ending: Ending) -> State:
    if job.is_cancelled and ending.status not in (_FINE, _WARNINGS):
        return State.CANCELLED
    if job.kind is Kind.DOCTOR and ending.status is not None:
        return State.FAILED if ending.status in _DOCTOR_FAILED else State.DONE
    if ending.status == _WARNINGS:
        return State.WARNINGS
    return State.DONE if ending.status == _FINE else State.FAILED


def _finding(ending: Ending) -> Facts | None:
    return (ending.error or {}).get("finding")


def _unsaid(ending: Ending) -> Facts:
    """What to call an end about which the command itself said nothing."""
    if ending.status is None:
        message = _("the job's process ended without a word, as when memory runs out")
        return {"code": "killed", "message": message, "retry": "later"}
    if ending.status == _DAMAGE:
        return {"code": "damage", "message": _("something stored is missing or damaged")}
    message = _("the command ended with status {status}").format(status=ending.status)
    return {"code": "failed", "message": message}
