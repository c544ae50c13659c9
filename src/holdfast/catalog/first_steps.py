"""What there is already of a newcomer's first steps: a few counts, asked at once."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import (
    Assignment,
    Job,
    Machine,
    Point,
    Replication,
    Site,
    Vault,
    Vm,
)

_GOOD = ("done", "warnings")
_PROOFS = ("restore", "check")
_DRILLS = ("drill", "failover-test")


class Counts(NamedTuple):
    vaults: int
    machines: int
    assignments: int
    points: int
    # Jobs that ended well and proved that something comes back.
    proofs: int
    vms: int
    protected_vms: int
    sites: int
    replications: int
    drills: int


def counts(db: Session, vaults: Collection[str] | None) -> Counts:
    """Of these vaults; None: of all."""
    within = _within(vaults)
    machine = Machine.state == "active"
    of_machines = Machine.id.in_(select(Machine.id).where(machine, *within(Machine.vault_id)))
    mine = select(Machine.id).where(machine, *within(Machine.vault_id))
    ended = select(func.count()).select_from(Job).where(Job.state.in_(_GOOD), *within(Job.vault_id))
    asked: list[Select[Any]] = [
        _count(Vault, Vault.deleted_at.is_(None), *within(Vault.id)),
        _count(Machine, of_machines),
        _count(Assignment, Assignment.machine_id.in_(mine)),
        _count(Point, Point.machine_id.in_(mine)),
        ended.where(Job.kind.in_(_PROOFS)),
        _count(Vm, Vm.machine_id.in_(mine)),
        _count(Vm, Vm.machine_id.in_(mine), Vm.facts["protected_since"].as_string().is_not(None)),
        _count(Site, Site.machine_id.in_(mine)),
        _count(Replication, Replication.machine_id.in_(mine)),
        ended.where(Job.kind.in_(_DRILLS)),
    ]
    return Counts(*db.execute(select(*(one.scalar_subquery() for one in asked))).one())


def _count(table: Any, *where: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(table).where(*where)


def _within(vaults: Collection[str] | None) -> Any:
    def limit(column: Any) -> list[ColumnElement[bool]]:
        return [] if vaults is None else [column.in_(vaults)]

    return limit
