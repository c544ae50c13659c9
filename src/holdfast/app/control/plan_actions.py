"""Actions of plans that a server runs: which it does at all, at which host, and what must be there."""

import contextlib
from collections.abc import Iterator, Sequence

from holdfast.app.control.access import require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.plan_run_errors import (
    PlanHostNotNamed,
    PlanHostUnknown,
    PlanNeedsHost,
    PlanTokenNeedsHost,
)
from holdfast.app.control.plane import Actor
from holdfast.app.control.recovery_errors import RecoveryHostNotOne, RecoveryNowhere
from holdfast.app.control.recovery_orders import place_in_plan
from holdfast.app.control.recovery_views import picture_for
from holdfast.app.plan_scripts import FOLDER
from holdfast.base.errors import HoldfastError
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, RecoveryHost
from holdfast.fleet.jobs import Kind
from holdfast.fleet.roles import Right
from holdfast.recovery.plans.plan import Action, ActionKind, Plan
from holdfast.recovery.plans.plan_errors import PlanMachineTwice, PlanScriptMissing
from holdfast.recovery.plans.web_addresses import host_of as web_host

_AT_HOSTS = frozenset({ActionKind.HOST_SCRIPT, ActionKind.GUEST_SCRIPT})
_ON_THE_HOST = "host:"


def unfit(plan: Plan) -> Iterator[HoldfastError]:
    """What no server does, whoever asks for it."""
    for action in plan.actions:
        about = {"plan": plan.name, "action": action.name}
        if action.kind is ActionKind.SCRIPT:
            yield PlanNeedsHost(**about, kind=action.kind.value)
        elif action.token_file:
            yield PlanTokenNeedsHost(**about, host=web_host(action.does))
        elif action.kind is ActionKind.HOST_SCRIPT and not (action.host or action.machine):
            yield PlanHostNotNamed(plan=plan.name, name=action.does)
    for machine in plan.machines:
        for check in machine.checks:
            if check.strip().startswith(_ON_THE_HOST):
                yield PlanNeedsHost(plan=plan.name, action=check, kind="check")


def named_twice(db: Session, actor: Actor, plan: Plan) -> Iterator[PlanMachineTwice]:
    """By its name and by its UUID, as far as the server knows it."""
    seen: dict[str, str] = {}
    for machine in plan.machines:
        with contextlib.suppress(NotThere):
            other = seen.setdefault(picture_for(db, actor, machine.vm).vm, machine.vm)
            if other != machine.vm:
                yield PlanMachineTwice(vm=machine.vm, other=other)


def not_there(db: Session, actor: Actor, plan: Plan, vault_id: str) -> Iterator[HoldfastError]:
    """Hosts and scripts that the plan names, as far as hosts have told."""
    for action in plan.actions:
        if action.kind is not ActionKind.HOST_SCRIPT:
            continue
        try:
            host = place_of(db, actor, action, vault_id)
        except (NotThere, RecoveryNowhere, RecoveryHostNotOne):
            # Of a machine that cannot be started anyway, which is said of the machine.
            continue
        except PlanHostUnknown as err:
            yield err
            continue
        if action.does not in scripts_of(db, host.id):
            yield PlanScriptMissing(host=host.name, name=action.does, folder=f"HOME/{FOLDER}")


def require_actions(
    db: Session, actor: Actor, actions: Sequence[Action], vault_id: str, act: Kind
) -> None:
    """Whoever begins a run may have each of its actions done, at hosts that have what it takes.

    Who wrote the plan may change policies of its vault; at a host of another vault that says
    nothing, so there the one who runs it must be as trusted.
    """
    for action in actions:
        if action.kind not in _AT_HOSTS:
            continue
        host = place_of(db, actor, action, vault_id, act=act)
        right = Right.RUN_JOBS if host.vault_id == vault_id else Right.CHANGE_POLICIES
        require(db, actor, right, host.vault_id)
        is_script = action.kind is ActionKind.HOST_SCRIPT
        if is_script and action.does not in scripts_of(db, host.id):
            raise PlanScriptMissing(host=host.name, name=action.does, folder=f"HOME/{FOLDER}")


def place_of(
    db: Session,
    actor: Actor,
    action: Action,
    vault_id: str,
    *,
    act: Kind = Kind.TEST_FAILOVER,
) -> Machine:
    """Where an action is done: at the host it names, else at the one that starts its machine."""
    if action.host:
        return _named(db, action, vault_id)
    return place_in_plan(picture_for(db, actor, action.machine), act)


def scripts_of(db: Session, machine_id: str) -> list[str]:
    told = db.get(RecoveryHost, machine_id)
    return list(told.facts.get("scripts") or ()) if told else []


def _named(db: Session, action: Action, vault_id: str) -> Machine:
    """One of the plan's own vault before one of another."""
    found = recovery_rows.machines_named(db, action.host)
    own = [one for one in found if one.vault_id == vault_id] or found
    if len(own) != 1:
        raise PlanHostUnknown(host=action.host, name=action.does)
    return own[0]
