"""Seeing jobs to their end when nobody else can: expired offers, machines that fell silent."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control.alerting import tell_of_job
from holdfast.app.control.job_errors import JobForgotten, MachineSilent, MachineStayedAway
from holdfast.app.control.job_orders import error_record
from holdfast.app.control.plane import Plane
from holdfast.base.errors import HoldfastError
from holdfast.catalog import commands as command_rows
from holdfast.catalog import jobs as job_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Job, Machine
from holdfast.fleet.jobs import State

# Heartbeats come every half minute.
SILENCE = timedelta(minutes=10)
_AT_ONCE = 200
_MOST_OPEN = 5000
# A heartbeat may be late, and clocks differ.
_JUST_BEGUN = timedelta(minutes=1)
# The end of a job is told at once; should that be lost, it is seen so much later.
_LONGEST_LOOK = timedelta(minutes=15)
_SHORTEST_LOOK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a job stands: its state, and after how many seconds to look again unless it is over."""

    state: str
    is_over: bool
    wait: float = 0.0


def look(plane: Plane, job_id: str) -> Look:
    """How the job stands; one whose machine did not come in time is ended here."""
    now = plane.clock.now()
    with plane.database.write() as db:
        job = job_rows.locked(db, job_id)
        if job is None:
            return Look(state="gone", is_over=True)
        until = command_rows.deadline(db, job_id)
        if job.state == State.WAITING and until is not None and until <= now:
            _expire(db, plane, job, until)
        if State(job.state).is_over:
            return Look(state=job.state, is_over=True)
    left = until - now if until is not None and until > now else _LONGEST_LOOK
    wait = max(_SHORTEST_LOOK, min(left, _LONGEST_LOOK))
    return Look(state=job.state, is_over=False, wait=wait.total_seconds())


def give_up_silent(plane: Plane, *, silence: timedelta = SILENCE) -> int:
    """Running jobs of machines that are not heard of are lost, until their machine says otherwise."""
    limit = plane.clock.now() - silence
    with plane.database.write() as db:
        found = job_rows.running_on_silent(db, limit, limit=_AT_ONCE)
        for job_id in found:
            job = job_rows.locked(db, job_id)
            if job is not None and job.state == State.RUNNING:
                _lose(db, plane, job)
    return len(found)


def give_up_forgotten(plane: Plane) -> int:
    """Jobs that their machines had and no longer know; should one come back, its word counts."""
    with plane.database.write() as db:
        found = [
            job.id
            for job, machine in job_rows.open_on_machines(db, limit=_MOST_OPEN)
            if _is_forgotten(job, machine)
        ]
        for job_id in found:
            job = job_rows.locked(db, job_id)
            if job is not None and not State(job.state).is_over:
                machine = db.get(Machine, job.machine_id) if job.machine_id else None
                error = JobForgotten(machine=machine.name if machine else job.machine_id)
                command_rows.withdraw(db, job_id)
                end(db, plane, job, State.FAILED, error)
    return len(found)


def _is_forgotten(job: Job, machine: Machine) -> bool:
    """By the machine's last heartbeat, unless the job is younger than that, or about as old."""
    said, seen = machine.facts.get("clock"), machine.last_seen_at
    if said is None or seen is None or job.id in machine.facts.get("running", ()):
        return False
    began = max(job.created_at, job.started_at or job.created_at)
    return began < min(seen, datetime.fromisoformat(said)) - _JUST_BEGUN


def end(db: Session, plane: Plane, job: Job, state: State, error: HoldfastError | None) -> None:
    """The server's word on how a job ended."""
    job.state, job.ended_at = state.value, plane.clock.now()
    job.error = error_record(error) if error else None
    machine = db.get(Machine, job.machine_id) if job.machine_id else None
    tell_of_job(db, plane, job, machine)


def _expire(db: Session, plane: Plane, job: Job, until: datetime) -> None:
    # Taken but never begun counts as well: the machine's own report would still win.
    command_rows.withdraw(db, job.id)
    machine = db.get(Machine, job.machine_id) if job.machine_id else None
    name = machine.name if machine else job.machine_id
    error = MachineStayedAway(machine=name, until=until.isoformat(timespec="seconds"), job=job.id)
    end(db, plane, job, State.FAILED, error)


def _lose(db: Session, plane: Plane, job: Job) -> None:
    machine = db.get(Machine, job.machine_id) if job.machine_id else None
    seen = machine.last_seen_at if machine else None
    since = seen.isoformat(timespec="seconds") if seen else "?"
    error = MachineSilent(machine=machine.name if machine else job.machine_id, since=since)
    end(db, plane, job, State.LOST, error)
