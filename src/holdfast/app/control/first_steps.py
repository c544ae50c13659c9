"""What a newcomer does first, in which order, and how far they have come."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from holdfast.app.control.access import readable_vaults
from holdfast.app.control.plane import Actor, Plane
from holdfast.catalog import first_steps as rows
from holdfast.catalog.first_steps import Counts


class Step(StrEnum):
    # This machine:
    VAULT = "vault"
    MACHINE = "machine"
    POLICY = "policy"
    POINT = "point"
    PROOF = "proof"
    # Its virtual machines:
    VMS = "vms"
    # Another site:
    SECOND_MACHINE = "second-machine"
    SITE = "site"
    REPLICATION = "replication"
    DRILL = "drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    step: Step
    is_done: bool
    # The first one that is not done: what to do now.
    is_next: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSteps:
    steps: list[StepView]
    is_done: bool
    # Virtual machines that hosts have told of: without any, nothing can be done about them.
    vms: int


def first_steps(plane: Plane, actor: Actor) -> FirstSteps:
    """Over the vaults the caller may look into."""
    with plane.database.read() as db:
        found = rows.counts(db, readable_vaults(db, actor))
    steps = _viewed(done(found))
    return FirstSteps(steps=steps, is_done=all(one.is_done for one in steps), vms=found.vms)


def done(found: Counts) -> frozenset[Step]:
    """What was done of it; a step stands for itself, whatever was left out before it."""
    reached = {
        Step.VAULT: found.vaults,
        Step.MACHINE: found.machines,
        Step.POLICY: found.assignments,
        Step.POINT: found.points,
        Step.PROOF: found.proofs,
        Step.VMS: found.protected_vms,
        Step.SECOND_MACHINE: found.machines > 1,
        Step.SITE: found.sites,
        Step.REPLICATION: found.replications,
        Step.DRILL: found.drills,
    }
    return frozenset(step for step, count in reached.items() if count)


def _viewed(reached: Collection[Step]) -> list[StepView]:
    following = next((step for step in Step if step not in reached), None)
    return [
        StepView(step=step, is_done=step in reached, is_next=step is following) for step in Step
    ]
