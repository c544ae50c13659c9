"""Recovery plans that the server keeps: texts as people have them in version control."""

from dataclasses import dataclass
from datetime import datetime

from holdfast.app.control import audit
from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.plan_actions import unfit
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replaying import id_for
from holdfast.app.control.vault_rows import any_vault, live_vault
from holdfast.base.texts import _
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import RecoveryPlan
from holdfast.fleet.roles import Right
from holdfast.recovery.plans.plan import Plan
from holdfast.recovery.plans.reading import examine, read_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    id: str
    vault_id: str
    name: str
    version: int
    changed_at: datetime
    changed_by: str
    machines: list[str]
    # As it was written.
    text: str


def put_plan(plane: Plane, actor: Actor, vault: str, text: str) -> PlanView:
    """Under the name that stands in it; one of that name is replaced."""
    plan = runnable(text)
    with plane.database.write() as db:
        vault_id = live_vault(db, vault).id
        require(db, actor, Right.CHANGE_POLICIES, vault_id)
        row = recovery_rows.plan_named(db, vault_id, plan.name)
        if row is None:
            row = RecoveryPlan(id=id_for(actor), vault_id=vault_id, name=plan.name, version=0)
            db.add(row)
        if row.version == 0 or row.text != text:
            row.version += 1
        row.text, row.changed_at, row.changed_by = text, plane.clock.now(), str(actor)
        _note(plane, db, actor, row, act="plan-put")
        return _view(row)


def list_plans(plane: Plane, actor: Actor, *, vault: str | None = None) -> list[PlanView]:
    """Sorted by name."""
    with plane.database.read() as db:
        vault_id = any_vault(db, vault).id if vault else None
        if vault_id is not None:
            require(db, actor, Right.READ, vault_id)
        vaults = readable_vaults(db, actor) if vault_id is None else frozenset((vault_id,))
        return [_view(row) for row in recovery_rows.plans(db, vaults=vaults)]


def show_plan(plane: Plane, actor: Actor, plan_id: str) -> PlanView:
    with plane.database.read() as db:
        return _view(plan_for(db, actor, plan_id, Right.READ))


def remove_plan(plane: Plane, actor: Actor, plan_id: str) -> None:
    with plane.database.write() as db:
        row = plan_for(db, actor, plan_id, Right.CHANGE_POLICIES)
        _note(plane, db, actor, row, act="plan-remove")
        db.delete(row)


def plan_for(db: Session, actor: Actor, plan_id: str, right: Right) -> RecoveryPlan:
    row = db.get(RecoveryPlan, plan_id)
    if row is None:
        # An administrator is told that it is not there; for all others it could be.
        require(db, actor, right, None)
        raise NotThere(what=_("recovery plan"), name=plan_id)
    require(db, actor, right, row.vault_id)
    return row


def runnable(text: str) -> Plan:
    """The plan, if a server can run it: no command lines for hosts, and no files of its own."""
    plan = read_plan(text.encode(), _("plan"))
    for error in unfit(plan):
        raise error
    return plan


def _view(row: RecoveryPlan) -> PlanView:
    return PlanView(
        id=row.id,
        vault_id=row.vault_id,
        name=row.name,
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        machines=_machines(row.text),
        text=row.text,
    )


def _machines(text: str) -> list[str]:
    """None of a text that read once and reads no more: whoever runs or changes it is told why."""
    plan, _problems = examine(text.encode())
    return [one.vm for one in plan.machines] if plan else []


def _note(plane: Plane, db: Session, actor: Actor, row: RecoveryPlan, *, act: str) -> None:
    detail = {"name": row.name, "version": row.version}
    audit.note(db, plane, actor, act=act, vault_id=row.vault_id, object=row.id, detail=detail)
