"""What an assignment or an order is about: paths, and virtual machines, each a job of its own."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from holdfast.agent.words import policy_of
from holdfast.fleet.jobs import Kind
from holdfast.fleet.messages import AssignedPolicy
from holdfast.fleet.policies import Policy
from holdfast.fleet.schedule import Timing, share_of
from holdfast.fleet.virtual_machines import ALL, source_of_vm

# The names of the machines that are protected on this host.
Protected = Callable[[], Collection[str]]


def nothing_protected() -> Collection[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something an assignment wants done at times of its own."""

    kind: Kind
    timing: Timing
    # The machine that a backup is of; none: the paths.
    vm: str = ""

    @property
    def what(self) -> str:
        """Under which its moments are remembered."""
        return f"{self.kind.value} {source_of_vm(self.vm)}" if self.vm else self.kind.value


def parts_of(one: AssignedPolicy, protected: Protected) -> Iterator[Part]:
    policy = policy_of(one)
    if one.paths:
        yield Part(kind=Kind.BACKUP, timing=policy.timing)
    for vm in chosen(one.vms, protected):
        yield Part(kind=Kind.BACKUP, timing=_spread(policy, one.id, vm), vm=vm)
    if (timing := policy.verification_timing) is not None:
        yield Part(kind=Kind.CHECK, timing=timing)
    if (timing := policy.prune_timing) is not None:
        yield Part(kind=Kind.PRUNE, timing=timing)


def chosen(vms: Collection[str], protected: Protected) -> list[str]:
    """Those that are named, and those that "*" stands for now."""
    named = [name for name in vms if name != ALL]
    return list(dict.fromkeys((*named, *(protected() if ALL in vms else ()))))


def orders_of(
    arguments: dict[str, Any], assigned: AssignedPolicy | None, protected: Protected
) -> list[dict[str, Any]]:
    """The arguments of each job of an ordered backup: for the paths, and for each machine."""
    rest = {name: value for name, value in arguments.items() if name != "vms"}
    paths, vms = arguments.get("paths"), arguments.get("vms", [])
    if assigned is not None and not paths and not vms:
        paths, vms = assigned.paths, assigned.vms
    found = [{**rest, "paths": [], "vms": [vm]} for vm in chosen(vms, protected)]
    # Where "*" stands for nothing the job says so itself.
    nothing = {**rest, "vms": list(vms)} if vms else arguments
    return [*([rest] if paths else []), *found] or [nothing]


def _spread(policy: Policy, assignment: str, vm: str) -> Timing:
    """The assignment stands for its host: the place of a machine is its own there, and stays."""
    return replace(policy.timing, share=share_of(assignment, vm))
