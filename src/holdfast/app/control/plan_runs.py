"""Runs of recovery plans on the server: begun, answered and gone on with by people.

A run is a job; how far it has come is its progress, and the slices that drive it are in
`plan_driving`. What people say to it waits in the job's arguments until it is heard.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from holdfast.app.control import audit
from holdfast.app.control.access import require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.job_errors import ArgumentsWrong
from holdfast.app.control.job_views import JobView, view_of
from holdfast.app.control.plan_actions import named_twice, require_actions
from holdfast.app.control.plan_run_errors import PlanNotRunning, PlanStillRuns
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_orders import place_in_plan
from holdfast.app.control.recovery_plans import plan_for, runnable
from holdfast.app.control.recovery_views import picture_for
from holdfast.app.control.replaying import id_for, made_before
from holdfast.base.texts import _
from holdfast.base.units import parse_duration
from holdfast.catalog import jobs as job_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Job
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.roles import Right
from holdfast.recovery.plans.plan import LONGEST_SECONDS, Action, Plan
from holdfast.recovery.plans.plan import Kind as PlanKind
from holdfast.recovery.plans.progress import Decision, Progress, resumed

# What the job's progress has it under, and its arguments.
RUN, TEXT, SAID = "run", "text", "said"
_ACTS = {
    PlanKind.TEST: Kind.TEST_FAILOVER,
    PlanKind.PLANNED: Kind.PLANNED_FAILOVER,
    PlanKind.UNPLANNED: Kind.UNPLANNED_FAILOVER,
}


def begin_run(  # noqa: PLR0913  what a person says of it
    plane: Plane,
    actor: Actor,
    plan_id: str,
    *,
    act: str,
    source_is_down: bool,
    keep: str | None,
    try_shut_down: bool = False,
) -> JobView:
    """`act` is test, planned or unplanned; each machine goes to the host that has its replica.

    A planned run of machines that follow where they were at home brings them back there.
    """
    kind = PlanKind(act)
    now = plane.clock.now()
    with plane.database.write() as db:
        row = plan_for(db, actor, plan_id, Right.RUN_JOBS)
        plan = runnable(row.text)
        pictures = [picture_for(db, actor, machine.vm) for machine in plan.machines]
        is_back = kind is PlanKind.PLANNED and any(one.is_on_its_way_back for one in pictures)
        job_id = id_for(actor)
        progress = Progress(
            run=job_id,
            plan=plan.name,
            kind=kind,
            who=str(actor),
            begun_at=now,
            source_is_down=source_is_down,
            tries_shut_down=try_shut_down,
            keep=_seconds(keep) if keep else 0,
            is_back=is_back,
        )
        doing = act_of(progress)
        for picture in pictures:
            # Whoever runs a plan must be allowed to do the same to each of its machines.
            require(db, actor, Right.RUN_JOBS, place_in_plan(picture, doing).vault_id)
        for error in named_twice(db, actor, plan):
            raise error
        require_actions(db, actor, _of_kind(plan, kind), row.vault_id, doing)
        told = {
            "plan": plan.name,
            "act": act,
            "source_is_down": source_is_down,
            "try_shut_down": try_shut_down,
            TEXT: row.text,
        }
        return _new(plane, db, actor, progress, (job_id, row.vault_id), arguments=told)


def resume_run(plane: Plane, actor: Actor, job_id: str) -> JobView:
    """What failed is tried again, in a job of its own; what is done stays done."""
    with plane.database.write() as db:
        job = run_for(db, actor, Right.RUN_JOBS, job_id)
        if not State(job.state).is_over:
            raise PlanStillRuns(job=job_id)
        before = progress_of(job)
        told: dict[str, Any] = {name: job.arguments[name] for name in ("plan", "act", TEXT)}
        told["resumes"] = job.id
        where = id_for(actor), job.vault_id or ""
        return _new(plane, db, actor, resumed(before), where, arguments=told)


def answer(plane: Plane, actor: Actor, job_id: str, *, step: str, decision: str) -> JobView:
    """To a question of the plan, or about a step that failed; the run hears it within seconds."""
    said = {"who": str(actor), "step": step, "decision": Decision(decision).value}
    with plane.database.write() as db:
        run_for(db, actor, Right.RUN_JOBS, job_id)
        job = job_rows.locked(db, job_id)
        if job is None or State(job.state).is_over:
            raise PlanNotRunning(job=job_id)
        job.arguments = {**job.arguments, SAID: [*job.arguments.get(SAID, ()), said]}
        audit.note(
            db, plane, actor, act="plan-answer", vault_id=job.vault_id, object=job.id, detail=said
        )
        return view_of(job, None)


def progress_of(job: Job) -> Progress:
    return msgspec.convert(job.progress[RUN], Progress)


def plan_of(job: Job) -> Plan:
    return runnable(str(job.arguments[TEXT]))


def act_of(progress: Progress) -> Kind:
    return Kind.FAIL_BACK if progress.is_back else _ACTS[progress.kind]


def _seconds(keep: str) -> int:
    """How long a test stays, in the bounds of a time that stands in a plan."""
    try:
        seconds = round(parse_duration(keep).total_seconds())
    except (ValueError, OverflowError):
        seconds = 0
    if not 0 < seconds <= LONGEST_SECONDS:
        reason = _("'{said}' is no time like 2h, of at most 366d").format(said=keep)
        raise ArgumentsWrong(kind=Kind.RECOVERY_PLAN, reason=reason)
    return seconds


def _of_kind(plan: Plan, kind: PlanKind) -> Sequence[Action]:
    return [action for action in plan.actions if kind in action.only]


def run_for(db: Session, actor: Actor, right: Right, job_id: str) -> Job:
    """Who has no right to any run is not told which there are."""
    job = db.get(Job, job_id)
    if job is None or job.kind != Kind.RECOVERY_PLAN:
        require(db, actor, right, None)
        raise NotThere(what=_("run of a recovery plan"), name=job_id)
    require(db, actor, right, job.vault_id)
    return job


def _new(
    plane: Plane,
    db: Session,
    actor: Actor,
    progress: Progress,
    where: tuple[str, str],
    *,
    arguments: dict[str, Any],
) -> JobView:
    """`where`: the id of the job that is made, and its vault."""
    job_id, vault_id = where
    same = {"kind": Kind.RECOVERY_PLAN.value, "vault_id": vault_id}
    before = made_before(plane, db, actor, table=Job, same=same, at="created_at")
    if before is not None:
        return view_of(before, None)
    source = f"plan:{progress.plan}"
    other = job_rows.open_in_vault(db, vault_id, kind=Kind.RECOVERY_PLAN.value, source=source)
    if other is not None:
        raise PlanStillRuns(job=other.id)
    job = Job(
        id=job_id,
        vault_id=vault_id,
        machine_id=None,
        kind=Kind.RECOVERY_PLAN.value,
        origin="person",
        source=source,
        state=State.WAITING.value,
        arguments=arguments,
        asked_by=str(actor),
        created_at=plane.clock.now(),
        attempts=0,
        report_number=0,
        progress={RUN: msgspec.to_builtins(progress)},
    )
    db.add(job)
    db.flush()
    told = {name: value for name, value in arguments.items() if name != TEXT}
    audit.note(db, plane, actor, act="plan-run", vault_id=vault_id, object=job.id, detail=told)
    return view_of(job, None)
