"""What people order: a job to be done, to be stopped, to be done again."""

from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control import audit, commands
from holdfast.app.control.access import require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.job_errors import (
    ArgumentsWrong,
    JobNotOver,
    JobOver,
    MachineGone,
    NotForMachines,
)
from holdfast.app.control.job_reports import OF_MACHINES
from holdfast.app.control.job_views import JobView, view_of
from holdfast.app.control.jobs import job_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replaying import done_before, id_for, made_before, note_done
from holdfast.app.control.replication_ends import require_may_remove
from holdfast.app.control.replication_shortening import require_may_keep_less
from holdfast.app.control.sites import site_for
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.catalog import commands as command_rows
from holdfast.catalog import jobs as job_rows
from holdfast.catalog import leases as lease_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Assignment, Job, Machine
from holdfast.fleet.arguments import asked_again, read_arguments, source_of
from holdfast.fleet.job_errors import AnotherJobInProgress
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.recovery_arguments import LONGEST_WAIT, is_meant_now
from holdfast.fleet.roles import Right

# How long an offer stands when its machine does not come.
USUAL_WAIT = timedelta(hours=24)
# An operator deletes nothing, not even what a policy no longer keeps.
_RIGHTS = {
    Kind.RETAIN: Right.DELETE_DATA,
    Kind.PRUNE: Right.DELETE_DATA,
    Kind.RESTORE: Right.RESTORE,
    Kind.RESTORE_VM: Right.RESTORE,
    # As a policy that is detached: from then on nothing is backed up.
    Kind.UNPROTECT: Right.CHANGE_POLICIES,
    Kind.END_REPLICATION: Right.CHANGE_POLICIES,
}
# What is set by them is asked for later, when the jobs are long gone.
_SETTINGS = frozenset((Kind.REPLICATE, Kind.SCHEDULE_DRILL))
# For one machine; the first are its own work, the last is done in its place by the server.
_TO_ORDER = (*OF_MACHINES, Kind.SCRUB)


def order_job(
    plane: Plane,
    actor: Actor,
    machine_id: str,
    *,
    kind: str,
    arguments: dict[str, Any],
    wait: timedelta = USUAL_WAIT,
) -> JobView:
    """Offer work to a machine; while another job holds the source, only a record that it was asked for."""
    wanted = _kind(kind, actor)
    with plane.database.write() as db:
        # Locked, so that of two orders for one source only one finds it free.
        machine = lease_rows.lock_machine(db, machine_id)
        if machine is None:
            raise NotThere(what=_("machine"), name=machine_id)
        require(db, actor, right_for(wanted, arguments), machine.vault_id)
        same = {"machine_id": machine.id, "kind": kind}
        before = made_before(plane, db, actor, table=Job, same=same, at="created_at")
        if before is not None:
            return view_of(before, machine.name)
        if machine.state != "active":
            raise MachineGone(machine=machine.name, state=machine.state)
        told = arguments_of(wanted, arguments)
        _check_assignment(db, machine, told.get("assignment"))
        if wanted is Kind.REPLICATE:
            # Whose site it is has a say in who fills it.
            site_for(db, actor, told["to"], Right.RUN_JOBS)
            require_may_keep_less(plane, db, actor, machine, told)
        if wanted is Kind.END_REPLICATION and not told["keep_replica"]:
            _require_may_remove(plane, db, actor, machine, told["vm"])
        job = _new_job(plane, actor, machine, wanted, told)
        holder = job_rows.open_on(db, machine.id, job.source)
        db.add(job)
        db.flush()
        if holder is not None:
            _skip(job, holder, now=job.created_at)
        elif wanted in OF_MACHINES:
            now = job.created_at
            commands.offer(db, job, now=now, expires_at=now + _shorter(wanted, wait))
        audit.note(
            db,
            plane,
            actor,
            act="job",
            vault_id=machine.vault_id,
            object=job.id,
            detail=_noted(job),
        )
        return view_of(job, machine.name)


def _require_may_remove(plane: Plane, db: Session, actor: Actor, machine: Machine, vm: str) -> None:
    """The host does it, and knows of no PIN."""
    request = {"machine": machine.id, "vm": vm}
    require_may_remove(plane, db, actor, machine, request, about=f"{machine.name}/{vm}")


def right_for(kind: Kind, arguments: dict[str, Any]) -> Right:
    """What somebody must be allowed to, to order this."""
    if kind is Kind.COMMIT and arguments.get("complete_migration"):
        # From then on nothing of it is protected, and there is no way back.
        return Right.CHANGE_POLICIES
    if kind is Kind.SCHEDULE_DRILL and arguments.get("never"):
        # From then on nothing proves that it would come back.
        return Right.CHANGE_POLICIES
    return _RIGHTS.get(kind, Right.RUN_JOBS)


