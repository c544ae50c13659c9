"""What machines tell about their jobs: reports may come twice, late and out of order.

A report says all about a job at one moment, so the highest number wins, whatever the server has
made of the job meanwhile: who does the work knows best how it ended. Only the log is told piece
by piece; its lines are put together from all reports, and one that is known is not written twice.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict

from holdfast.app.control.alerting import tell_of_job
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.job_errors import ReportWrong
from holdfast.app.control.plane import Actor, Plane
from holdfast.base.texts import _
from holdfast.catalog import jobs as job_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Job, JobLine, JobStep, Machine
from holdfast.fleet.jobs import Kind, State, StepState
from holdfast.fleet.messages import JobReport, JobReportReply, Line, Step
from holdfast.fleet.recovery_arguments import OF_RECOVERY

# What the server alone does, no machine can tell of.
OF_MACHINES = (
    *(Kind.BACKUP, Kind.RETAIN, Kind.PRUNE, Kind.CHECK),
    *(Kind.RESTORE, Kind.DOCTOR),
    *(Kind.PROTECT, Kind.UNPROTECT, Kind.RESTORE_VM),
    *(Kind.REPLICATE, Kind.PAUSE_REPLICATION, Kind.RESUME_REPLICATION),
    *(Kind.RESYNC_REPLICATION, Kind.END_REPLICATION),
    *(kind for kind in OF_RECOVERY if kind is not Kind.RECOVERY_PLAN),
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{3,63}")
_MOST_LINES = 10_000
_MOST_STEPS = 500
_LONGEST_LINE = 4_000


def report_job(plane: Plane, actor: Actor, job_id: str, report: JobReport) -> JobReportReply:
    """Take in what a machine says about one of its jobs."""
    if actor.kind != "machine":
        raise NotAllowed(actor=str(actor), right="report", object=job_id)
    _check(job_id, report)
    with plane.database.write() as db:
        job = job_rows.locked(db, job_id) or _first_seen(db, actor, job_id, report)
        if job.machine_id != actor.id:
            # Another machine's job is none of its business, not even that it is there.
            raise NotThere(what=_("job"), name=job_id)
        if report.number > job.report_number:
            before = job.state
            _replace(db, job, report)
            if job.state != before:
                tell_of_job(db, plane, job, db.get(Machine, actor.id))
        _add_lines(db, job, report.lines)
        is_over = State(job.state).is_over
        return JobReportReply(
            number=job.report_number, cancel=job.cancel_asked_at is not None and not is_over
        )


def _check(job_id: str, report: JobReport) -> None:
    if not _ID.fullmatch(job_id):
        raise NotThere(what=_("job"), name=job_id)
    if report.kind not in {kind.value for kind in OF_MACHINES}:
        raise ReportWrong(job=job_id, reason=f"kind {report.kind!r}")
    if report.state not in {state.value for state in State} - {State.LOST.value}:
        raise ReportWrong(job=job_id, reason=f"state {report.state!r}")
    if len(report.steps) > _MOST_STEPS:
        raise ReportWrong(job=job_id, reason=f"{len(report.steps)} steps")
    known = {state.value for state in StepState}
    for step in report.steps:
        if step.state not in known:
            raise ReportWrong(job=job_id, reason=f"step state {step.state!r}")


def _first_seen(db: Session, actor: Actor, job_id: str, report: JobReport) -> Job:
    """A job the machine began of its own accord, as by its schedule."""
    machine = db.get(Machine, actor.id)
    if machine is None:
        raise NotThere(what=_("machine"), name=actor.id)
    origin = report.origin if report.origin in ("schedule", "machine") else "machine"
    job_rows.add_if_absent(
        db,
        {
            "id": job_id,
            "vault_id": machine.vault_id,
            "machine_id": machine.id,
            "kind": report.kind,
            "origin": origin,
            "source": report.source,
            "state": State.WAITING.value,
            "arguments": report.arguments,
            "created_at": report.created_at,
            "progress": {},
            "asked_by": "",
            "attempts": 0,
            "report_number": 0,
        },
    )
    job = job_rows.locked(db, job_id)
    assert job is not None
    return job


def _replace(db: Session, job: Job, report: JobReport) -> None:
    job.report_number = report.number
    job.state = report.state
    job.started_at = report.started_at
    job.ended_at = report.ended_at
    job.attempts = report.attempts
    job.progress = report.progress
    job.result, job.error, job.finding = report.result, report.error, report.finding
    _replace_steps(db, job, report.steps)


def _replace_steps(db: Session, job: Job, steps: Sequence[Step]) -> None:
    told = {step.number: step for step in steps}
    for row in job_rows.steps(db, job.id):
        step = told.pop(row.number, None)
        if step is None:
            db.delete(row)
        else:
            row.name, row.state, row.detail = step.name, step.state, step.detail
            row.started_at, row.ended_at = step.started_at, step.ended_at
    db.add_all(JobStep(job_id=job.id, **asdict(step)) for step in told.values())


def _add_lines(db: Session, job: Job, lines: Sequence[Line]) -> None:
    if not lines:
        return
    known = {
        (row.at, row.level, row.text)
        for row in job_rows.lines_at(db, job.id, (line.at for line in lines))
    }
    room = _MOST_LINES - job_rows.count_lines(db, job.id)
    fresh: list[JobLine] = []
    for line in lines:
        key = (line.at, line.level, line.text[:_LONGEST_LINE])
        if key not in known and len(fresh) < room:
            known.add(key)
            fresh.append(JobLine(job_id=job.id, at=key[0], level=key[1], text=key[2]))
    db.add_all(fresh)
