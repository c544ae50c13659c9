"""From the assignments on disk to the jobs that are due: needs no server, and no second look.

What is due is asked of the schedule; the journal says which moment was answered last. A job and the
moment it answers are written down together, so that no moment is answered twice or forgotten.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from secrets import token_hex
from typing import Any

from holdfast.agent import jobs
from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal, Occurrence
from holdfast.agent.sources import Part, Protected, nothing_protected, orders_of, parts_of
from holdfast.agent.words import policy_of
from holdfast.base.errors import HoldfastError
from holdfast.fleet.arguments import read_arguments, source_of
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.messages import AssignedPolicy
from holdfast.fleet.policies import Policy
from holdfast.fleet.recovery_arguments import OF_RECOVERY
from holdfast.fleet.schedule import Due, due, next_due
from holdfast.fleet.windows import rate_at

SCHEDULE = "schedule"


class Scheduler:
    """Puts jobs into the journal. To be used from one thread."""

    def __init__(
        self,
        journal: Journal,
        assigned: AssignedPolicies,
        *,
        warn: Callable[[str], None],
        protected: Protected = nothing_protected,
    ) -> None:
        self._journal = journal
        self._assigned = assigned
        self._warn = warn
        self._protected = protected
        self._warned: set[str] = set()
        # Until when the schedule of a paused assignment counts as answered.
        self._paused_at: dict[str, datetime] = {}

    def trigger(self, now: datetime) -> list[Job]:
        """Take in a job for each moment that has come; those that were new."""
        found = []
        for one, policy in self._readable():
            if one.is_paused:
                self._paused_at[one.id] = now
                continue
            for part in parts_of(one, self._protected):
                moment = self._due(one, part, now)
                if moment is None or not _may_begin(part.kind, policy, now):
                    continue
                job = _job(part.kind, one, policy, now, vm=part.vm)
                if accept(self._journal, job, now, _occurrence(one, part, moment)):
                    found.append(job)
        return found

    def after_backup(self, backup: Job, now: datetime) -> Job | None:
        """Retention follows each backup of an assignment that made a point."""
        one = self._assigned.find(backup.arguments.get("assignment"))
        if one is None or backup.state not in (State.DONE, State.WARNINGS):
            return None
        policy = self._read(one)
        if policy is None or not policy.retain_arguments:
            return None
        # By the backup's id: a crash in between asks for the same job once more.
        job = _job(Kind.RETAIN, one, policy, now, job_id=f"{backup.id}-retain")
        other = _other(self._journal.open_jobs(), job)
        if other is not None and other.state is State.WAITING and other.id != job.id:
            # It has not looked yet: this point will be among those it sees.
            return None
        return job if accept(self._journal, job, now) else None

    def next_runs(self, now: datetime) -> dict[str, datetime]:
        """When each assignment's next backup begins."""
        found = {}
        for one, policy in self._readable():
            upcoming = None if one.is_paused else next_due(policy.timing, now, seed=one.id)
            if upcoming is not None:
                found[one.id] = upcoming.at
        return found

    def rate(self, now: datetime) -> int | None:
        """The bytes a second all jobs together may send now: the least that any policy allows."""
        rates = [
            rate_at(policy.rates, policy.default_rate, now=now, zone=policy.place)[0]
            for _one, policy in self._readable()
        ]
        return min((rate for rate in rates if rate is not None), default=None)

    def _readable(self) -> Iterator[tuple[AssignedPolicy, Policy]]:
        for one in self._assigned.all:
            policy = self._read(one)
            if policy is not None:
                yield one, policy

    def _read(self, one: AssignedPolicy) -> Policy | None:
        try:
            return _read_through(policy_of(one))
        except (HoldfastError, ValueError) as err:
            # Of a newer server, say. The others go on, and this one is said once.
            key = f"{one.id} {one.policy_version}"
            if key not in self._warned:
                self._warned.add(key)
                self._warn(f"{one.policy_name}: {err}")
            return None

    def _due(self, one: AssignedPolicy, part: Part, now: datetime) -> Due | None:
        known = [self._since(one.id, now, paused_at=self._paused_at.pop(one.id, None))]
        if part.vm:
            # A machine may come to be one of those that are meant at any time.
            known.append(self._since(f"{one.id} {part.vm}", now))
        if last := self._journal.last_occurrence(one.id, part.what):
            known.append(last)
        return due(part.timing, max(known), now, seed=one.id)

    def _since(self, what: str, now: datetime, *, paused_at: datetime | None = None) -> datetime:
        """What came before it was assigned, or in its pause, is nobody's job."""
        name = f"since:{what}"
        noted = self._journal.recall(name)
        if noted is None or paused_at is not None:
            noted = (paused_at or now).isoformat()
            self._journal.remember(name, noted)
        return datetime.fromisoformat(noted)


