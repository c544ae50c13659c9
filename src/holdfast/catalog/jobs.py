"""Queries about jobs, their steps and their logs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from holdfast.catalog.database import Session
from holdfast.catalog.tables import (
    Assignment,
    Command,
    Grant,
    Job,
    JobLine,
    JobStep,
    Machine,
    Policy,
)

# What lists show; the rest of a job can be long.
_SHOWN = (
    *(Job.id, Job.vault_id, Job.machine_id, Job.kind, Job.origin, Job.source, Job.state),
    *(Job.asked_by, Job.created_at, Job.started_at, Job.ended_at, Job.cancel_asked_at),
    *(Job.attempts, Job.progress, Job.error),
)
_STEPS = select(JobStep).where(JobStep.job_id == bindparam("job")).order_by(JobStep.number)
_OPEN = ("waiting", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """None, or nothing: whichever."""

    vault_id: str | None = None
    machine_id: str | None = None
    kinds: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    since: datetime | None = None
    # Those that are over, and were not before.
    ended_since: datetime | None = None


def newest_first(
    db: Session,
    wanted: JobFilter,
    *,
    readable_by: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Row[tuple[Any, ...]]]:
    """What lists show of jobs older than `before`; None reads every vault.

    Each with its `machine`, and the `paths` and the `policy` of its assignment, if it has any.
    """
    named = Machine.name.label("machine"), Assignment.paths, Policy.name.label("policy")
    query = select(*_SHOWN, *named).outerjoin(Machine, Machine.id == Job.machine_id)
    # What a schedule has begun is known by its assignment.
    query = query.outerjoin(Assignment, Assignment.id == Job.source)
    query = query.outerjoin(Policy, Policy.id == Assignment.policy_id)
    query = query.where(*_conditions(wanted))
    if readable_by is not None:
        granted = select(Grant.vault_id).where(Grant.account_id == readable_by)
        query = query.where(Job.vault_id.in_(granted))
    if before is not None:
        when, job_id = before
        query = query.where(
            or_(Job.created_at < when, and_(Job.created_at == when, Job.id < job_id))
        )
    query = query.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)
    return db.connection().execute(query).all()


def assigned(db: Session, source: str) -> tuple[list[str], str] | None:
    """The paths and the policy of the assignment of this id."""
    query = select(Assignment.paths, Policy.name).join(Policy, Policy.id == Assignment.policy_id)
    found = db.execute(query.where(Assignment.id == source)).first()
    return (found[0], found[1]) if found else None


def _conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    asked = {
        "vault_id": Job.vault_id == wanted.vault_id,
        "machine_id": Job.machine_id == wanted.machine_id,
        "kinds": Job.kind.in_(wanted.kinds),
        "states": Job.state.in_(wanted.states),
        "since": wanted.since is not None and Job.created_at >= wanted.since,
        "ended_since": wanted.ended_since is not None and Job.ended_at >= wanted.ended_since,
    }
    given = (name for name in asked if getattr(wanted, name) not in (None, ()))
    return [condition for name in given if not isinstance(condition := asked[name], bool)]


def locked(db: Session, job_id: str) -> Job | None:
    """The job, with nobody else changing it until this transaction ends."""
    return db.get(Job, job_id, with_for_update=True, populate_existing=True)


def add_if_absent(db: Session, job: dict[str, Any]) -> None:
    """Two servers may hear of a new job at once."""
    dialect = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    db.execute(dialect.insert(Job).values(**job).on_conflict_do_nothing())


def open_orders(db: Session, machine_id: str, kind: str) -> Sequence[Job]:
    """Those that wait or run."""
    query = select(Job).where(Job.machine_id == machine_id, Job.kind == kind, Job.state.in_(_OPEN))
    return db.scalars(query.order_by(Job.created_at)).all()


def steps(db: Session, job_id: str) -> Sequence[JobStep]:
    return db.scalars(_STEPS, {"job": job_id}).all()


def lines(db: Session, job_id: str, *, after: int, limit: int) -> Sequence[JobLine]:
    query = select(JobLine).where(JobLine.job_id == job_id, JobLine.id > after)
    return db.scalars(query.order_by(JobLine.id).limit(limit)).all()


def lines_at(db: Session, job_id: str, moments: Iterable[datetime]) -> Sequence[JobLine]:
    """The lines of these moments: to know which of those told are known already."""
    query = select(JobLine).where(JobLine.job_id == job_id, JobLine.at.in_(sorted(set(moments))))
    return db.scalars(query).all()


def count_lines(db: Session, job_id: str) -> int:
    query = select(func.count()).select_from(JobLine).where(JobLine.job_id == job_id)
    return db.scalar(query) or 0


def open_on(db: Session, machine_id: str, source: str) -> Job | None:
    """The job that holds this source."""
    query = select(Job).where(
        Job.machine_id == machine_id, Job.source == source, Job.state.in_(_OPEN)
    )
    return db.scalar(query.order_by(Job.created_at).limit(1))


def is_reading_from(db: Session, reader_id: str, machine_id: str) -> bool:
    """Whether a job of the reader that is not over restores from that machine's points."""
    query = select(Job).where(Job.machine_id == reader_id, Job.state.in_(_OPEN))
    return any(job.arguments.get("machine") == machine_id for job in db.scalars(query))


def open_of_kind(db: Session, kind: str, vault_id: str) -> Job | None:
    """The server's own job of this kind that is not over."""
    query = select(Job).where(Job.kind == kind, Job.vault_id == vault_id, Job.state.in_(_OPEN))
    return db.scalar(query.limit(1))


def open_in_vault(db: Session, vault_id: str, *, kind: str, source: str) -> Job | None:
    """The server's own job about this that is not over."""
    query = select(Job).where(Job.kind == kind, Job.vault_id == vault_id, Job.source == source)
    return db.scalar(query.where(Job.state.in_(_OPEN)).limit(1))


def running_on_silent(db: Session, silent_since: datetime, *, limit: int) -> Sequence[str]:
    """Running jobs of machines that were not heard of since."""
    query = (
        select(Job.id)
        .join(Machine, Machine.id == Job.machine_id)
        .where(Job.state == "running")
        .where(or_(Machine.last_seen_at.is_(None), Machine.last_seen_at < silent_since))
        .where(or_(Job.started_at.is_(None), Job.started_at < silent_since))
    )
    return db.scalars(query.order_by(Job.id).limit(limit)).all()


def open_on_machines(db: Session, *, limit: int) -> Sequence[tuple[Job, Machine]]:
    """Jobs that are not over, and that their machines took or told of."""
    taken = exists().where(Command.job_id == Job.id, Command.taken_at.is_not(None))
    query = (
        select(Job, Machine)
        .join(Machine, Machine.id == Job.machine_id)
        .where(Job.state.in_(_OPEN), or_(Job.report_number > 0, taken))
    )
    return [(job, machine) for job, machine in db.execute(query.order_by(Job.id).limit(limit))]


def open_of(
    db: Session, origins: Sequence[str], *, after: str, limit: int
) -> Sequence[tuple[str, str]]:
    """Jobs of these origins that are not over, by id: id and kind."""
    query = select(Job.id, Job.kind).where(
        Job.state.in_(_OPEN), Job.origin.in_(origins), Job.id > after
    )
    return [(job_id, kind) for job_id, kind in db.execute(query.order_by(Job.id).limit(limit))]
