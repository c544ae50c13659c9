"""Recovery points: told by agents, shown to people."""

from fastapi import APIRouter

from holdfast.app.control import points
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
