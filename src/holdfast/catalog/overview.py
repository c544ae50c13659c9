"""Figures over all machines at once: each query reads many rows and gives few columns of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    case,
    cast,
    exists,
    false,
    func,
    or_,
    select,
)

from holdfast.catalog.database import Session
from holdfast.catalog.machines import at_work
from holdfast.catalog.tables import (
    Alert,
    Approval,
    Assignment,
    Job,
    Machine,
    Point,
    Replication,
    Scrub,
    Site,
    Vault,
    Vm,
)

# The vaults the caller may read; None: all.
Vaults = Collection[str] | None


class MachineRow(NamedTuple):
    id: str
    vault_id: str
    name: str
    seen_at: datetime | None
    registered_at: datetime
    bytes_stored: int
    # How old its newest point may be, in days; 0: nobody asks.
    within_days: int
    newest_point: datetime | None
    points: int
    # Of them, those of the time that was asked for.
    points_since: int
    bytes_since: int
    # Since when a policy holds for it that is not paused.
    assigned_since: datetime | None
    assignments: int
    keeps_site: bool
    replicates: bool


class VmRow(NamedTuple):
    uuid: str
    name: str
    machine_id: str
    facts: dict[str, Any]
    told_at: datetime


class AssignedVms(NamedTuple):
    machine_id: str
    vms: list[str]
    is_paused: bool
    created_at: datetime


class AlertRow(NamedTuple):
    id: str
    kind: str
    severity: str
    vault_id: str | None
    machine_id: str | None
    fields: dict[str, Any]
    first_at: datetime


class ProofRow(NamedTuple):
    """The newest job of a kind that showed something of one thing of a machine."""

    job_id: str
    # Whose points were read: not always the machine that did the work.
    machine_id: str | None
    kind: str
    source: str
    # The virtual machine that was restored.
    vm: str | None
    # Not all of the point was restored.
    is_partial: bool
    at: datetime


def machines(db: Session, vaults: Vaults, *, since: datetime) -> list[MachineRow]:
    """Every machine at work, with what there is of it; points are counted from `since`."""
    points, assigned = _points(since), _assigned()
    query = (
        select(
            *(Machine.id, Machine.vault_id, Machine.name, Machine.last_seen_at),
            *(Machine.registered_at, Machine.bytes_stored, Vault.backup_within_days),
            *(points.c.newest, func.coalesce(points.c.count, 0)),
            *(func.coalesce(points.c.fresh, 0), func.coalesce(points.c.added, 0)),
            *(assigned.c.since, func.coalesce(assigned.c.count, 0)),
            exists().where(Site.machine_id == Machine.id),
            exists().where(Replication.machine_id == Machine.id),
        )
        .join(Vault, Vault.id == Machine.vault_id)
        .outerjoin(points, points.c.machine_id == Machine.id)
        .outerjoin(assigned, assigned.c.machine_id == Machine.id)
        .where(at_work(), Vault.deleted_at.is_(None), *_within(Machine.vault_id, vaults))
        .order_by(Machine.name, Machine.id)
    )
    return [MachineRow(*row) for row in db.connection().execute(query)]


def vms(db: Session, vaults: Vaults) -> list[VmRow]:
    """Those of machines at work, the one whose host told last first."""
    query = select(Vm.uuid, Vm.name, Vm.machine_id, Vm.facts, Vm.told_at)
    query = _of_machines(query, Vm.machine_id, vaults).order_by(Vm.told_at.desc(), Vm.machine_id)
    return [VmRow(*row) for row in db.connection().execute(query)]


def assigned_vms(db: Session, vaults: Vaults) -> list[AssignedVms]:
    """What is assigned on the hosts that have virtual machines."""
    query = select(
        Assignment.machine_id, Assignment.vms, Assignment.is_paused, Assignment.created_at
    )
    query = _of_machines(query, Assignment.machine_id, vaults)
    query = query.where(exists().where(Vm.machine_id == Assignment.machine_id))
    return [AssignedVms(*row) for row in db.connection().execute(query)]


def open_alerts(db: Session, vaults: Vaults, *, without: Collection[str] = ()) -> list[AlertRow]:
    """The oldest first; `without` those of some kinds."""
    query = select(
        *(Alert.id, Alert.kind, Alert.severity, Alert.vault_id, Alert.machine_id),
        *(Alert.fields, Alert.first_at),
    )
    query = query.where(Alert.closed_at.is_(None), *_within(Alert.vault_id, vaults))
    query = query.where(Alert.kind.not_in(without)).order_by(Alert.first_at, Alert.id)
    return [AlertRow(*row) for row in db.connection().execute(query)]


def proofs(db: Session, vaults: Vaults, *, kinds: Sequence[str], since: datetime) -> list[ProofRow]:
    """What was tried and shown, and by which job."""
    # Of checks, which are most of the rows, no argument says more.
    vm, ended = case((Job.kind != "check", _told("vm"))), Job.ended_at
    about = (_whose(), Job.kind, Job.source, vm, _is_partial())
    rank = func.row_number().over(partition_by=about, order_by=(ended.desc(), Job.id.desc()))
    columns = (*about[:4], about[4].label("is_partial"), ended.label("at"), rank.label("rank"))
    found = (
        select(Job.id, *columns)
        .where(Job.kind.in_(kinds), Job.created_at >= since, ended.is_not(None), *proving())
        .where(*_within(Job.vault_id, vaults))
        .subquery()
    )
    query = select(*(one for one in found.c if one.name != "rank")).where(found.c.rank == 1)
    return [ProofRow(*row) for row in db.connection().execute(query)]


def proving() -> list[ColumnElement[bool]]:
    """Of restores, drills and checks: it ran to its end, and read what is stored.

    One that ended with warnings left something out; one that only compared brought nothing back.
    """
    # SQLite says 1 where PostgreSQL says true.
    is_dry = cast(func.coalesce(_told("dry_run"), "false"), String).in_(("true", "1"))
    reads = _told("read_data").is_not(None)
    return [Job.state == "done", ~is_dry, or_(Job.kind != "check", reads)]


def clean_scrubs(db: Session, vaults: Vaults) -> dict[str, datetime]:
    """Machines whose stored files were all read and found as they should be, and when."""
    query = select(Scrub.machine_id, Scrub.ended_at, Scrub.damaged)
    query = _of_machines(query, Scrub.machine_id, vaults).where(Scrub.ended_at.is_not(None))
    rows = db.connection().execute(query)
    return {machine: ended for machine, ended, damaged in rows if not damaged}


def jobs_since(db: Session, vaults: Vaults, moment: datetime) -> dict[tuple[str, str], int]:
    """How many there were, by kind and state."""
    query = select(Job.kind, Job.state, func.count()).where(Job.created_at >= moment)
    query = query.where(*_within(Job.vault_id, vaults)).group_by(Job.kind, Job.state)
    return {(kind, state): count for kind, state, count in db.connection().execute(query)}


def vaults_of(db: Session, vaults: Vaults) -> dict[str, str]:
    """Names of the vaults that are not deleted, by their ids."""
    query = select(Vault.id, Vault.name).where(Vault.deleted_at.is_(None))
    return {row[0]: row[1] for row in db.execute(query.where(*_within(Vault.id, vaults)))}


def approvals_waiting(db: Session, vaults: Vaults, now: datetime) -> list[tuple[str, datetime]]:
    """What they would allow, and when they were asked for; the oldest first."""
    query = select(Approval.act, Approval.asked_at).where(
        Approval.decision.is_(None), Approval.expires_at > now, *_within(Approval.vault_id, vaults)
    )
    return [(row[0], row[1]) for row in db.execute(query.order_by(Approval.asked_at))]


def open_plan_runs(db: Session, vaults: Vaults, kind: str) -> Sequence[Job]:
    """Runs of recovery plans that are not over."""
    query = select(Job).where(Job.kind == kind, Job.state.in_(("waiting", "running")))
    return db.scalars(query.where(*_within(Job.vault_id, vaults)).order_by(Job.created_at)).all()


def _whose() -> Any:
    """A machine reads for another when a person asks it to; what it says by itself is of its own."""
    return case(
        (Job.origin == "person", func.coalesce(_told("machine"), Job.machine_id)),
        else_=Job.machine_id,
    ).label("whose")


def _is_partial() -> ColumnElement[bool]:
    """Chosen paths or disks, one folder of the point, or files out of a virtual machine's disk."""
    chosen = (_told("include", 0), _told("disks", 0), _told("inside"))
    folder = func.coalesce(_told("point"), "").contains(":")
    is_chosen = or_(folder, *(one.is_not(None) for one in chosen))
    return case((Job.kind == "check", false()), else_=is_chosen)


