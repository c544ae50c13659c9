"""Drives the run of a plan from the server: machines by jobs of their hosts, a look at a time.

The engine is the one of `holdfast plan run`. A step is a job whose id is made of run, step and
attempt: begun twice it is the same job, whichever server begins it, and after any crash.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from holdfast.app.control import audit
from holdfast.app.control.job_orders import cancel_job, order_job
from holdfast.app.control.plan_actions import place_of
from holdfast.app.control.plan_runs import RUN, SAID, act_of, plan_of, progress_of
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_orders import host_of, is_passed_over
from holdfast.app.control.recovery_views import picture_for
from holdfast.app.plan_webhook import Post
from holdfast.app.plan_words import as_json
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.catalog import jobs as job_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Job
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.recovery_arguments import LONGEST_WAIT
from holdfast.recovery.address_rules import rule_text
from holdfast.recovery.plans.context import addresses_of, context_of, networks_of, point_of
from holdfast.recovery.plans.driving import Driver, Order
from holdfast.recovery.plans.plan import LATEST, ActionKind, Machine, Plan
from holdfast.recovery.plans.plan import Kind as PlanKind
from holdfast.recovery.plans.plan_errors import PlanActionInterrupted
from holdfast.recovery.plans.progress import Decision, Ended, Outcome, Progress, StepState
from holdfast.recovery.plans.steps import Doing, Step, shut_down_id, start_id
from holdfast.recovery.plans.web_addresses import shown_address

_STATES = {
    Outcome.SUCCEEDED: State.DONE,
    Outcome.WITH_FAILURES: State.WARNINGS,
    Outcome.STOPPED: State.FAILED,
    Outcome.CANCELLED: State.CANCELLED,
}
_KINDS = {Doing.CLEAN_UP: Kind.CLEAN_UP_TEST, Doing.GIVE_BACK: Kind.UNDO_FAILOVER}
_MOVING = frozenset({Doing.SHUT_DOWN, Doing.START})
_LOOK_EVERY = 2.0
# What follows from what has just come about is done at once, but a slice stays short.
_TURNS = 20
# A test that nobody cleans up ends by itself so long after all that may come of the run.
_SPARE_SECONDS = 24 * 60 * 60


def drive_slice(plane: Plane, job_id: str) -> dict[str, Any]:
    """One look at all that is under way, and what follows from it."""
    with plane.database.read() as db:
        job = db.get_one(Job, job_id)
    progress = progress_of(job)
    if progress.outcome is None:
        plan = plan_of(job)
        hands, keeping = _Hands(plane, job, plan), _Keeping(plane, job_id)
        driver = Driver(plan, hands, keeping, plane.clock)
        for _turn in range(_TURNS):
            before, progress = progress, driver.round(progress)
            if progress is before or progress.outcome is not None:
                break
    told: dict[str, Any] = {
        RUN: msgspec.to_builtins(progress),
        "is_over": progress.outcome is not None,
        "wait": _LOOK_EVERY,
    }
    if progress.outcome is not None:
        told["state"] = _STATES[progress.outcome].value
    return told


class _Hands:
    def __init__(self, plane: Plane, job: Job, plan: Plan) -> None:
        self._plane, self._job, self._plan = plane, job, plan
        # What could not even be ordered, or need not be.
        self._unordered: dict[str, Ended] = {}
        # Webhooks of which nobody wants to hear any more.
        self._given_up: set[str] = set()

    def begin(self, step: Step, progress: Progress) -> None:
        number = _id_of(step.id, progress)
        if _is_webhook(step):
            self._plane.webhooks.begin(self._post(step, progress))
            return
        with self._plane.database.read() as db:
            if db.get(Job, number) is not None:
                return
        try:
            if (already := self._already(step, progress)) is not None:
                self._unordered[number] = already
            else:
                self._order(step, progress)
        except HoldfastError as err:
            said = f"{err} {err.advice}"
            self._unordered[number] = Ended(state=StepState.FAILED, said=said, error=err.code)

    def look(self, step: Step, progress: Progress) -> Ended | None:
        number = _id_of(step.id, progress)
        if _is_webhook(step):
            return None if number in self._given_up else self._heard(step, progress)
        if number in self._unordered:
            return self._unordered[number]
        with self._plane.database.read() as db:
            job = db.get(Job, number)
        if job is None or not State(job.state).is_over:
            return None
        return _ended(job)

    def end(self, step: Step, progress: Progress) -> None:
        """Its host stops it; what it had come to is told by its record."""
        job_id = _id_of(step.id, progress)
        if _is_webhook(step):
            self._given_up.add(job_id)
            self._plane.webhooks.forget(self._post(step, progress).key)
            return
        with self._plane.database.read() as db:
            job = db.get(Job, job_id)
        if job is not None and not State(job.state).is_over:
            cancel_job(self._plane, self._actor(step, progress), job_id)

    def _post(self, step: Step, progress: Progress) -> Post:
        """The key says which step, however often it is begun: the other side knows it again."""
        assert step.action is not None
        return Post(
            address=step.action.does,
            body=as_json(context_of(self._plan, progress, step)),
            key=f"{progress.run}/{step.id}",
            within=float(step.timeout),
        )

    def _heard(self, step: Step, progress: Progress) -> Ended | None:
        ended = self._plane.webhooks.look(self._post(step, progress))
        if ended is not None:
            assert step.action is not None
            detail = {"step": step.id, "to": shown_address(step.action.does)}
            with self._plane.database.write() as db:
                audit.note(
                    db,
                    self._plane,
                    self._actor(step, progress),
                    act="plan-webhook",
                    vault_id=self._job.vault_id,
                    object=self._job.id,
                    detail={**detail, "ended": ended.state.value, "error": ended.error},
                )
        return ended

    def _already(self, step: Step, progress: Progress) -> Ended | None:
        """Where it was failed over before, by another plan or by hand."""
        if step.doing not in _MOVING:
            return None
        with self._plane.database.read() as db:
            picture = picture_for(db, self._actor(step, progress), step.machine)
        if not is_passed_over(picture, act_of(progress)):
            return None
        found = {"name": picture.name, "uuid": picture.vm}
        return Ended(state=StepState.ALREADY, said=_("it runs there already"), found=found)

    def _order_action(self, step: Step, progress: Progress) -> None:
        action, actor = step.action, self._actor(step, progress)
        assert action is not None
        is_inside = action.kind is ActionKind.GUEST_SCRIPT
        told: dict[str, Any] = {
            "run": progress.run,
            "step": step.id,
            "attempt": progress.steps[step.id].attempt,
            "kind": action.kind.value,
            "context": as_json(context_of(self._plan, progress, step)).decode(),
            "timeout": step.timeout,
            "repeatable": action.is_repeatable,
        }
        with self._plane.database.read() as db:
            started = self._started(db, action.machine, progress)
            is_there = started is not None and not action.host
            host_id = started.machine_id if started is not None and is_there else None
            if host_id is None:
                vault_id, act = self._job.vault_id or "", act_of(progress)
                host_id = place_of(db, actor, action, vault_id, act=act).id
            if is_inside:
                told["vm"] = picture_for(db, actor, action.machine).vm
                told["domain"] = str(_result(started).get("name") or "")
        told |= {"inside": action.does} if is_inside else {"script": action.does}
        kind = Kind.PLAN_ACTION.value
        order_job(self._plane, actor, host_id, kind=kind, arguments=told, wait=LONGEST_WAIT)

    def _started(self, db: Session, vm: str, progress: Progress) -> Job | None:
        """The job that has started the machine, whose host has it now."""
        group = next((g for g in self._plan.groups if any(m.vm == vm for m in g.machines)), None)
        step_id = start_id(group.name, vm) if group else ""
        return db.get(Job, _id_of(step_id, progress)) if step_id in progress.steps else None

    def _order(self, step: Step, progress: Progress) -> None:
        if step.doing is Doing.ACTION:
            self._order_action(step, progress)
            return
        kind = _KINDS.get(step.doing) or act_of(progress)
        actor = self._actor(step, progress)
        with self._plane.database.read() as db:
            picture = picture_for(db, actor, step.machine)
            # Who has ended it gives it back, whatever its host has told of it since.
            host_id = (
                self._ended_by(db, step, progress) or host_of(picture, kind, act=kind.value).id
            )
        told: dict[str, Any] = {"vm": picture.vm}
        if step.doing in _MOVING:
            told |= _wish(self._plan, step, progress)
        if step.doing is Doing.SHUT_DOWN:
            told["hand_over_only"] = True
        if step.doing is Doing.GIVE_BACK:
            told["discard_changes"] = True
        order_job(self._plane, actor, host_id, kind=kind.value, arguments=told, wait=LONGEST_WAIT)

    def _ended_by(self, db: Session, step: Step, progress: Progress) -> str | None:
        if step.doing is not Doing.GIVE_BACK:
            return None
        ends = shut_down_id(step.group, step.machine)
        job = db.get(Job, _id_of(ends, progress))
        return job.machine_id if job is not None else None

    def _actor(self, step: Step, progress: Progress) -> Actor:
        """The server, for whoever began the run; by the key it is made once."""
        return Actor(kind="server", id="server", name=progress.who, key=_key(step.id, progress))


class _Keeping:
    def __init__(self, plane: Plane, job_id: str) -> None:
        self._plane, self._job_id = plane, job_id

    def save(self, progress: Progress) -> None:
        with self._plane.database.write() as db:
            job = job_rows.locked(db, self._job_id)
            if job is not None and not State(job.state).is_over:
                job.progress = {**job.progress, RUN: msgspec.to_builtins(progress)}

    def orders(self) -> Iterator[Order]:
        with self._plane.database.read() as db:
            job = db.get_one(Job, self._job_id)
        for said in job.arguments.get(SAID, ()):
            decision = Decision(said["decision"])
            yield Order(who=said["who"], step=said["step"], decision=decision)
        if job.cancel_asked_at is not None:
            yield Order(who=job.asked_by)

    def heard(self, order: Order) -> None:
        """A cancellation stays: it is one, however often it is read."""
        if order.is_cancel:
            return
        with self._plane.database.write() as db:
            job = job_rows.locked(db, self._job_id)
            if job is not None:
                left = [one for one in job.arguments.get(SAID, ()) if not _is(one, order)]
                job.arguments = {**job.arguments, SAID: left}


def _is(said: dict[str, str], order: Order) -> bool:
    decision = order.decision.value if order.decision else ""
    return (said["who"], said["step"], said["decision"]) == (order.who, order.step, decision)


def _wish(plan: Plan, step: Step, progress: Progress) -> dict[str, Any]:
    machine = next(one for one in plan.machines if one.vm == step.machine)
    if progress.is_back:
        # Its networks and addresses at home are those it had.
        return _ending(machine)
    told: dict[str, Any] = {}
    networks = [f"{old}={new}" for old, new in networks_of(machine, progress.kind).items()]
    if networks:
        told["networks"] = networks
    rules = addresses_of(machine, progress.kind)
    if rules:
        told["addresses"] = [rule_text(key, rule) for key, rule in rules.items()]
    if progress.kind is PlanKind.TEST:
        told["keep"] = f"{progress.keep + _SPARE_SECONDS}s"
        told |= {"checks": list(machine.checks)} if machine.checks else {}
    is_tried = progress.kind is PlanKind.UNPLANNED and progress.tries_shut_down
    if progress.kind is PlanKind.PLANNED or is_tried:
        told |= {"try_shut_down": True} if is_tried else {}
        told |= _ending(machine)
    point = point_of(machine, progress.kind)
    if progress.kind is not PlanKind.PLANNED and point != LATEST:
        told["point"] = point
    if progress.kind is PlanKind.UNPLANNED and progress.source_is_down:
        told["source_is_down"] = True
    return told


def _ending(machine: Machine) -> dict[str, Any]:
    told: dict[str, Any] = {"force": True} if machine.is_forced else {}
    return told | ({"shutdown_within": f"{machine.shutdown}s"} if machine.shutdown else {})


def _is_webhook(step: Step) -> bool:
    return step.action is not None and step.action.kind is ActionKind.WEBHOOK


def _result(job: Job | None) -> dict[str, Any]:
    result = (job.result if job else None) or {}
    return {
        "name": result.get("test_vm") or result.get("vm"),
        "uuid": result.get("uuid"),
        "point": result.get("generation") or result.get("point"),
        "point_time": result.get("taken_at"),
    }


def _ended(job: Job) -> Ended:
    error = job.error or {}
    is_action = job.kind == Kind.PLAN_ACTION
    found: dict[str, Any] = {"job": job.id, **({} if is_action else _result(job))}
    if job.state in (State.DONE, State.WARNINGS):
        said = str((job.result or {}).get("said", "")) if is_action else ""
        return Ended(state=StepState.DONE, said="" if said == "-" else said, found=found)
    said = str(error.get("message", "")) or job.state
    return Ended(
        state=StepState.FAILED,
        said=said,
        error=str(error.get("code", job.state)),
        is_unclear=job.state == State.LOST or error.get("code") == PlanActionInterrupted.code,
        found=found,
    )


def _key(step_id: str, progress: Progress) -> str:
    return f"{progress.run}/{step_id}/{progress.steps[step_id].attempt}"


def _id_of(step_id: str, progress: Progress) -> str:
    """As `id_for` makes it of the server's key."""
    whole = f"server\nserver\n{_key(step_id, progress)}".encode()
    return hashlib.sha256(whole).hexdigest()[:16]
