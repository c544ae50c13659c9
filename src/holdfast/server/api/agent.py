"""What agents ask and tell: heartbeats, commands, reports. Each shows its certificate."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request

from holdfast.app.control.commands import newest_command, open_commands, take_command, told_since
from holdfast.app.control.heartbeats import HeartbeatBook, beat
from holdfast.app.control.job_reports import report_job
from holdfast.fleet.jobs import State
from holdfast.fleet.messages import (
    Commands,
    Heartbeat,
    HeartbeatReply,
    JobReport,
    JobReportReply,
)
from holdfast.server.bell import Bell
from holdfast.server.callers import Machine, ThePlane
from holdfast.server.nudging import nudge

router = APIRouter(prefix="/agent", tags=["agents"])
LONGEST_WAIT = 60.0


@router.post("/heartbeat")
def heartbeat(
    request: Request, plane: ThePlane, machine: Machine, told: Heartbeat
) -> HeartbeatReply:
    return beat(plane, machine, book_of(request, plane), told)


@router.get("/commands")
async def commands(
    request: Request,
    plane: ThePlane,
    machine: Machine,
    after: Annotated[int, Query(ge=0, description="The highest number that is known.")] = 0,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds.")] = 0,
) -> Commands:
    """Commands beyond `after`, at once or as soon as there are some.

    When the time is over it is all that was not taken, `after` or not: for whoever lost one.
    """
    if wait == 0:
        return await asyncio.to_thread(open_commands, plane, machine, after=after)
    async with bell_of(request, plane).listening(machine.id) as waiter:
        found = await asyncio.to_thread(open_commands, plane, machine, after=after)
        if found.commands:
            return found
        done, _waiting = await asyncio.wait([waiter], timeout=wait)
    return await asyncio.to_thread(open_commands, plane, machine, after=after if done else 0)


@router.post("/commands/{number}/taken", status_code=204)
def taken(plane: ThePlane, machine: Machine, number: int) -> None:
    take_command(plane, machine, number)


@router.put("/jobs/{job_id}")
def report(plane: ThePlane, machine: Machine, job_id: str, told: JobReport) -> JobReportReply:
    reply = report_job(plane, machine, job_id, told)
    if State(told.state).is_over:
        nudge(job_id)
    return reply


def book_of(request: Request, plane: ThePlane) -> HeartbeatBook:
    state = request.app.state
    if not hasattr(state, "heartbeats"):
        state.heartbeats = HeartbeatBook(plane)
    book = state.heartbeats
    assert isinstance(book, HeartbeatBook)
    return book


def bell_of(request: Request, plane: ThePlane) -> Bell:
    state = request.app.state
    if not hasattr(state, "bell"):
        state.bell = Bell(
            newest=lambda: newest_command(plane), since=lambda number: told_since(plane, number)
        )
    bell = state.bell
    assert isinstance(bell, Bell)
    return bell
