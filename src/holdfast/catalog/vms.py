"""Queries about virtual machines, as their hosts told of them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Vm


def of_machine(
    db: Session, machine_id: str, *, limit: int | None = None, after: tuple[str, str] | None = None
) -> Sequence[Vm]:
    """Sorted by name; `after` are name and UUID of the last one seen."""
    query = select(Vm).where(Vm.machine_id == machine_id).order_by(Vm.name, Vm.uuid).limit(limit)
    if after is not None:
        name, uuid = after
        query = query.where((Vm.name > name) | ((Vm.name == name) & (Vm.uuid > uuid)))
    return db.scalars(query).all()


def uuids_of(db: Session, machine_id: str) -> frozenset[str]:
    return frozenset(db.scalars(select(Vm.uuid).where(Vm.machine_id == machine_id)))


def replace_all(db: Session, machine_id: str, told: Mapping[str, Vm]) -> None:
    """Leave exactly these, by their UUIDs."""
    for row in of_machine(db, machine_id):
        if row.uuid not in told:
            db.delete(row)
    for row in told.values():
        db.merge(row)


def forget_all(db: Session, machine_id: str) -> None:
    """Of a machine that has nothing any more."""
    db.execute(delete(Vm).where(Vm.machine_id == machine_id))
