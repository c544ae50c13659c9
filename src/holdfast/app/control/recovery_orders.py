"""What people order to recover a machine: a job of the host that can do it, whichever that is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from holdfast.app.control.errors import NotThere
from holdfast.app.control.job_orders import order_job
from holdfast.app.control.job_views import JobView
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_errors import (
    RecoveryActUnknown,
    RecoveryHostNotOne,
    RecoveryNowhere,
)
from holdfast.app.control.recovery_picture import Picture
from holdfast.app.control.recovery_views import picture_for
from holdfast.base.texts import _
from holdfast.catalog.tables import Machine
from holdfast.fleet.jobs import Kind
from holdfast.fleet.recovery_arguments import is_reserved

# As the API names them.
ACTS: Mapping[str, Kind] = MappingProxyType(
    {
        "test": Kind.TEST_FAILOVER,
        "cleanup": Kind.CLEAN_UP_TEST,
        "drill": Kind.DRILL,
        "drill-schedule": Kind.SCHEDULE_DRILL,
        "check": Kind.CHECK_FAILOVER,
        "planned": Kind.PLANNED_FAILOVER,
        "unplanned": Kind.UNPLANNED_FAILOVER,
        "change-point": Kind.CHANGE_POINT,
        "undo": Kind.UNDO_FAILOVER,
        "commit": Kind.COMMIT,
        "reprotect": Kind.REPROTECT,
        "failback": Kind.FAIL_BACK,
    }
)
_FAILOVERS = frozenset({Kind.PLANNED_FAILOVER, Kind.UNPLANNED_FAILOVER})


def order_act(
    plane: Plane,
    actor: Actor,
    vm: str,
    *,
    act: str,
    arguments: dict[str, Any],
    host: str | None = None,
) -> JobView:
    """By name or UUID of the machine; `host` says which, where several have a replica of it."""
    if act not in ACTS:
        raise RecoveryActUnknown(act=act, known=", ".join(ACTS))
    kind = ACTS[act]
    with plane.database.read() as db:
        picture = picture_for(db, actor, vm)
        machine = host_of(picture, _meant(kind, arguments), act=act, host=host)
    # A machine may be called as a command is; its UUID never is.
    told = {**arguments, "vm": picture.vm if is_reserved(vm) else vm}
    return order_job(plane, actor, machine.id, kind=kind.value, arguments=told)


def _meant(kind: Kind, arguments: Mapping[str, Any]) -> Kind:
    """A look before an act is taken by the host that would do the act."""
    if kind is not Kind.CHECK_FAILOVER:
        return kind
    return ACTS.get(str(arguments.get("act", "planned")), kind)


def place_in_plan(picture: Picture, kind: Kind) -> Machine:
    """Where a plan has it: at the host that would start it, or that has done so already."""
    if is_passed_over(picture, kind):
        return picture.machines[picture.runs_at]
    return host_of(picture, kind, act=kind.value)


def is_passed_over(picture: Picture, kind: Kind) -> bool:
    """A test is of whatever has a replica, wherever the machine runs."""
    if kind is Kind.FAIL_BACK:
        return picture.is_home
    return kind in _FAILOVERS and picture.is_there


def host_of(picture: Picture, kind: Kind, *, act: str, host: str | None = None) -> Machine:
    found = picture.hosts_for(kind)
    if host is not None:
        found = [one for one in found if host in (one.id, one.name)]
        if not found and host not in {one.name for one in picture.machines.values()}:
            raise NotThere(what=_("machine"), name=host)
    if not found:
        raise RecoveryNowhere(act=act, about=picture.name)
    if len(found) > 1:
        raise RecoveryHostNotOne(about=picture.name, hosts=", ".join(one.name for one in found))
    return found[0]