def accept(journal: Journal, job: Job, now: datetime, occurrence: Occurrence | None = None) -> bool:
    """Take in a job; one whose source is busy with the same is noted as skipped."""
    other = _other(journal.open_jobs(), job)
    if other is not None:
        job = jobs.skipped(job, other, now)
    return journal.add(job, occurrence)


def command_jobs(
    kind: Kind,
    job_id: str,
    arguments: dict[str, Any],
    *,
    assigned: AssignedPolicy | None,
    protected: Protected,
    now: datetime,
) -> list[Job]:
    """The job that a person asked the server for, and those it takes besides: one for a source."""
    limits = _limits(policy_of(assigned) if assigned is not None else None)
    if kind in OF_RECOVERY:
        # Nobody expects a machine to fail over an hour after it could not: the same is ordered anew.
        limits = {**limits, "retries": 0}
    about = [arguments]
    if kind is Kind.BACKUP:
        about = orders_of(arguments, assigned, protected)
    return [
        Job(
            id=f"{job_id}-{number}" if number else job_id,
            kind=kind,
            source=source_of(kind, given),
            origin="person",
            created_at=now,
            arguments=given,
            **limits,
        )
        for number, given in enumerate(about)
    ]


def _other(open_jobs: Iterable[Job], job: Job) -> Job | None:
    return next((one for one in open_jobs if _sameness(one) == _sameness(job)), None)


def _sameness(job: Job) -> tuple[object, ...]:
    """Of two jobs with the same, the second would only repeat the first."""
    # Retention of one assignment is not that of another, though one has to wait for the other.
    about = job.arguments.get("assignment") if job.kind is Kind.RETAIN else None
    return job.kind, job.source, about


def _read_through(policy: Policy) -> Policy:
    """Its texts are read when they are asked for; what is not understood must show now."""
    _ = (
        policy.timing,
        policy.verification_timing,
        policy.prune_timing,
        policy.rates,
        policy.default_rate,
        policy.retain_arguments,
        _limits(policy),
    )
    return policy


def _may_begin(kind: Kind, policy: Policy, now: datetime) -> bool:
    return kind is not Kind.PRUNE or policy.may_prune(now)


def _occurrence(one: AssignedPolicy, part: Part, moment: Due) -> Occurrence:
    return Occurrence(assignment=one.id, what=part.what, key=moment.key, at=moment.nominal)


def _job(
    kind: Kind,
    one: AssignedPolicy,
    policy: Policy,
    now: datetime,
    *,
    vm: str = "",
    job_id: str | None = None,
) -> Job:
    arguments = _arguments(kind, one, policy, vm=vm)
    return Job(
        id=job_id or token_hex(8),
        kind=kind,
        source=source_of(kind, arguments),
        origin=SCHEDULE,
        created_at=now,
        arguments={**arguments, "assignment": one.id, "policy": one.policy_name},
        **_limits(policy),
    )


def _arguments(kind: Kind, one: AssignedPolicy, policy: Policy, *, vm: str) -> dict[str, Any]:
    match kind:
        case Kind.CHECK:
            read = policy.verification.read_data if policy.verification else None
            return read_arguments(kind, {"read_data": read})
        case Kind.PRUNE:
            return read_arguments(kind, {})
        case _:
            about = {"vms": [vm]} if vm else {}
            return read_arguments(kind, {"assignment": one.id, **about})


def _limits(policy: Policy | None) -> dict[str, Any]:
    if policy is None:
        return {}
    longest = policy.longest_run
    return {
        "waits": policy.waits,
        "retries": policy.retry.most,
        "longest": longest.total_seconds() if longest else None,
    }
