"""Jobs, as people see them, order them and stop them."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from holdfast.app.control import job_orders, jobs
from holdfast.app.control.job_views import JobDetail, JobView, LineView
from holdfast.catalog.jobs import JobFilter
from holdfast.fleet.jobs import Kind, State
from holdfast.server.callers import Person, ThePlane
from holdfast.server.nudging import nudge
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["jobs"])

_MOST_HOURS = 30 * 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWanted:
    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)
    # How long the machine may stay away before the job is given up.
    wait_hours: Annotated[float, Field(gt=0, le=_MOST_HOURS)] = 24.0


# It only looks; `async` spares it the way through the thread pool.
async def _wanted(
    *,
    vault: str | None = None,
    machine: str | None = None,
    kind: Annotated[list[Kind] | None, Query()] = None,
    state: Annotated[list[State] | None, Query()] = None,
    since: AwareDatetime | None = None,
) -> JobFilter:
    return JobFilter(
        vault_id=vault,
        machine_id=machine,
        kinds=tuple(one.value for one in kind or ()),
        states=tuple(one.value for one in state or ()),
        since=since,
    )


@router.get("/jobs")
async def list_jobs(
    plane: ThePlane,
    person: Person,
    paging: Paging,
    wanted: Annotated[JobFilter, Depends(_wanted)],
) -> Page[JobView]:
    # The answer, which is long, is made without going to a thread a second time.
    return await asyncio.to_thread(jobs.list_jobs, plane, person, wanted, paging)


@router.get("/jobs/{job_id}")
def show_job(plane: ThePlane, person: Person, job_id: str) -> JobDetail:
    return jobs.show_job(plane, person, job_id)


@router.get("/jobs/{job_id}/lines")
def job_lines(plane: ThePlane, person: Person, job_id: str, paging: Paging) -> Page[LineView]:
    return jobs.job_lines(plane, person, job_id, paging)


@router.post("/machines/{machine_id}/jobs", status_code=201)
def order_job(plane: ThePlane, person: Person, machine_id: str, wanted: JobWanted) -> JobView:
    made = job_orders.order_job(
        plane,
        person,
        machine_id,
        kind=wanted.kind,
        arguments=wanted.arguments,
        wait=timedelta(hours=wanted.wait_hours),
    )
    nudge(made.id)
    return made


@router.post("/jobs/{job_id}/cancel")
def cancel_job(plane: ThePlane, person: Person, job_id: str) -> JobView:
    stopped = job_orders.cancel_job(plane, person, job_id)
    nudge(job_id)
    return stopped


@router.post("/jobs/{job_id}/retry", status_code=201)
def retry_job(plane: ThePlane, person: Person, job_id: str) -> JobView:
    made = job_orders.retry_job(plane, person, job_id)
    nudge(made.id)
    return made
