"""Queries about recoveries: where machines may run, as their hosts told."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, select

from holdfast.catalog.database import Session
from holdfast.catalog.machines import at_work
from holdfast.catalog.tables import Job, Machine, Recovery, RecoveryHost, RecoveryPlan

# As `fleet.jobs.Kind` has it: a run of a plan that the server drives.
_RUN = "recovery-plan"


class Known(NamedTuple):
    """What one host knows of a machine, and that host."""

    row: Recovery
    machine: Machine


def of_machine(db: Session, machine_id: str) -> Sequence[Recovery]:
    query = select(Recovery).where(Recovery.machine_id == machine_id)
    return db.scalars(query.order_by(Recovery.vm)).all()


def of_vm(db: Session, vm: str) -> list[Known]:
    """What each of its hosts knows, the greatest epoch first."""
    query = select(Recovery, Machine).join(Machine, Machine.id == Recovery.machine_id)
    query = query.where(Recovery.vm == vm).order_by(Recovery.epoch.desc(), Machine.id)
    return [Known(row[0], row[1]) for row in db.execute(query)]


def listed(
    db: Session, *, vaults: Collection[str] | None, at_work_only: bool = False
) -> list[Known]:
    """Those of hosts of these vaults, None: of all."""
    query = select(Recovery, Machine).join(Machine, Machine.id == Recovery.machine_id)
    if vaults is not None:
        query = query.where(Machine.vault_id.in_(vaults))
    if at_work_only:
        query = query.where(at_work())
    return [Known(row[0], row[1]) for row in db.execute(query.order_by(Recovery.vm, Machine.id))]


def replace_all(db: Session, machine_id: str, told: Mapping[str, Recovery]) -> None:
    """Leave exactly these, by the UUIDs of their machines."""
    for row in of_machine(db, machine_id):
        if row.vm not in told:
            db.delete(row)
    for row in told.values():
        db.merge(row)


def hosts(db: Session) -> list[tuple[RecoveryHost, Machine]]:
    """What hosts at work told besides."""
    query = select(RecoveryHost, Machine).join(Machine, Machine.id == RecoveryHost.machine_id)
    rows = db.execute(query.where(at_work()).order_by(Machine.id))
    return [(row[0], row[1]) for row in rows]


def machines_named(db: Session, name: str) -> Sequence[Machine]:
    """Registered machines at work, by their names or ids."""
    named = (Machine.name == name) | (Machine.id == name)
    return db.scalars(select(Machine).where(named, at_work()).order_by(Machine.id)).all()


def forget_all(db: Session, machine_id: str) -> None:
    """Of a machine that has nothing any more."""
    db.execute(delete(Recovery).where(Recovery.machine_id == machine_id))
    db.execute(delete(RecoveryHost).where(RecoveryHost.machine_id == machine_id))


def plans(db: Session, *, vaults: Collection[str] | None) -> Sequence[RecoveryPlan]:
    query = select(RecoveryPlan).order_by(RecoveryPlan.name, RecoveryPlan.id)
    if vaults is not None:
        query = query.where(RecoveryPlan.vault_id.in_(vaults))
    return db.scalars(query).all()


def plan_named(db: Session, vault_id: str, name: str) -> RecoveryPlan | None:
    query = select(RecoveryPlan).where(RecoveryPlan.vault_id == vault_id)
    return db.scalar(query.where(RecoveryPlan.name == name))


def plan_runs(
    db: Session, *, vaults: Collection[str] | None, source: str | None = None, limit: int
) -> Sequence[Job]:
    """The newest first; `source` is that of the runs of one plan."""
    query = select(Job).where(Job.kind == _RUN)
    if vaults is not None:
        query = query.where(Job.vault_id.in_(vaults))
    if source is not None:
        query = query.where(Job.source == source)
    return db.scalars(query.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)).all()
