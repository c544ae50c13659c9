"""Queries about virtual machines, as their hosts told of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, select, tuple_

from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Vm


class Hosted(NamedTuple):
    """A virtual machine, and whose host it is on."""

    vm: Vm
    host: Machine


def over_hosts(
    db: Session,
    *,
    vault_id: str | None = None,
    vaults: Collection[str] | None,
    limit: int,
    after: tuple[str, str, str] | None = None,
) -> list[Hosted]:
    """Sorted by name; `vaults` are those the caller may read, None: all. `after`: the last one seen."""
    place = (Vm.name, Vm.uuid, Vm.machine_id)
    query = select(Vm, Machine).join(Machine, Machine.id == Vm.machine_id)
    query = query.order_by(*place).limit(limit)
    if vault_id is not None:
        query = query.where(Machine.vault_id == vault_id)
    if vaults is not None:
        query = query.where(Machine.vault_id.in_(vaults))
    if after is not None:
        query = query.where(tuple_(*place) > after)
    return [Hosted(*row) for row in db.execute(query)]


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