def cancel_job(plane: Plane, actor: Actor, job_id: str) -> JobView:
    """What waits ends at once; what runs is told to stop, and says itself when it has."""
    now = plane.clock.now()
    with plane.database.write() as db:
        job_for(db, actor, job_id, Right.CANCEL_JOBS)
        job = job_rows.locked(db, job_id)
        assert job is not None
        if done_before(db, actor) is None:
            _require_open(job)
            if job.cancel_asked_at is None:
                _cancel(db, job, now)
                audit.note(db, plane, actor, act="job-cancel", vault_id=job.vault_id, object=job.id)
            note_done(db, actor)
        machine = db.get(Machine, job.machine_id) if job.machine_id else None
        return view_of(job, machine.name if machine else None)


def retry_job(plane: Plane, actor: Actor, job_id: str) -> JobView:
    """The same once more, as a job of its own."""
    with plane.database.read() as db:
        job = job_for(db, actor, job_id, Right.READ)
    if not State(job.state).is_over:
        raise JobNotOver(job=job_id, state=job.state)
    if job.machine_id is None:
        raise NotForMachines(kind=job.kind, kinds=", ".join(_TO_ORDER))
    arguments = asked_again(Kind(job.kind), job.arguments)
    return order_job(plane, actor, job.machine_id, kind=job.kind, arguments=arguments)


def error_record(error: HoldfastError) -> dict[str, Any]:
    """An error as a job carries it."""
    return {
        "code": error.code,
        "message": str(error),
        "remedy": error.advice,
        "retry": error.retry.value,
        "source_codes": list(error.source_codes),
        "fields": {name: str(value) for name, value in error.fields.items()},
    }


def _shorter(kind: Kind, wait: timedelta) -> timedelta:
    """A failover is meant now: it must not begin tomorrow, when its host comes back."""
    return min(wait, LONGEST_WAIT) if is_meant_now(kind) else wait


def _kind(name: str, actor: Actor) -> Kind:
    is_of_plan = name == Kind.PLAN_ACTION.value and actor.kind != "server"
    if is_of_plan or name not in {kind.value for kind in _TO_ORDER}:
        raise NotForMachines(kind=name, kinds=", ".join(_TO_ORDER))
    return Kind(name)


def arguments_of(kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
    """As a job of this kind is told them, with the defaults."""
    try:
        return read_arguments(kind, given)
    except ValueError as err:
        raise ArgumentsWrong(kind=kind.value, reason=err) from err


def _check_assignment(db: Session, machine: Machine, assignment_id: str | None) -> None:
    """The agent knows what its assignments say; here it has to be one of its own."""
    if assignment_id is None:
        return
    assignment = db.get(Assignment, assignment_id)
    if assignment is None or assignment.machine_id != machine.id:
        raise NotThere(what=_("assignment"), name=assignment_id)


def _new_job(
    plane: Plane, actor: Actor, machine: Machine, kind: Kind, arguments: dict[str, Any]
) -> Job:
    return Job(
        id=id_for(actor),
        vault_id=machine.vault_id,
        machine_id=machine.id,
        kind=kind.value,
        origin="server" if actor.kind == "server" else "person",
        source=source_of(kind, arguments),
        state=State.WAITING.value,
        arguments=arguments,
        asked_by=str(actor),
        created_at=plane.clock.now(),
        attempts=0,
        report_number=0,
        progress={},
    )


def _noted(job: Job) -> dict[str, Any]:
    told = {"kind": job.kind, "machine": job.machine_id, "state": job.state}
    return {**told, "arguments": job.arguments} if job.kind in _SETTINGS else told


def _skip(job: Job, holder: Job, *, now: datetime) -> None:
    since = holder.started_at or holder.created_at
    busy = AnotherJobInProgress(since=f"{since.astimezone():%Y-%m-%d %H:%M:%S %Z}", job=holder.id)
    job.state, job.ended_at, job.error = State.SKIPPED.value, now, error_record(busy)


def _require_open(job: Job) -> None:
    state = State(job.state)
    if state.is_over and state is not State.LOST:
        raise JobOver(job=job.id, state=job.state)


def _cancel(db: Session, job: Job, now: datetime) -> None:
    job.cancel_asked_at = now
    is_machines_own = job.kind in {kind.value for kind in OF_MACHINES}
    if job.state == State.WAITING and (command_rows.withdraw(db, job.id) or not is_machines_own):
        job.state, job.ended_at = State.CANCELLED.value, now
    elif is_machines_own:
        commands.offer_cancel(db, job, now=now)
