"""Which policy holds for which paths, and which virtual machines, of which machine."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.machine_views import machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.policy_errors import PathsAssigned, VmsAssigned
from holdfast.app.control.registration_errors import MachineNotRegistered
from holdfast.app.control.replaying import id_for, made_before
from holdfast.app.control.shortening import is_shortening, losses_of, require_may_shorten
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import policies as policy_rows
from holdfast.catalog.database import Session
from holdfast.catalog.policies import Attached, Filter
from holdfast.catalog.tables import Assignment, Machine, Vault
from holdfast.catalog.tables import Policy as Row
from holdfast.fleet.backup_options import read_options, read_sources, require_fit
from holdfast.fleet.messages import AssignedPolicy, Assignments
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.policies import known_policy
from holdfast.fleet.roles import Right
from holdfast.fleet.schedule import next_due

_RUNS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentView:
    id: str
    machine_id: str
    machine: str
    # "active"; whose machine is another is due again when it registers again.
    machine_state: str
    vault_id: str
    policy_id: str
    policy: str
    policy_version: int
    paths: list[str]
    # Virtual machines on it, by name; "*": all that are protected.
    vms: list[str]
    options: dict[str, Any]
    is_paused: bool
    created_at: datetime
    # When its machine will back up, by its own schedule; none while it is paused, or has left.
    next_runs: list[datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different; None leaves it."""

    policy_id: str | None = None
    paths: list[str] | None = None
    vms: list[str] | None = None
    options: dict[str, Any] | None = None
    is_paused: bool | None = None


def list_assignments(
    plane: Plane,
    actor: Actor,
    window: Window,
    *,
    vault: str | None = None,
    machine: str | None = None,
    policy: str | None = None,
) -> Page[AssignmentView]:
    parts, now = window.parts(1), plane.clock.now()
    with plane.database.read() as db:
        vault_id = any_vault(db, vault).id if vault else None
        if vault_id is not None:
            require(db, actor, Right.READ, vault_id)
        rows = policy_rows.attached(
            db,
            Filter(vault_id=vault_id, machine_id=machine, policy_id=policy),
            vaults=readable_vaults(db, actor) if vault_id is None else None,
            limit=window.one_more,
            after=parts[0] if parts else None,
        )
    return make_page(
        rows, window, key=lambda one: [one.assignment.id], view=lambda one: _view(one, now)
    )


def show_assignment(plane: Plane, actor: Actor, assignment_id: str) -> AssignmentView:
    with plane.database.read() as db:
        return _view(attached_for(db, actor, assignment_id, Right.READ), plane.clock.now())


def attach(  # noqa: PLR0913  which policy for what of which machine
    plane: Plane,
    actor: Actor,
    machine_id: str,
    *,
    policy_id: str,
    paths: Sequence[str],
    vms: Sequence[str] = (),
    options: dict[str, Any],
) -> AssignmentView:
    """Let the policy, by its id or name, hold for these paths and virtual machines from now on."""
    with plane.database.write() as db:
        machine = machine_for(db, actor, machine_id, Right.CHANGE_POLICIES)
        if machine.state != "active":
            raise MachineNotRegistered(machine=machine.id, state=machine.state)
        policy = _policy_of(db, machine, policy_id)
        taken, machines = read_sources(paths, vms)
        same = {"machine_id": machine.id, "policy_id": policy.id, "paths": taken, "vms": machines}
        before = made_before(plane, db, actor, table=Assignment, same=same, at="created_at")
        if before is not None:
            return _view(Attached(before, policy, machine), plane.clock.now())
        row = Assignment(
            **same,
            id=id_for(actor),
            options=read_options(options),
            is_paused=False,
            created_at=plane.clock.now(),
        )
        require_fit(row.options, row.paths)
        _require_free(db, machine, row)
        db.add(row)
        return _noted(plane, db, actor, Attached(row, policy, machine), act="policy-attach")


def change_assignment(
    plane: Plane, actor: Actor, assignment_id: str, change: Change
) -> AssignmentView:
    with plane.database.write() as db:
        found = attached_for(db, actor, assignment_id, Right.CHANGE_POLICIES)
        row, machine = found.assignment, found.machine
        policy = _policy_of(db, machine, change.policy_id or row.policy_id)
        row.policy_id = policy.id
        _change_sources(db, machine, row, change)
        if change.is_paused is not None:
            row.is_paused = change.is_paused
        _require_may_swap(plane, db, actor, row=row, old=found.policy, new=policy)
        return _noted(plane, db, actor, Attached(row, policy, machine), act="assignment-change")


def _change_sources(db: Session, machine: Machine, row: Assignment, change: Change) -> None:
    if change.options is not None:
        row.options = read_options(change.options)
    if change.paths is not None or change.vms is not None:
        paths = row.paths if change.paths is None else change.paths
        vms = row.vms if change.vms is None else change.vms
        row.paths, row.vms = read_sources(paths, vms)
        _require_free(db, machine, row)
    require_fit(row.options, row.paths)


