"""What a hook of a plan is told, as JSON: which run of which plan, which group, which machines.

docs/recovery-plan-format.md describes it for those who write hooks.
"""

from typing import Any

import msgspec

from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.plans.plan import Kind, Machine, Plan
from holdfast.recovery.plans.progress import Progress
from holdfast.recovery.plans.steps import Step, start_id

VERSION = 1


class MachineContext(msgspec.Struct, frozen=True, kw_only=True):
    """`name` and `uuid` are those it has here: a test gives it others than it has at home."""

    vm: str
    group: str
    # waiting, running, done, already, failed, skipped
    state: str
    # As it was asked for.
    wanted_point: str
    name: str | None = None
    uuid: str | None = None
    # The generation it was started from, and the time that point shows.
    point: str | None = None
    point_time: str | None = None


class PlanContext(msgspec.Struct, frozen=True, kw_only=True):
    version: int = VERSION
    plan: str
    run: str
    type: str
    # to-recovery, to-home
    direction: str
    group: str
    # From 1.
    group_number: int
    step: str
    # Whose hook it is; null: the group's.
    machine: str | None
    # What the machines were to be started from, if that is the same for all; else null.
    point: str | None
    machines: dict[str, MachineContext]


def context_of(plan: Plan, progress: Progress, step: Step) -> PlanContext:
    wanted = {point_of(machine, progress.kind) for machine in plan.machines}
    names = [group.name for group in plan.groups]
    return PlanContext(
        plan=plan.name,
        run=progress.run,
        type=progress.kind.value,
        direction="to-home" if progress.is_back else "to-recovery",
        group=step.group,
        group_number=names.index(step.group) + 1,
        step=step.id,
        machine=step.machine or None,
        point=wanted.pop() if len(wanted) == 1 else None,
        machines={
            machine.vm: _machine(machine, group.name, progress)
            for group in plan.groups
            for machine in group.machines
        },
    )


def point_of(machine: Machine, kind: Kind) -> str:
    return machine.test_point if kind is Kind.TEST else machine.point


def addresses_of(machine: Machine, kind: Kind) -> dict[str, AddressRule]:
    return machine.test_addresses if kind is Kind.TEST else machine.addresses


def networks_of(machine: Machine, kind: Kind) -> dict[str, str]:
    return machine.test_networks if kind is Kind.TEST else machine.networks


def _machine(machine: Machine, group: str, progress: Progress) -> MachineContext:
    at = progress.steps.get(start_id(group, machine.vm))
    found: dict[str, Any] = at.found if at else {}
    return MachineContext(
        vm=machine.vm,
        group=group,
        state=at.state.value if at else "waiting",
        wanted_point=point_of(machine, progress.kind),
        name=found.get("name"),
        uuid=found.get("uuid"),
        point=found.get("point"),
        point_time=found.get("point_time"),
    )
