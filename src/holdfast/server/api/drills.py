"""Drills: brought by the agents of the hosts they are run on, shown to people."""

from fastapi import APIRouter, Response

from holdfast.app.control import drills
from holdfast.app.control.drills import DrillRunDetail, DrillRunView, DrillView
from holdfast.fleet.recovery_messages import DrillRunsKnown, DrillRunTold
from holdfast.server.callers import Machine, Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["recovery"])
# A report is read, not run: nothing of it may reach for anything.
_STILL = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/drills")
def list_drills(plane: ThePlane, person: Person, vault: str | None = None) -> list[DrillView]:
    """Every machine that is replicated, with how its last drill went; sorted by name."""
    return drills.list_drills(plane, person, vault=vault)


@router.get("/drill-runs")
def list_runs(
    plane: ThePlane,
    person: Person,
    window: Paging,
    vault: str | None = None,
    vm: str | None = None,
) -> Page[DrillRunView]:
    """The newest first; `vm` by name or UUID."""
    return drills.list_runs(plane, person, window, vault=vault, vm=vm)


@router.get("/drill-runs/{run}")
def show(plane: ThePlane, person: Person, run: str) -> DrillRunDetail:
    """With its checks and parts as its host keeps them, and the runs before it."""
    return drills.show_run(plane, person, run)


@router.get("/drill-runs/{run}/report", response_class=Response)
def report(plane: ThePlane, person: Person, run: str) -> Response:
    """A page of HTML that needs nothing beside it, in the language of who asks."""
    page = drills.show_report(plane, person, run)
    return Response(page, media_type="text/html; charset=utf-8", headers=_STILL)


@router.get("/drill-runs/{run}/picture", response_class=Response)
def picture(plane: ThePlane, person: Person, run: str) -> Response:
    """What its screen showed, as PNG."""
    content = drills.show_picture(plane, person, run)
    return Response(content, media_type="image/png", headers=_STILL)


@router.get("/agent/drill-runs")
def known(plane: ThePlane, machine: Machine) -> DrillRunsKnown:
    """Those the server has of the host that asks."""
    return drills.known_runs(plane, machine)


@router.put("/agent/drill-runs", status_code=204)
def tell(plane: ThePlane, machine: Machine, told: DrillRunTold) -> None:
    """One that is new, or other than it was."""
    drills.take_run(plane, machine, told)