def detach(plane: Plane, actor: Actor, assignment_id: str) -> None:
    """Stop protection; the recovery points stay, and no policy makes them go any more."""
    with plane.database.write() as db:
        found = attached_for(db, actor, assignment_id, Right.CHANGE_POLICIES)
        _noted(plane, db, actor, found, act="policy-detach")
        db.delete(found.assignment)


def told_assignments(plane: Plane, actor: Actor) -> Assignments:
    """What the machine that asks has to protect."""
    if actor.kind != "machine":
        raise NotAllowed(actor=str(actor), right="assignments", object="machine")
    with plane.database.read() as db:
        return assignments_of(db, actor.id)


def assignments_of(db: Session, machine_id: str) -> Assignments:
    """All of a machine, with a tag that changes exactly when they do."""
    # The tag first: of a change in between, the next beat tells once more than needed.
    etag = etag_of(db, machine_id)
    found = [_assigned(one) for one in policy_rows.attached(db, Filter(machine_id=machine_id))]
    return Assignments(etag=etag, assignments=found)


def etag_of(db: Session, machine_id: str) -> str:
    """Of all that the machine has to protect, and how."""
    db.flush()
    content = json.dumps(policy_rows.stamp(db, machine_id))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def attached_for(db: Session, actor: Actor, assignment_id: str, right: Right) -> Attached:
    row = db.get(Assignment, assignment_id)
    if row is None:
        # An administrator is told that it is not there; for all others it could be.
        require(db, actor, right, None)
        raise NotThere(what=_("assignment"), name=assignment_id)
    machine, policy = db.get(Machine, row.machine_id), db.get(Row, row.policy_id)
    assert machine is not None, "foreign keys hold"
    assert policy is not None, "foreign keys hold"
    require(db, actor, right, machine.vault_id)
    return Attached(row, policy, machine)


def _policy_of(db: Session, machine: Machine, policy_id: str) -> Row:
    policy = db.get(Row, policy_id) or policy_rows.by_name(db, machine.vault_id, policy_id)
    if policy is None or policy.vault_id != machine.vault_id:
        raise NotThere(what=_("policy"), name=policy_id)
    return policy


def _require_free(db: Session, machine: Machine, row: Assignment) -> None:
    """Two policies for the same points would undo each other."""
    with db.no_autoflush:
        for other in policy_rows.attached(db, Filter(machine_id=machine.id)):
            if other.assignment.id == row.id:
                continue
            told = {"machine": machine.name, "policy": other.policy.name}
            if row.paths and set(other.assignment.paths) == set(row.paths):
                raise PathsAssigned(**told, id=other.assignment.id)
            if row.vms and set(other.assignment.vms) == set(row.vms):
                raise VmsAssigned(**told, id=other.assignment.id)


def _require_may_swap(
    plane: Plane, db: Session, actor: Actor, *, row: Assignment, old: Row, new: Row
) -> None:
    """A swap to a policy that keeps less is as good as shortening one."""
    if new.id == old.id:
        return
    before, policy = known_policy(old.body), known_policy(new.body)
    lost = losses_of(plane, db, row, old=before, new=policy)
    if not is_shortening(before, policy, lost):
        return
    vault = db.get(Vault, new.vault_id)
    assert vault is not None, "foreign keys hold"
    request = {"assignment": row.id, "policy": new.id}
    require_may_shorten(plane, db, actor, vault, request, policy=new.name)


def _noted(plane: Plane, db: Session, actor: Actor, found: Attached, *, act: str) -> AssignmentView:
    row, policy, machine = found
    detail = {
        "machine": machine.id,
        "policy": policy.id,
        "paths": row.paths,
        "vms": row.vms,
        "options": row.options,
        "is_paused": row.is_paused,
    }
    vault_id = machine.vault_id
    audit.note(db, plane, actor, act=act, vault_id=vault_id, object=row.id, detail=detail)
    return _view(found, plane.clock.now())


def _assigned(one: Attached) -> AssignedPolicy:
    return AssignedPolicy(
        id=one.assignment.id,
        policy_id=one.policy.id,
        policy_name=one.policy.name,
        policy_version=one.policy.version,
        policy=one.policy.body,
        paths=one.assignment.paths,
        options=one.assignment.options,
        is_paused=one.assignment.is_paused,
        vms=one.assignment.vms,
    )


def _view(one: Attached, now: datetime) -> AssignmentView:
    row = one.assignment
    is_due = one.machine.state == "active" and not row.is_paused
    return AssignmentView(
        id=row.id,
        machine_id=row.machine_id,
        machine=one.machine.name,
        machine_state=one.machine.state,
        vault_id=one.machine.vault_id,
        policy_id=row.policy_id,
        policy=one.policy.name,
        policy_version=one.policy.version,
        paths=row.paths,
        vms=row.vms,
        options=row.options,
        is_paused=row.is_paused,
        created_at=row.created_at,
        next_runs=_next_runs(one, now) if is_due else [],
    )


def _next_runs(one: Attached, now: datetime) -> list[datetime]:
    timing, runs = known_policy(one.policy.body).timing, list[datetime]()
    for _number in range(_RUNS_SHOWN):
        # The agent draws its jitter from the same seed.
        found = next_due(timing, runs[-1] if runs else now, seed=one.assignment.id)
        if found is None:
            break
        runs.append(found.at)
    return runs