def _told(*path: str | int) -> Any:
    """Of a job's arguments, as a text."""
    return Job.arguments[path].as_string()


def _points(since: datetime) -> Any:
    is_fresh = Point.taken_at >= since
    added = case((is_fresh, func.coalesce(Point.bytes_added, 0)), else_=0)
    return (
        select(
            Point.machine_id,
            func.max(Point.taken_at).label("newest"),
            func.count().label("count"),
            func.sum(case((is_fresh, 1), else_=0)).label("fresh"),
            # PostgreSQL gives a sum of such numbers as a decimal.
            cast(func.sum(added), BigInteger).label("added"),
        )
        .group_by(Point.machine_id)
        .subquery()
    )


def _assigned() -> Any:
    held = case((Assignment.is_paused.is_(False), Assignment.created_at))
    return (
        select(
            Assignment.machine_id,
            func.min(held).label("since"),
            func.count().label("count"),
        )
        .group_by(Assignment.machine_id)
        .subquery()
    )


def _of_machines(query: Any, machine_id: Any, vaults: Vaults) -> Any:
    """Of machines at work, in vaults that are there."""
    query = query.join(Machine, Machine.id == machine_id).join(Vault, Vault.id == Machine.vault_id)
    return query.where(at_work(), Vault.deleted_at.is_(None), *_within(Machine.vault_id, vaults))


def _within(column: Any, vaults: Vaults) -> list[ColumnElement[bool]]:
    return [] if vaults is None else [column.in_(vaults)]
