"""A recovery plan looked at before it is kept: what is wrong with it, and what it would do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from holdfast.app.control.access import require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.plan_actions import named_twice, not_there, unfit
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_plans import plan_for
from holdfast.app.control.recovery_views import RecoveryView, show_recovery
from holdfast.app.control.vault_rows import live_vault
from holdfast.base.errors import HoldfastError
from holdfast.fleet.roles import Right
from holdfast.recovery.address_rules import rule_text
from holdfast.recovery.plans.plan import Action, Group, Machine, Plan
from holdfast.recovery.plans.reading import examine


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProblem:
    # 0: it is about the whole.
    line: int
    problem: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAction:
    name: str
    kind: str
    does: str
    # Where it is done; empty: at the host of its machine, or by the server itself.
    host: str
    only: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMachine:
    vm: str
    needs: list[str]
    # Seconds from the beginning of the run until it is to be up.
    rto: int | None
    point: str
    test_point: str
    networks: dict[str, str]
    test_networks: dict[str, str]
    # As they are typed after `--address`.
    addresses: list[str]
    test_addresses: list[str]
    checks: list[str]
    on_failure: str
    pre: list[PlanAction]
    post: list[PlanAction]
    # As the server knows it now: protected, failed-over …; empty: it knows no such machine.
    stage: str
    runs_on: str
    replicated_to: list[str]
    rpo_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanGroup:
    name: str
    rto: int | None
    at_once: int | None
    pre: list[PlanAction]
    machines: list[PlanMachine]
    post: list[PlanAction]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPicture:
    name: str
    description: str
    rto: int | None
    at_once: int | None
    groups: list[PlanGroup]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCheck:
    """`picture` is there where nothing is wrong with the text."""

    problems: list[PlanProblem] = field(default_factory=list)
    # What a run would lack; it may come before one is begun, so that the plan can be kept.
    missing: list[PlanProblem] = field(default_factory=list)
    picture: PlanPicture | None = None


def check_plan(plane: Plane, actor: Actor, vault: str, text: str) -> PlanCheck:
    """All that is wrong, by line; what no server can do is wrong here as well. Nothing is kept."""
    with plane.database.read() as db:
        vault_id = live_vault(db, vault).id
        require(db, actor, Right.READ, vault_id)
    plan, wrong = examine(text.encode())
    if plan is None:
        return PlanCheck(
            problems=[
                PlanProblem(line=one.line, problem=one.problem, cure=one.cure) for one in wrong
            ]
        )
    with plane.database.read() as db:
        lacks = (*named_twice(db, actor, plan), *not_there(db, actor, plan, vault_id))
        missing = _wrong(lacks)
    return PlanCheck(
        problems=_wrong(unfit(plan)), missing=missing, picture=_picture(plane, actor, plan)
    )


def show_plan_picture(plane: Plane, actor: Actor, plan_id: str) -> PlanCheck:
    """Of a plan that is kept."""
    with plane.database.read() as db:
        row = plan_for(db, actor, plan_id, Right.READ)
    return check_plan(plane, actor, row.vault_id, row.text)


def _wrong(errors: Iterable[HoldfastError]) -> list[PlanProblem]:
    return [PlanProblem(line=0, problem=str(one), cure=one.advice) for one in errors]


def _picture(plane: Plane, actor: Actor, plan: Plan) -> PlanPicture:
    return PlanPicture(
        name=plan.name,
        description=plan.description,
        rto=plan.rto,
        at_once=plan.at_once,
        groups=[_group(plane, actor, one) for one in plan.groups],
    )


def _group(plane: Plane, actor: Actor, group: Group) -> PlanGroup:
    return PlanGroup(
        name=group.name,
        rto=group.rto,
        at_once=group.at_once,
        pre=_actions(group.pre),
        machines=[_machine(plane, actor, one) for one in group.machines],
        post=_actions(group.post),
    )


def _machine(plane: Plane, actor: Actor, machine: Machine) -> PlanMachine:
    seen = _seen(plane, actor, machine.vm)
    return PlanMachine(
        vm=machine.vm,
        needs=list(machine.needs),
        rto=machine.rto,
        point=machine.point,
        test_point=machine.test_point,
        networks=dict(machine.networks),
        test_networks=dict(machine.test_networks),
        addresses=[rule_text(key, rule) for key, rule in machine.addresses.items()],
        test_addresses=[rule_text(key, rule) for key, rule in machine.test_addresses.items()],
        checks=list(machine.checks),
        on_failure=machine.on_failure.value,
        pre=_actions(machine.pre),
        post=_actions(machine.post),
        stage=seen.stage if seen else "",
        runs_on=seen.runs_on if seen else "",
        replicated_to=seen.replicated_to if seen else [],
        rpo_seconds=seen.rpo_seconds if seen else None,
    )


def _seen(plane: Plane, actor: Actor, vm: str) -> RecoveryView | None:
    try:
        return show_recovery(plane, actor, vm)
    except NotThere:
        return None


def _actions(actions: Sequence[Action]) -> list[PlanAction]:
    return [
        PlanAction(
            name=one.name,
            kind=one.kind.value,
            does=one.does,
            host=one.host,
            only=[kind.value for kind in one.only],
        )
        for one in actions
    ]
