"""Queries about runs of drills, as the hosts they were run on told of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.orm import defer

from holdfast.catalog.database import Session
from holdfast.catalog.tables import DrillRun, Machine


class Drilled(NamedTuple):
    """A run, and the host it was run on."""

    row: DrillRun
    machine: Machine


def digests(db: Session, machine_id: str) -> dict[str, str]:
    query = select(DrillRun.id, DrillRun.digest).where(DrillRun.machine_id == machine_id)
    return {row[0]: row[1] for row in db.execute(query)}


def newest_first(
    db: Session,
    *,
    vaults: Collection[str] | None,
    vm: str | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int | None = None,
) -> list[Drilled]:
    """Of hosts of these vaults, None: of all; without their pictures."""
    query = select(DrillRun, Machine).join(Machine, Machine.id == DrillRun.machine_id)
    query = query.options(defer(DrillRun.picture))
    if vaults is not None:
        query = query.where(Machine.vault_id.in_(vaults))
    if vm is not None:
        query = query.where((DrillRun.vm == vm) | (DrillRun.name == vm))
    if before is not None:
        query = query.where(tuple_(DrillRun.begun_at, DrillRun.id) < before)
    query = query.order_by(DrillRun.begun_at.desc(), DrillRun.id.desc()).limit(limit)
    return [Drilled(row[0], row[1]) for row in db.execute(query)]


def last_of_each(db: Session, *, vaults: Collection[str] | None) -> list[Drilled]:
    """The newest run of each virtual machine at each host."""
    ranked = select(
        DrillRun.machine_id,
        DrillRun.id,
        func.row_number()
        .over(
            partition_by=(DrillRun.machine_id, DrillRun.vm),
            order_by=(DrillRun.begun_at.desc(), DrillRun.id.desc()),
        )
        .label("rank"),
    ).subquery()
    query = select(DrillRun, Machine).join(Machine, Machine.id == DrillRun.machine_id)
    query = query.join(
        ranked, (ranked.c.machine_id == DrillRun.machine_id) & (ranked.c.id == DrillRun.id)
    )
    query = query.where(ranked.c.rank == 1).options(defer(DrillRun.picture))
    if vaults is not None:
        query = query.where(Machine.vault_id.in_(vaults))
    return [Drilled(row[0], row[1]) for row in db.execute(query.order_by(DrillRun.name))]


def found(db: Session, run_id: str) -> list[Drilled]:
    query = select(DrillRun, Machine).join(Machine, Machine.id == DrillRun.machine_id)
    query = query.where(DrillRun.id == run_id).order_by(DrillRun.machine_id)
    return [Drilled(row[0], row[1]) for row in db.execute(query)]


def up_to(db: Session, row: DrillRun) -> Sequence[DrillRun]:
    """It and those before it of the same machine at the same host, the oldest first."""
    query = select(DrillRun).where(
        DrillRun.machine_id == row.machine_id,
        DrillRun.vm == row.vm,
        DrillRun.begun_at <= row.begun_at,
    )
    query = query.options(defer(DrillRun.picture))
    return db.scalars(query.order_by(DrillRun.begun_at, DrillRun.id)).all()


def keep_newest(db: Session, machine_id: str, vm: str, *, most: int) -> None:
    query = select(DrillRun.id).where(DrillRun.machine_id == machine_id, DrillRun.vm == vm)
    query = query.order_by(DrillRun.begun_at.desc(), DrillRun.id.desc()).offset(most)
    old = db.scalars(query).all()
    if old:
        db.execute(delete(DrillRun).where(DrillRun.machine_id == machine_id, DrillRun.id.in_(old)))


def last_passed(db: Session, machine_ids: Collection[str]) -> dict[tuple[str, str], datetime]:
    """When a drill of each machine passed last at these hosts."""
    query = select(DrillRun.machine_id, DrillRun.vm, func.max(DrillRun.begun_at))
    query = query.where(DrillRun.machine_id.in_(machine_ids), DrillRun.verdict == "passed")
    query = query.group_by(DrillRun.machine_id, DrillRun.vm)
    return {(row[0], row[1]): row[2] for row in db.execute(query)}
