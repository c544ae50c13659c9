"""Am I safe? The figures, the lists behind them, and what is wrong by its causes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from holdfast.app.control import overview, problems, safety_views
from holdfast.app.control.overview_views import OverviewView
from holdfast.app.control.problems import ProblemView
from holdfast.app.control.safety import Safety
from holdfast.app.control.safety_views import SafetyView, Wanted
from holdfast.server.callers import Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["overview"])


@router.get("/overview")
def show(plane: ThePlane, person: Person) -> OverviewView:
    """Of all vaults one may look into; at most two seconds old."""
    return overview.show_overview(plane, person)


@router.get("/safety")
def list_safety(  # noqa: PLR0913  what they can be chosen by
    plane: ThePlane,
    person: Person,
    window: Paging,
    *,
    kind: Literal["machine", "vm"] | None = None,
    safety: Safety | None = None,
    vault: Annotated[str | None, Query(description="Id or name.")] = None,
    proven: Annotated[
        bool | None,
        Query(
            description="Of what is protected or at risk: shown to come back within 90 days, or not."
        ),
    ] = None,
) -> Page[SafetyView]:
    """Machines and virtual machines with how safe each is and why; sorted by name."""
    wanted = Wanted(kind=kind, safety=safety, vault=vault, is_proven=proven)
    return safety_views.list_safety(plane, person, window, wanted=wanted)


@router.get("/problems")
def list_problems(plane: ThePlane, person: Person, window: Paging) -> Page[ProblemView]:
    """One for each cause, with all that has it; the gravest and widest first."""
    return problems.list_problems(plane, person, window)


@router.get("/problems/{problem_id}")
def show_problem(plane: ThePlane, person: Person, problem_id: str) -> ProblemView:
    """With everything that has it by name."""
    return problems.show_problem(plane, person, problem_id)
