"""Recoveries as people see them: where each machine runs, and what its hosts are doing about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.machine_views import is_silent
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_picture import Picture, is_split, pictures
from holdfast.app.control.replication_judging import rpo_of
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog import replications as replication_rows
from holdfast.catalog.database import Session
from holdfast.catalog.recoveries import Known
from holdfast.catalog.replications import Filter
from holdfast.catalog.tables import Machine
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    name: str
    state: str
    began_at: str
    ended_at: str | None
    said: str
    # The code of what it failed with.
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActView:
    """What is being done, or stands still until the same is ordered again, or undone."""

    id: str
    kind: str
    who: str
    begun_at: str
    # The point it is about.
    generation: str
    steps: list[StepView]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryHostView:
    """What one of its hosts knows."""

    machine_id: str
    machine: str
    stage: str
    stage_since: datetime
    epoch: int
    runs_at: str
    act: ActView | None
    # The definition there cannot be started.
    is_fenced: bool
    # The machine was seen running on both hosts.
    is_split: bool
    # The point it was started from there, if it was.
    point: str
    point_at: str | None
    is_heard: bool
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryView:
    # The UUID of the virtual machine.
    vm: str
    name: str
    vault_id: str
    # By the greatest epoch that any of its hosts knows.
    stage: str
    epoch: int
    # The host that may run it.
    runs_at: str
    runs_on: str
    is_split: bool
    # Where it is replicated, and what would be lost if it were started there now.
    replicated_to: list[str]
    latest_at: datetime | None
    rpo_seconds: float | None
    hosts: list[RecoveryHostView]


def list_recoveries(
    plane: Plane, actor: Actor, window: Window, *, vault: str | None = None
) -> Page[RecoveryView]:
    """Every machine that is replicated, or was failed over; sorted by name."""
    parts, now = window.parts(2), plane.clock.now()
    with plane.database.read() as db:
        vault_id = any_vault(db, vault).id if vault else None
        if vault_id is not None:
            require(db, actor, Right.READ, vault_id)
        vaults = readable_vaults(db, actor) if vault_id is None else frozenset((vault_id,))
        known = recovery_rows.listed(db, vaults=vaults)
        ways = replication_rows.listed(db, Filter(), vaults=vaults)
        after = (parts[0], parts[1]) if parts else ("", "")
        found = [one for one in pictures(known, ways) if (one.name, one.vm) > after]
        return make_page(
            found[: window.one_more],
            window,
            key=lambda one: [one.name, one.vm],
            view=lambda one: _view(one, now),
        )


def show_recovery(plane: Plane, actor: Actor, vm: str) -> RecoveryView:
    """By name or UUID."""
    with plane.database.read() as db:
        return _view(picture_for(db, actor, vm), plane.clock.now())


def picture_for(db: Session, actor: Actor, vm: str) -> Picture:
    """The machine, if the caller may look into the vault of one of its hosts."""
    vaults = readable_vaults(db, actor)
    ways = replication_rows.listed(db, Filter(vm=vm), vaults=vaults)
    known = [
        one
        for one in recovery_rows.listed(db, vaults=vaults)
        if vm in (one.row.vm, one.row.name) or one.row.vm in {way.row.vm for way in ways}
    ]
    found = pictures(known, ways)
    if len(found) != 1:
        # Nobody, or several of that name: only the UUID says which.
        raise NotThere(what=_("recovery"), name=vm)
    return found[0]


def _view(picture: Picture, now: datetime) -> RecoveryView:
    machines = picture.machines
    runs_on = machines.get(picture.runs_at)
    away = [way for way in picture.ways if way.machine.id == picture.runs_at]
    behind = [rpo for way in away if (rpo := rpo_of(way.row, way.machine, now)) is not None]
    latest = [way.row.latest_at for way in away if way.row.latest_at is not None]
    home = runs_on or next(iter(machines.values()))
    return RecoveryView(
        vm=picture.vm,
        name=picture.name,
        vault_id=home.vault_id,
        stage=picture.stage,
        epoch=picture.epoch,
        runs_at=picture.runs_at,
        runs_on=runs_on.name if runs_on else "",
        is_split=picture.is_split,
        replicated_to=[way.site.name for way in away],
        latest_at=max(latest, default=None),
        rpo_seconds=min(behind, default=None),
        hosts=[_host(one, now) for one in picture.known],
    )


def _host(known: Known, now: datetime) -> RecoveryHostView:
    row, machine = known
    promoted = row.record.get("promoted") or {}
    return RecoveryHostView(
        machine_id=machine.id,
        machine=machine.name,
        stage=row.stage,
        stage_since=row.stage_since,
        epoch=row.epoch,
        runs_at=row.runs_at,
        act=_act(row.record.get("act")),
        is_fenced=row.record.get("fence") is not None,
        is_split=is_split(row.record),
        point=str(promoted.get("generation", "")),
        point_at=promoted.get("taken_at"),
        is_heard=_is_heard(machine, now),
        told_at=row.told_at,
    )


def _is_heard(machine: Machine, now: datetime) -> bool:
    return machine.state == "active" and not is_silent(machine, now)


def _act(told: dict[str, Any] | None) -> ActView | None:
    if not told:
        return None
    return ActView(
        id=str(told.get("id", "")),
        kind=str(told.get("kind", "")),
        who=str(told.get("who", "")),
        begun_at=str(told.get("begun_at", "")),
        generation=str(told.get("generation", "")),
        steps=[
            StepView(
                name=str(one.get("name", "")),
                state=str(one.get("state", "")),
                began_at=str(one.get("began_at", "")),
                ended_at=one.get("ended_at"),
                said=str(one.get("said", "")),
                error=str(one.get("error", "")),
            )
            for one in told.get("steps", ())
        ],
    )
