"""A plan as steps for one kind of run: what each waits for, and whom it does not work without."""

from collections.abc import Container, Iterator
from enum import StrEnum

import msgspec

from holdfast.recovery.plans.plan import (
    START_SECONDS,
    Action,
    Group,
    Kind,
    Machine,
    OnFailure,
    Plan,
)
from holdfast.recovery.plans.progress import CLEAN_UP, GIVE_BACK, SHUT_DOWN


class Doing(StrEnum):
    ACTION = "action"
    # Of a planned run, before anything is started: all machines end at their own hosts.
    SHUT_DOWN = "shut-down"
    START = "start"
    # A test stays so long, or until somebody says that it was looked at.
    HOLD = "hold"
    CLEAN_UP = "clean-up"
    # Of a planned run that is cancelled: what was shut down and not started runs at home again.
    GIVE_BACK = "give-back"


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    doing: Doing
    group: str = ""
    machine: str = ""
    action: Action | None = None
    # Steps that must be settled before it begins.
    after: tuple[str, ...] = ()
    # Machines without which it is left out.
    requires: tuple[str, ...] = ()
    timeout: int
    on_failure: OnFailure


def steps_of(plan: Plan, kind: Kind, *, keep: int = 0) -> tuple[Step, ...]:
    """In an order in which each stands behind all it waits for; `keep` is seconds of a test."""
    steps: list[Step] = []
    for group in plan.groups:
        pre = f"{group.name}/pre"
        steps += _actions(group.pre, kind, pre, after=_ends(steps), group=group.name)
        if kind is Kind.PLANNED and group is plan.groups[0]:
            steps += _shutting_down(plan, after=_ends(steps))
        steps += _group_steps(group, kind, begun=_ends(steps))
    if kind is Kind.TEST:
        steps += _ending(plan, keep, after=_ends(steps))
    if kind is Kind.PLANNED:
        steps += _giving_back(plan, after=_ends(steps))
    return tuple(steps)


def told_steps(
    plan: Plan, kind: Kind, *, keep: int = 0, begun: Container[str] = ()
) -> tuple[Step, ...]:
    """Those there is something to say of: what only a cancelled run does is no part of others."""
    steps = steps_of(plan, kind, keep=keep)
    return tuple(step for step in steps if step.doing is not Doing.GIVE_BACK or step.id in begun)


def start_id(group: str, machine: str) -> str:
    return f"{group}/{machine}/start"


def shut_down_id(group: str, machine: str) -> str:
    return f"{group}/{machine}{SHUT_DOWN}"


def _ends(steps: list[Step]) -> tuple[str, ...]:
    """The steps nobody waits for yet."""
    waited = {id_ for step in steps for id_ in step.after}
    return tuple(step.id for step in steps if step.id not in waited)


def _group_steps(group: Group, kind: Kind, *, begun: tuple[str, ...]) -> list[Step]:
    """After what is done before the group, and for the first one in a planned run after all ends."""
    steps: list[Step] = []
    ends: dict[str, str] = {}
    for machine in _in_order(group.machines):
        waits = tuple(ends[name] for name in machine.needs) or begun
        own = list(_machine_steps(group, machine, kind, after=waits))
        ends[machine.vm] = own[-1].id
        steps += own
    all_up = tuple(ends[machine.vm] for machine in group.machines) or begun
    steps += _actions(group.post, kind, f"{group.name}/post", after=all_up, group=group.name)
    return steps


def _in_order(machines: tuple[Machine, ...]) -> Iterator[Machine]:
    """Each after those it needs, else as written; the reader has refused circles."""
    left, told = list(machines), set[str]()
    while left:
        following = next(one for one in left if told.issuperset(one.needs))
        left.remove(following)
        told.add(following.vm)
        yield following


def _machine_steps(
    group: Group, machine: Machine, kind: Kind, *, after: tuple[str, ...]
) -> Iterator[Step]:
    prefix = f"{group.name}/{machine.vm}"
    for step in _actions(machine.pre, kind, f"{prefix}/pre", after=after, group=group.name):
        after = (step.id,)
        requires = tuple({*machine.needs, *step.requires} - {machine.vm})
        yield msgspec.structs.replace(step, machine=machine.vm, requires=requires)
    start = start_id(group.name, machine.vm)
    yield Step(
        id=start,
        doing=Doing.START,
        group=group.name,
        machine=machine.vm,
        after=after,
        requires=machine.needs,
        timeout=machine.timeout,
        on_failure=machine.on_failure,
    )
    for step in _actions(machine.post, kind, f"{prefix}/post", after=(start,), group=group.name):
        yield msgspec.structs.replace(
            step, machine=machine.vm, requires=tuple({machine.vm, *step.requires})
        )


def _actions(
    actions: tuple[Action, ...], kind: Kind, prefix: str, *, after: tuple[str, ...], group: str
) -> Iterator[Step]:
    """One after the other; their numbers are those of the file, whatever the kind leaves out."""
    for number, action in enumerate(actions, 1):
        if kind not in action.only:
            continue
        id_ = f"{prefix}-{number}"
        yield Step(
            id=id_,
            doing=Doing.ACTION,
            group=group,
            machine=action.machine,
            action=action,
            after=after,
            requires=(action.machine,) if action.machine else (),
            timeout=action.timeout,
            on_failure=action.on_failure,
        )
        after = (id_,)


def _ending(plan: Plan, keep: int, *, after: tuple[str, ...]) -> Iterator[Step]:
    if keep:
        yield Step(
            id="hold", doing=Doing.HOLD, after=after, timeout=keep, on_failure=OnFailure.GO_ON
        )
        after = ("hold",)
    for group in plan.groups:
        for machine in group.machines:
            yield Step(
                id=f"{CLEAN_UP}{machine.vm}",
                doing=Doing.CLEAN_UP,
                group=group.name,
                machine=machine.vm,
                after=after,
                timeout=START_SECONDS,
                on_failure=OnFailure.GO_ON,
            )


def _shutting_down(plan: Plan, *, after: tuple[str, ...]) -> Iterator[Step]:
    """In the opposite order: the last group first, and whoever needs a machine before it."""
    for group in reversed(plan.groups):
        order = tuple(reversed(tuple(_in_order(group.machines))))
        for machine in order:
            users = [one for one in group.machines if machine.vm in one.needs]
            yield Step(
                id=shut_down_id(group.name, machine.vm),
                doing=Doing.SHUT_DOWN,
                group=group.name,
                machine=machine.vm,
                after=tuple(shut_down_id(group.name, one.vm) for one in users) or after,
                timeout=machine.timeout,
                on_failure=machine.on_failure,
            )
        after = tuple(shut_down_id(group.name, machine.vm) for machine in order) or after


def _giving_back(plan: Plan, *, after: tuple[str, ...]) -> Iterator[Step]:
    for group in plan.groups:
        for machine in group.machines:
            yield Step(
                id=f"{GIVE_BACK}{machine.vm}",
                doing=Doing.GIVE_BACK,
                group=group.name,
                machine=machine.vm,
                after=after,
                timeout=START_SECONDS,
                on_failure=OnFailure.GO_ON,
            )
