"""What can be done now to recover a machine, at which host; and what a look before it has found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from holdfast.app.control import recovery_orders
from holdfast.app.control.errors import NotThere
from holdfast.app.control.job_orders import right_for
from holdfast.app.control.jobs import job_for
from holdfast.app.control.machine_views import is_silent
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_picture import Picture, read_record
from holdfast.app.control.recovery_views import picture_for
from holdfast.app.control.retelling import retold
from holdfast.base.texts import _
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.recovery_messages import TrialTold
from holdfast.fleet.roles import Right
from holdfast.recovery.policy import Standing, legal_acts, place_of
from holdfast.recovery.record import ActKind, Stage

# As the API names them, with what the host has to be told besides.
ACTS: Mapping[ActKind, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        ActKind.TEST: ("test", {}),
        ActKind.PLANNED: ("planned", {}),
        ActKind.PLANNED_LIVE: ("planned", {"live": True}),
        ActKind.UNPLANNED: ("unplanned", {}),
        ActKind.CHANGE_POINT: ("change-point", {}),
        ActKind.UNDO: ("undo", {}),
        ActKind.COMMIT: ("commit", {}),
        ActKind.REPROTECT: ("reprotect", {}),
        ActKind.FAILBACK: ("failback", {}),
        ActKind.FAILBACK_LIVE: ("failback", {"live": True}),
        ActKind.CLEAN_UP: ("cleanup", {}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActChoice:
    # A name of ActKind, and how the API orders it.
    kind: str
    act: str
    arguments: dict[str, Any]
    machine_id: str
    machine: str
    is_heard: bool
    # It is under way there, and goes on where it stands.
    is_going_on: bool
    # What whoever orders it must be allowed to.
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """A machine that was started for a test, and is there still."""

    name: str
    machine_id: str
    machine: str
    began_at: datetime
    ends_at: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    choices: list[ActChoice]
    trials: list[TrialView] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightProblem:
    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightView:
    """`is_clear` is None until the host has looked, and where it could not."""

    job: str
    state: str
    is_over: bool
    act: str
    is_clear: bool | None
    generation: str
    taken_at: str
    # What would refuse the act; what would not, and should be known.
    problems: list[PreflightProblem]
    doubts: list[str]
    # How its network cards would be connected, by the network they were in.
    networks: dict[str, str]


def show_choices(plane: Plane, actor: Actor, vm: str) -> Choices:
    """By name or UUID of the machine; by what its hosts told last, who look again themselves."""
    now = plane.clock.now()
    with plane.database.read() as db:
        picture = picture_for(db, actor, vm)
        trials = list(_trials(db, picture))
    choices = [
        _choice(kind, machine, picture, now)
        for machine in picture.machines.values()
        for kind in ActKind
        if kind in _legal(picture, machine)
        and (kind is not ActKind.CLEAN_UP or any(one.machine_id == machine.id for one in trials))
    ]
    return Choices(choices=choices, trials=trials)


def show_preflight(plane: Plane, actor: Actor, job_id: str) -> PreflightView:
    """What the look of that job has found, in the language in use."""
    with plane.database.read() as db:
        job = job_for(db, actor, job_id, Right.READ)
    if job.kind != Kind.CHECK_FAILOVER:
        raise NotThere(what=_("look before an act"), name=job_id)
    found: Mapping[str, Any] = job.result or {}
    told = [*found.get("problems", ()), *([job.error] if job.error else [])]
    return PreflightView(
        job=job.id,
        state=job.state,
        is_over=State(job.state).is_over,
        act=str(job.arguments.get("act", "planned")),
        is_clear=found.get("clear"),
        generation=str(found.get("generation") or ""),
        taken_at=str(found.get("taken_at") or ""),
        problems=[_problem(one) for one in told],
        doubts=list(found.get("doubts", ())),
        networks=dict(found.get("networks", {})),
    )


def _legal(picture: Picture, machine: Machine) -> frozenset[ActKind]:
    record = next(
        (read_record(one.row.record) for one in picture.known if one.machine.id == machine.id), None
    )
    has_replica = any(way.keeper.id == machine.id for way in picture.ways)
    standing = Standing(
        about=picture.name,
        place=place_of(
            record,
            has_replica=has_replica,
            is_home=any(way.machine.id == machine.id for way in picture.ways),
        ),
        stage=record.stage if record else Stage.PROTECTED,
        epoch=record.epoch if record else 0,
        is_fenced=record is not None and record.fence is not None,
        under_way=record.act if record else None,
        is_home_again=record is not None and record.is_home_again,
        has_replica=has_replica,
    )
    return legal_acts(standing)


def _choice(kind: ActKind, machine: Machine, picture: Picture, now: datetime) -> ActChoice:
    act, arguments = ACTS[kind]
    record = next((one.row.record for one in picture.known if one.machine.id == machine.id), {})
    under_way = record.get("act") or {}
    return ActChoice(
        kind=kind.value,
        act=act,
        arguments=dict(arguments),
        machine_id=machine.id,
        machine=machine.name,
        is_heard=machine.state == "active" and not is_silent(machine, now),
        is_going_on=under_way.get("kind") == kind.value,
        right=right_for(recovery_orders.ACTS[act], dict(arguments)).value,
    )


def _trials(db: Session, picture: Picture) -> Iterator[TrialView]:
    for row, machine in recovery_rows.hosts(db):
        if machine.id not in picture.machines:
            continue
        for told in row.facts.get("trials", ()):
            trial = msgspec.convert(told, TrialTold, strict=False)
            if trial.vm == picture.vm:
                yield TrialView(
                    name=trial.name,
                    machine_id=machine.id,
                    machine=machine.name,
                    began_at=trial.began_at,
                    ends_at=trial.ends_at,
                    trouble=trial.trouble,
                )


def _problem(told: dict[str, Any]) -> PreflightProblem:
    said = retold(told) or told
    return PreflightProblem(
        code=str(said.get("code", "")),
        message=str(said.get("message", "")),
        remedy=str(said.get("remedy", "")),
    )
