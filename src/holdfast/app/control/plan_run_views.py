"""Runs of recovery plans as people see them: steps, what is asked of a person, how long it took."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from holdfast.app.control.access import readable_vaults
from holdfast.app.control.plan_runs import plan_of, progress_of, run_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_plans import plan_for
from holdfast.base.texts import _
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog.tables import Job
from holdfast.fleet.roles import Right
from holdfast.recovery.address_rules import rule_text
from holdfast.recovery.plans.context import addresses_of, networks_of
from holdfast.recovery.plans.engine import Question, questions
from holdfast.recovery.plans.html_report import html_report
from holdfast.recovery.plans.measuring import Measured, measure
from holdfast.recovery.plans.plan import Kind as PlanKind
from holdfast.recovery.plans.plan import Plan
from holdfast.recovery.plans.progress import Progress, StepProgress
from holdfast.recovery.plans.steps import Doing, Step, told_steps
from holdfast.recovery.plans.texts import outcome_text, step_text

_MOST = 200
# What may be answered, to a question of the plan and about a step that failed.
_ANSWERS = {False: ["yes", "no"], True: ["again", "go-on", "stop"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    id: str
    group: str
    machine: str
    # action, start, hold, clean-up
    doing: str
    # In the language of who asks.
    text: str
    # running, done, already, failed, skipped; empty: it has not begun.
    state: str
    began_at: datetime | None
    ended_at: datetime | None
    said: str
    error: str
    decision: str
    decided_by: str
    # Steps that must be settled before it begins.
    after: list[str]
    # The job of the host that does it, if one does.
    job: str
    # Of a start: what the plan says for this kind of run, as `failover` takes it.
    networks: list[str]
    addresses: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuestion:
    step: str
    text: str
    # What the plan asks, or what the step failed with.
    question: str
    is_about_failure: bool
    answers: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigure:
    """Seconds; None: it did not come to that, or nothing was promised."""

    name: str
    took: float | None
    since_begin: float | None
    asking: float
    objective: int | None
    is_met: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRunView:
    # The id of its job.
    id: str
    vault_id: str
    plan: str
    # test, planned, unplanned
    kind: str
    who: str
    begun_at: datetime
    ended_at: datetime | None
    # succeeded, with-failures, stopped, cancelled; empty: under way.
    outcome: str
    outcome_text: str
    # The job it went on from.
    resumes: str
    cancelled_by: str
    done: int
    failed: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRunDetail:
    run: PlanRunView
    steps: list[RunStep]
    questions: list[RunQuestion]
    whole: RunFigure
    groups: list[RunFigure]
    machines: list[RunFigure]


def list_plan_runs(plane: Plane, actor: Actor, *, plan_id: str | None = None) -> list[PlanRunView]:
    """The newest first; of one plan, or of all that the caller may look into."""
    with plane.database.read() as db:
        if plan_id is None:
            rows = recovery_rows.plan_runs(db, vaults=readable_vaults(db, actor), limit=_MOST)
        else:
            row = plan_for(db, actor, plan_id, Right.READ)
            vaults, source = frozenset((row.vault_id,)), f"plan:{row.name}"
            rows = recovery_rows.plan_runs(db, vaults=vaults, source=source, limit=_MOST)
    return [_view(row, progress_of(row)) for row in rows]


def show_plan_run(plane: Plane, actor: Actor, job_id: str) -> PlanRunDetail:
    with plane.database.read() as db:
        job = run_for(db, actor, Right.READ, job_id)
    progress, plan = progress_of(job), plan_of(job)
    figures = measure(plan, progress)
    asked = questions(plan, progress, plane.clock.now())
    return PlanRunDetail(
        run=_view(job, progress),
        steps=[
            _step(one, progress.steps.get(one.id), _placed(plan, one, progress.kind))
            for one in told_steps(plan, progress.kind, keep=progress.keep, begun=progress.steps)
        ],
        questions=[_question(one, progress) for one in asked],
        whole=_figure(figures.whole),
        groups=[_figure(one) for one in figures.groups],
        machines=[_figure(one) for one in figures.machines],
    )


def show_plan_report(plane: Plane, actor: Actor, job_id: str) -> str:
    """The page of `holdfast plan report`, in the language in use."""
    with plane.database.read() as db:
        job = run_for(db, actor, Right.READ, job_id)
    return html_report(plan_of(job), progress_of(job))


def _view(job: Job, progress: Progress) -> PlanRunView:
    kind, keep = progress.kind, progress.keep
    steps = told_steps(plan_of(job), kind, keep=keep, begun=progress.steps)
    seen = [progress.steps[one.id].state.value for one in steps if one.id in progress.steps]
    return PlanRunView(
        id=job.id,
        vault_id=job.vault_id or "",
        plan=progress.plan,
        kind=progress.kind.value,
        who=progress.who,
        begun_at=progress.begun_at,
        ended_at=progress.ended_at,
        outcome=progress.outcome.value if progress.outcome else "",
        outcome_text=outcome_text(progress.outcome),
        resumes=str(job.arguments.get("resumes", "")),
        cancelled_by=progress.cancelled_by,
        done=sum(state not in ("running", "failed") for state in seen),
        failed=seen.count("failed"),
        total=len(steps),
    )


def _placed(plan: Plan, step: Step, kind: PlanKind) -> dict[str, list[str]]:
    """Where the machine of a start is put on the network."""
    if step.doing is not Doing.START:
        return {"networks": [], "addresses": []}
    machine = next(one for one in plan.machines if one.vm == step.machine)
    return {
        "networks": [f"{old}={new}" for old, new in networks_of(machine, kind).items()],
        "addresses": [rule_text(key, rule) for key, rule in addresses_of(machine, kind).items()],
    }


def _step(step: Step, at: StepProgress | None, placed: dict[str, list[str]]) -> RunStep:
    return RunStep(
        id=step.id,
        group=step.group,
        machine=step.machine,
        doing=step.doing.value,
        text=step_text(step),
        state=at.state.value if at else "",
        began_at=at.began_at if at else None,
        ended_at=at.ended_at if at else None,
        said=at.said if at else "",
        error=at.error if at else "",
        decision=at.decision.value if at and at.decision else "",
        decided_by=at.decided_by if at else "",
        after=list(step.after),
        job=str(at.found.get("job", "")) if at else "",
        **placed,
    )


def _question(question: Question, progress: Progress) -> RunQuestion:
    step = question.step
    at = progress.steps.get(step.id)
    if question.is_about_failure:
        asked = at.said if at else ""
    elif step.doing is Doing.HOLD:
        asked = _("The test stays until somebody says that it was looked at.")
    else:
        asked = step.action.does if step.action else ""
    return RunQuestion(
        step=step.id,
        text=step_text(step),
        question=asked,
        is_about_failure=question.is_about_failure,
        answers=_ANSWERS[question.is_about_failure],
    )


def _figure(measured: Measured) -> RunFigure:
    told = msgspec.structs.asdict(measured)
    return RunFigure(took=told.pop("own"), **told)
