"""Recovery plans: kept by the server, run by it across several hosts."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Response

from holdfast.app.control import plan_checks, plan_run_views, plan_runs, recovery_plans
from holdfast.app.control.job_views import JobView
from holdfast.app.control.plan_checks import PlanCheck
from holdfast.app.control.plan_run_views import PlanRunDetail, PlanRunView
from holdfast.app.control.recovery_plans import PlanView
from holdfast.server.callers import Person, ThePlane
from holdfast.server.nudging import nudge

router = APIRouter(tags=["recovery"])
_STILL = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanText:
    # YAML, as docs/recovery-plan-format.md describes it.
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWanted:
    act: Literal["test", "planned", "unplanned"] = "test"
    # Agreed to by a person: nothing of its machines runs at their sources any more.
    source_is_down: bool = False
    # Of an unplanned run: sources that still answer shut down and send their last first.
    try_shut_down: bool = False
    # Of a test: how long it stays, as in "2h".
    keep: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    step: str
    decision: Literal["yes", "no", "again", "go-on", "stop"]


@router.put("/vaults/{vault}/recovery-plans")
def put(plane: ThePlane, person: Person, vault: str, wanted: PlanText) -> PlanView:
    """Under the name that stands in it; one of that name is replaced."""
    return recovery_plans.put_plan(plane, person, vault, wanted.text)


@router.post("/vaults/{vault}/recovery-plans/check")
def check(plane: ThePlane, person: Person, vault: str, wanted: PlanText) -> PlanCheck:
    """All that is wrong with it, by line, and what it would do. Nothing is kept."""
    return plan_checks.check_plan(plane, person, vault, wanted.text)


@router.get("/recovery-plans")
def list_plans(plane: ThePlane, person: Person, vault: str | None = None) -> list[PlanView]:
    """Sorted by name."""
    return recovery_plans.list_plans(plane, person, vault=vault)


@router.get("/recovery-plans/{plan_id}")
def show(plane: ThePlane, person: Person, plan_id: str) -> PlanView:
    return recovery_plans.show_plan(plane, person, plan_id)


@router.get("/recovery-plans/{plan_id}/picture")
def picture(plane: ThePlane, person: Person, plan_id: str) -> PlanCheck:
    """Its groups and machines, each as the server knows it now."""
    return plan_checks.show_plan_picture(plane, person, plan_id)


@router.get("/recovery-plan-runs")
def list_runs(plane: ThePlane, person: Person, plan: str | None = None) -> list[PlanRunView]:
    """The newest first; of the plan of that id, or of all."""
    return plan_run_views.list_plan_runs(plane, person, plan_id=plan)


@router.get("/recovery-plan-runs/{job_id}")
def show_run(plane: ThePlane, person: Person, job_id: str) -> PlanRunDetail:
    """With its steps, what it asks of a person now, and how long each part took."""
    return plan_run_views.show_plan_run(plane, person, job_id)


@router.get("/recovery-plan-runs/{job_id}/report", response_class=Response)
def report(plane: ThePlane, person: Person, job_id: str) -> Response:
    """A page of HTML that needs nothing beside it, in the language of who asks."""
    page = plan_run_views.show_plan_report(plane, person, job_id)
    return Response(page, media_type="text/html; charset=utf-8", headers=_STILL)


@router.delete("/recovery-plans/{plan_id}", status_code=204)
def remove(plane: ThePlane, person: Person, plan_id: str) -> None:
    """Runs that are under way go on."""
    recovery_plans.remove_plan(plane, person, plan_id)


@router.post("/recovery-plans/{plan_id}/runs", status_code=201)
def run(plane: ThePlane, person: Person, plan_id: str, wanted: RunWanted) -> JobView:
    """A job of the server, whose steps are jobs of the hosts that have the replicas."""
    made = plan_runs.begin_run(
        plane,
        person,
        plan_id,
        act=wanted.act,
        source_is_down=wanted.source_is_down,
        try_shut_down=wanted.try_shut_down,
        keep=wanted.keep,
    )
    nudge(made.id)
    return made


@router.post("/recovery-plan-runs/{job_id}/answers", status_code=201)
def answer(plane: ThePlane, person: Person, job_id: str, told: Answer) -> JobView:
    """To what the plan asks, or about a step that failed."""
    return plan_runs.answer(plane, person, job_id, step=told.step, decision=told.decision)


@router.post("/recovery-plan-runs/{job_id}/resume", status_code=201)
def resume(plane: ThePlane, person: Person, job_id: str) -> JobView:
    """What failed is tried again, in a job of its own."""
    made = plan_runs.resume_run(plane, person, job_id)
    nudge(made.id)
    return made
