"""Recovery: told by the agents of both hosts, shown to people, and ordered by them."""

from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from holdfast.app.control import (
    recoveries,
    recovery_choices,
    recovery_orders,
    recovery_points,
    recovery_views,
)
from holdfast.app.control.job_views import JobView
from holdfast.app.control.recovery_choices import Choices, PreflightView
from holdfast.app.control.recovery_points import RecoveryPointView
from holdfast.app.control.recovery_views import RecoveryView
from holdfast.fleet.recovery_messages import RecoveryTold
from holdfast.server.callers import Machine, Person, ThePlane
from holdfast.server.nudging import nudge
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["recovery"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ActWanted:
    # As jobs of that kind take them, but for the machine.
    arguments: dict[str, Any] = field(default_factory=dict)
    # Id or name of the host, where several have a replica of it.
    host: str | None = None


@router.get("/recovery")
def list_recoveries(
    plane: ThePlane, person: Person, window: Paging, vault: str | None = None
) -> Page[RecoveryView]:
    """Every machine that is replicated, or runs elsewhere than at home; sorted by name."""
    return recovery_views.list_recoveries(plane, person, window, vault=vault)


@router.get("/recovery/{vm}")
def show(plane: ThePlane, person: Person, vm: str) -> RecoveryView:
    """By name or UUID, with what each of its hosts knows."""
    return recovery_views.show_recovery(plane, person, vm)


@router.get("/recovery/{vm}/points")
def list_points(plane: ThePlane, person: Person, vm: str) -> list[RecoveryPointView]:
    """What it could be started from, at all sites that have a replica of it; the newest first."""
    return recovery_points.list_recovery_points(plane, person, vm)


@router.get("/recovery/{vm}/acts")
def list_acts(plane: ThePlane, person: Person, vm: str) -> Choices:
    """What can be done with it now, at which host, and which tests of it are left."""
    return recovery_choices.show_choices(plane, person, vm)


@router.get("/recovery-checks/{job}")
def show_check(plane: ThePlane, person: Person, job: str) -> PreflightView:
    """What the look before an act has found; `POST /recovery/{vm}/check` has it taken."""
    return recovery_choices.show_preflight(plane, person, job)


@router.post("/recovery/{vm}/{act}", status_code=201)
def order(plane: ThePlane, person: Person, vm: str, act: str, wanted: ActWanted) -> JobView:
    """An act of recovery, as a job of the host that can do it.

    One of test, planned, unplanned, change-point, undo, commit, reprotect, failback, cleanup,
    drill and drill-schedule. And `check`: the host looks at what another act, its argument `act`,
    would stumble over. A host that does not come within half an hour never does it.
    """
    made = recovery_orders.order_act(
        plane, person, vm, act=act, arguments=wanted.arguments, host=wanted.host
    )
    nudge(made.id)
    return made


@router.put("/agent/recovery", status_code=204)
def tell(plane: ThePlane, machine: Machine, told: RecoveryTold) -> None:
    """All recoveries of the host that tells: those not named are gone."""
    recoveries.take_recovery(plane, machine, told)
