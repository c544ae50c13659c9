"""From jobs to workflows: each job that the server has to see to its end has exactly one."""

from collections.abc import Iterator
from datetime import timedelta

from dbos import DBOS, SetWorkflowID
from dbos import error as engine_errors

from holdfast.app.control.plane import Plane
from holdfast.catalog import jobs as job_rows
from holdfast.catalog.tables import Job
from holdfast.fleet.jobs import Kind, State
from holdfast.server.workflows.holding import PLANS, WATCH, WORK, held, plane, workflow_of
from holdfast.server.workflows.watching import NEWS, watch_job
from holdfast.server.workflows.working import SLICES, work

_ORIGINS = ("person", "server")
_AT_ONCE = 500
# Ended by an error that is none of ours, or by a database that was away.
_FAILED = "ERROR"
_STOPPED = frozenset({"CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


def hear(job_id: str) -> None:
    """Something happened to this job: it was ordered, cancelled, or is over."""
    with plane().database.read() as db:
        job = db.get(Job, job_id)
    if job is None or job.origin not in _ORIGINS:
        return
    if not State(job.state).is_over:
        watch(job_id, job.kind)
    elif job.kind not in SLICES:
        _tell(job_id)


def watch(job_id: str, kind: str) -> None:
    """Asked for twice it is the same workflow."""
    with SetWorkflowID(workflow_of(job_id)):
        if kind in SLICES:
            DBOS.enqueue_workflow(_queue_of(kind), work, job_id, kind)
        else:
            DBOS.enqueue_workflow(WATCH, watch_job, job_id)


def watch_all() -> int:
    """Jobs without a workflow: their server died before it began one, or the workflow broke."""
    mended = 0
    for jobs in _pages(plane()):
        states = _states([workflow_of(job_id) for job_id, _kind in jobs])
        for job_id, kind in jobs:
            mended += _mend(job_id, kind, states.get(workflow_of(job_id)))
    return mended


def _mend(job_id: str, kind: str, state: str | None) -> bool:
    if state == _FAILED:
        # Begun anew; work that fails for ever is given up by the count of its beginnings.
        DBOS.delete_workflows([workflow_of(job_id)])
        watch(job_id, kind)
    elif state is None:
        watch(job_id, kind)
    elif state in _STOPPED:
        DBOS.resume_workflow(workflow_of(job_id), queue_name=_queue_of(kind))
    else:
        return False
    return True


def _queue_of(kind: str) -> str:
    if kind == Kind.RECOVERY_PLAN:
        return PLANS
    return WORK if kind in SLICES else WATCH


def _states(workflow_ids: list[str]) -> dict[str, str]:
    found = DBOS.list_workflows(workflow_ids=workflow_ids, load_input=False, load_output=False)
    return {one.workflow_id: one.status for one in found}


def forget_finished() -> int:
    """The engine keeps all that ever was; we have job rows for that."""
    return _forget_older(held().limits.finished)


def _forget_older(age: timedelta) -> int:
    before = (plane().clock.now() - age).isoformat()
    done = DBOS.list_workflows(
        completed_before=before, limit=_AT_ONCE, load_input=False, load_output=False
    )
    found = [status.workflow_id for status in done]
    if found:
        DBOS.delete_workflows(found)
    return len(found)


def _pages(of: Plane) -> Iterator[list[tuple[str, str]]]:
    after = ""
    while True:
        with of.database.read() as db:
            jobs = list(job_rows.open_of(db, _ORIGINS, after=after, limit=_AT_ONCE))
        if not jobs:
            return
        yield jobs
        after, _kind = jobs[-1]


def _tell(job_id: str) -> None:
    try:
        DBOS.send(workflow_of(job_id), NEWS, NEWS)
    except engine_errors.DBOSNonExistentWorkflowError:
        # It ended long ago and was forgotten.
        return
