"""Jobs: what was done, what is being done, what a person wants done."""

from holdfast.app.control.access import require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.job_views import (
    JobDetail,
    JobView,
    LineView,
    about_of,
    assigned_text,
    line_view,
    step_view,
    view_of,
)
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.retelling import retold
from holdfast.base.texts import _
from holdfast.catalog import jobs as job_rows
from holdfast.catalog.database import Session
from holdfast.catalog.jobs import JobFilter
from holdfast.catalog.tables import Job, Machine
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right


def list_jobs(plane: Plane, actor: Actor, wanted: JobFilter, window: Window) -> Page[JobView]:
    """The newest first, of every vault the asker may read."""
    before = window.dated()
    with plane.database.read() as db:
        if wanted.vault_id is not None:
            require(db, actor, Right.READ, wanted.vault_id)
        rows = job_rows.newest_first(
            db,
            wanted,
            readable_by=None if actor.is_admin or actor.kind == "server" else actor.id,
            before=before,
            limit=window.one_more,
        )
    return make_page(
        rows,
        window,
        key=lambda row: [row.created_at.isoformat(), row.id],
        view=lambda row: view_of(row, row.machine, assigned_text(row.paths, row.policy)),
    )


def show_job(plane: Plane, actor: Actor, job_id: str) -> JobDetail:
    with plane.database.read() as db:
        job = job_for(db, actor, job_id, Right.READ)
        machine = db.get(Machine, job.machine_id) if job.machine_id else None
        return JobDetail(
            job=view_of(job, machine.name if machine else None, about_of(db, job.source)),
            arguments=job.arguments,
            steps=[step_view(row) for row in job_rows.steps(db, job_id)],
            result=job.result,
            error=retold(job.error),
            finding=job.finding,
        )


def job_lines(plane: Plane, actor: Actor, job_id: str, window: Window) -> Page[LineView]:
    """The log, in the order it arrived. `next` is there to the end, for whoever follows it."""
    after = window.number() or 0
    with plane.database.read() as db:
        job_for(db, actor, job_id, Right.READ)
        rows = job_rows.lines(db, job_id, after=after, limit=window.one_more)
    return make_page(rows, window, key=lambda row: [str(row.id)], view=line_view)


def job_for(db: Session, actor: Actor, job_id: str, right: Right) -> Job:
    """The job, if the asker has this right on its vault."""
    job = db.get(Job, job_id)
    if job is None:
        raise NotThere(what=_("job"), name=job_id)
    require(db, actor, right, job.vault_id)
    return job
