"""Recovery points: told by agents, shown to people."""

from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime

from holdfast.app.control import point_lists, points
from holdfast.app.control.point_lists import Calendar, PointLine, PointWanted
from holdfast.app.control.points import PointsTaken, PointView
from holdfast.fleet.messages import PointsTold
from holdfast.server.callers import Machine, Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["points"])


@router.put("/agent/points")
def tell(plane: ThePlane, machine: Machine, told: PointsTold) -> PointsTaken:
    """Every recovery point of the machine: those not named are gone."""
    return points.take_points(plane, machine, told)


@router.get("/machines/{machine_id}/points")
def list_points(
    plane: ThePlane, person: Person, machine_id: str, window: Paging
) -> Page[PointView]:
    """Newest first, with the rules that hold each and until when."""
    return points.list_points(plane, person, machine_id, window)


@router.get("/machines/{machine_id}/points/{point_id}")
def show_point(plane: ThePlane, person: Person, machine_id: str, point_id: str) -> PointView:
    return points.show_point(plane, person, machine_id, point_id)


# It only looks; `async` spares it the way through the thread pool.
async def _wanted(
    vault: str | None = None, machine: str | None = None, vm: str | None = None
) -> PointWanted:
    return PointWanted(vault=vault, machine=machine, vm=vm)


Wanted = Annotated[PointWanted, Depends(_wanted)]


@router.get("/points")
def list_all_points(
    plane: ThePlane,
    person: Person,
    window: Paging,
    wanted: Wanted,
    since: AwareDatetime | None = None,
    before: AwareDatetime | None = None,
) -> Page[PointLine]:
    """Of every machine one may look at, newest first."""
    wanted = replace(wanted, since=since, before=before)
    return point_lists.list_all_points(plane, person, wanted, window)


@router.get("/points/calendar")
def calendar(
    plane: ThePlane,
    person: Person,
    wanted: Wanted,
    first: date | None = None,
    last: date | None = None,
    zone: str = "UTC",
) -> Calendar:
    """What was kept on each day, by the clocks of a zone; at most about a year, up to today."""
    return point_lists.points_calendar(plane, person, wanted, first=first, last=last, zone=zone)
