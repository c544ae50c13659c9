"""What agents ask and tell: heartbeats, commands, reports. Each shows its certificate."""

import asyncio
from dataclasses import replace
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
from holdfast.server.callers import Machine, Shown, ThePlane, Visitor
from holdfast.server.nudging import nudge

router = APIRouter(prefix="/agent", tags=["agents"])
LONGEST_WAIT = 60.0


# What thousands of machines ask again and again goes to a thread once, and does all of it there.
@router.post("/heartbeat")
async def heartbeat(
    request: Request, plane: ThePlane, visitor: Shown, told: Heartbeat
) -> HeartbeatReply:
    book = book_of(request, plane)

    def work() -> HeartbeatReply:
        return beat(plane, visitor.machine(), book, told)

    return await asyncio.to_thread(work)


@router.get("/commands")
async def commands(
    request: Request,
    plane: ThePlane,
    visitor: Shown,
    after: Annotated[int, Query(ge=0, description="The highest number that is known.")] = 0,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds.")] = 0,
    *,
    questions: Annotated[bool, Query(description="Whether it answers questions.")] = False,
) -> Commands:
    """Commands beyond `after`, and questions, at once or as soon as there are some.

    When the time is over it is all that was not taken, `after` or not: for whoever lost one.
    """

    def look(after: int) -> Commands:
        machine = visitor.machine()
        found = open_commands(plane, machine, after=after)
        return replace(found, questions=plane.desk.take(machine.id)) if questions else found

    if wait == 0:
        return await asyncio.to_thread(look, after)
    machine_id = await _machine_id(request, visitor)
    async with bell_of(request, plane).listening(machine_id) as waiter:
        found = await asyncio.to_thread(look, after)
        if found.commands or found.questions:
            return found
        done, _waiting = await asyncio.wait([waiter], timeout=wait)
    return await asyncio.to_thread(look, after if done else 0)


@router.post("/commands/{number}/taken", status_code=204)
def taken(plane: ThePlane, machine: Machine, number: int) -> None:
    take_command(plane, machine, number)


@router.put("/jobs/{job_id}")
async def report(plane: ThePlane, visitor: Shown, job_id: str, told: JobReport) -> JobReportReply:
    def work() -> JobReportReply:
        reply = report_job(plane, visitor.machine(), job_id, told)
        if State(told.state).is_over:
            nudge(job_id)
        return reply

    return await asyncio.to_thread(work)


async def _machine_id(request: Request, visitor: Visitor) -> str:
    """A certificate stays that of its machine; whether it is still good is looked at each time."""
    state = request.app.state
    if not hasattr(state, "machine_ids"):
        state.machine_ids = {}
    ids: dict[str, str] = state.machine_ids
    if visitor.fingerprint not in ids:
        machine = await asyncio.to_thread(visitor.machine)
        ids[visitor.fingerprint] = machine.id
    return ids[visitor.fingerprint]


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
        plane.desk.listen(state.bell.ring_soon)
    bell = state.bell
    assert isinstance(bell, Bell)
    return bell
