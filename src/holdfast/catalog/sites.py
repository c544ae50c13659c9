"""Queries about sites, and about what their agents told of the replicas there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Row, Select, func, or_, select, tuple_

from holdfast.catalog.database import Session
from holdfast.catalog.tables import (
    Machine,
    Replica,
    ReplicaRemoval,
    Replication,
    ReplicationEnd,
    Site,
)


class Placed(NamedTuple):
    """A site, and the machine it is on."""

    site: Site
    machine: Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    vault_id: str | None = None
    machine_id: str | None = None


def named(db: Session, wanted: str) -> Placed | None:
    """By its id or its name."""
    query = _placed().where(or_(Site.id == wanted, Site.name == wanted))
    # A name that looks like another site's id stands behind that id.
    found = db.execute(query.order_by((Site.id == wanted).desc())).first()
    return None if found is None else _one(found)


def of_machine(db: Session, machine_id: str) -> Site | None:
    return db.scalar(select(Site).where(Site.machine_id == machine_id))


def keepers(db: Session) -> dict[str, str]:
    """The machine that each site is on."""
    return {row[0]: row[1] for row in db.execute(select(Site.id, Site.machine_id))}


def is_name_taken(db: Session, name: str) -> bool:
    return db.scalar(select(Site.id).where(Site.name == name)) is not None


def by_name(
    db: Session,
    wanted: Filter,
    *,
    limit: int,
    vaults: Collection[str] | None,
    after: str | None = None,
) -> list[Placed]:
    """Sorted by name; `vaults` are those the caller may read, None: all."""
    query = _placed().order_by(Site.name).limit(limit)
    if wanted.vault_id is not None:
        query = query.where(Machine.vault_id == wanted.vault_id)
    if wanted.machine_id is not None:
        query = query.where(Site.machine_id == wanted.machine_id)
    if vaults is not None:
        query = query.where(Machine.vault_id.in_(vaults))
    if after is not None:
        query = query.where(Site.name > after)
    return [_one(row) for row in db.execute(query)]


def all_of(db: Session, *, vaults: Collection[str] | None, also: Collection[str]) -> list[Placed]:
    """Those of these vaults, None: of all; and others, by their ids."""
    query = _placed()
    if vaults is not None:
        query = query.where(or_(Machine.vault_id.in_(vaults), Site.id.in_(also)))
    return [_one(row) for row in db.execute(query.order_by(Site.name))]


def for_source(db: Session, vault_id: str, *, also: Collection[str]) -> list[Placed]:
    """Those of a vault, and others that somebody let one of its machines replicate to."""
    query = _placed().where(or_(Machine.vault_id == vault_id, Site.name.in_(also)))
    return [_one(row) for row in db.execute(query.order_by(Site.name))]


def count_replicas(db: Session, site_ids: Collection[str]) -> dict[str, int]:
    """How many lie at each, as far as it told."""
    query = select(Replica.site_id, func.count()).where(Replica.site_id.in_(site_ids))
    return {row[0]: row[1] for row in db.execute(query.group_by(Replica.site_id))}


def count_replications(db: Session, site_ids: Collection[str]) -> dict[str, int]:
    """How many machines are replicated to each."""
    query = select(Replication.site_id, func.count()).where(Replication.site_id.in_(site_ids))
    return {row[0]: row[1] for row in db.execute(query.group_by(Replication.site_id))}


def replicas(
    db: Session, site_id: str, *, limit: int | None = None, after: tuple[str, str] | None = None
) -> Sequence[Replica]:
    """Sorted by name; `after` are name and UUID of the last one seen."""
    query = select(Replica).where(Replica.site_id == site_id).order_by(Replica.name, Replica.vm)
    if after is not None:
        query = query.where(tuple_(Replica.name, Replica.vm) > after)
    return db.scalars(query.limit(limit)).all()


def replica(db: Session, site_id: str, vm: str) -> Replica | None:
    return db.get(Replica, (site_id, vm))


def with_replica_of(db: Session, vm: str) -> list[Placed]:
    """Sorted by name."""
    query = _placed().join(Replica, Replica.site_id == Site.id).where(Replica.vm == vm)
    return [_one(row) for row in db.execute(query.order_by(Site.name))]


def replace_replicas(db: Session, site_id: str, told: Mapping[str, Replica]) -> None:
    """Leave exactly these, by their machines' UUIDs."""
    known = {row.vm: row for row in replicas(db, site_id)}
    for vm, row in known.items():
        if vm not in told:
            db.delete(row)
    for vm, row in told.items():
        if vm in known:
            known[vm].name, known[vm].facts = row.name, row.facts
            known[vm].told_at = row.told_at
        else:
            db.add(row)


def removals(db: Session, site_id: str) -> Sequence[ReplicaRemoval]:
    query = select(ReplicaRemoval).where(ReplicaRemoval.site_id == site_id)
    return db.scalars(query.order_by(ReplicaRemoval.vm)).all()


def is_to_remove(db: Session, site_id: str, vm: str) -> bool:
    return db.get(ReplicaRemoval, (site_id, vm)) is not None


def ends_for(db: Session, machine_id: str) -> Sequence[ReplicationEnd]:
    """What a host has to clean up after."""
    query = select(ReplicationEnd).where(ReplicationEnd.machine_id == machine_id)
    return db.scalars(query.order_by(ReplicationEnd.vm, ReplicationEnd.site)).all()


def _placed() -> Select[Site, Machine]:
    return select(Site, Machine).join(Machine, Machine.id == Site.machine_id)


def _one(row: Row[Site, Machine]) -> Placed:
    return Placed(row[0], row[1])
