"""Queries about replications: whose machine is written where, and how that fares."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Row, Select, bindparam, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from holdfast.catalog.database import Session
from holdfast.catalog.machines import at_work
from holdfast.catalog.tables import (
    Certificate,
    Machine,
    Replication,
    ReplicationEnd,
    Site,
    Vm,
)

_Keeper = aliased(Machine)


class Replicated(NamedTuple):
    """A replication with its host, its site and the machine that site is on."""

    row: Replication
    machine: Machine
    site: Site
    keeper: Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is None is not looked at; `site` is an id or a name."""

    vault_id: str | None = None
    machine_id: str | None = None
    site: str | None = None
    states: tuple[str, ...] = ()
    healths: tuple[str, ...] = ()
    vm: str | None = None


# Asked for by each heartbeat: what it has to do with replication, if anything.
_CONCERNED = select(
    exists().where(Site.machine_id == bindparam("one")),
    exists().where(Replication.machine_id == bindparam("one")),
    exists().where(ReplicationEnd.machine_id == bindparam("one")),
    # Of those that have machines: whether some could be replicated, or be those others miss.
    exists().where(
        Vm.machine_id == bindparam("one"),
        or_(exists().select_from(Site), exists().where(Replication.missing_since.is_not(None))),
    ),
    # Of those that have replicas: machines that run here one day go back by the same way.
    exists().where(Site.machine_id == bindparam("one"), Replication.site_id == Site.id),
)


class Concern(NamedTuple):
    is_site: bool
    is_source: bool
    has_ends: bool
    may_replicate: bool
    has_replicas: bool


def concern(db: Session, machine_id: str) -> Concern:
    """What a machine has to do with replication."""
    return Concern(*map(bool, db.connection().execute(_CONCERNED, {"one": machine_id}).one()))


def found(db: Session, replication_id: str) -> Replicated | None:
    row = db.execute(_joined().where(Replication.id == replication_id)).first()
    return None if row is None else _one(row)


def at_site(db: Session, site_id: str, vm: str) -> Replication | None:
    query = select(Replication).where(Replication.site_id == site_id, Replication.vm == vm)
    return db.scalar(query)


def all_at_site(db: Session, site_id: str) -> Sequence[Replication]:
    query = select(Replication).where(Replication.site_id == site_id)
    return db.scalars(query.order_by(Replication.vm)).all()


def writers_at(db: Session, site_id: str) -> list[tuple[str, str]]:
    """UUID and host of each, without all that is known of it: sites ask every few seconds."""
    query = select(Replication.vm, Replication.machine_id).where(Replication.site_id == site_id)
    return [(row[0], row[1]) for row in db.execute(query.order_by(Replication.vm))]


def ways_back_to(db: Session, site_machine: str) -> list[tuple[str, str]]:
    """UUID and the host that has the replica, of each machine that is replicated from here."""
    query = select(Replication.vm, Site.machine_id).join(Site, Site.id == Replication.site_id)
    query = query.where(Replication.machine_id == site_machine, Site.machine_id != site_machine)
    return [(row[0], row[1]) for row in db.execute(query.order_by(Replication.vm))]


class Way(NamedTuple):
    """So many replications of one host to one site are so well."""

    machine_id: str
    site_id: str
    health: str
    number: int
    # The newest point of the one that is furthest behind.
    oldest_at: datetime | None


def ways(db: Session, *, vaults: Collection[str] | None) -> list[Way]:
    """Of hosts of these vaults, None: of all."""
    query = select(
        Replication.machine_id,
        Replication.site_id,
        Replication.health,
        func.count(),
        func.min(Replication.latest_at),
    )
    query = query.join(Machine, Machine.id == Replication.machine_id)
    if vaults is not None:
        query = query.where(Machine.vault_id.in_(vaults))
    query = query.group_by(Replication.machine_id, Replication.site_id, Replication.health)
    return [Way(*row) for row in db.execute(query)]


def machines(db: Session, ids: Collection[str]) -> Sequence[Machine]:
    return db.scalars(select(Machine).where(Machine.id.in_(ids)).order_by(Machine.id)).all()


def homes_of(db: Session, site_machine: str) -> frozenset[str]:
    """Names of the sites on the hosts from which machines are replicated to this one."""
    home = aliased(Site)
    query = select(home.name).join(Replication, Replication.machine_id == home.machine_id)
    query = query.join(Site, Site.id == Replication.site_id)
    return frozenset(db.scalars(query.where(Site.machine_id == site_machine).distinct()))


def is_way_back(db: Session, vm: str, *, of: str, to: str) -> bool:
    """Whether the machine is replicated from `to`, a host, to a site of the host `of`."""
    query = select(Replication.id).join(Site, Site.id == Replication.site_id)
    query = query.where(Replication.vm == vm, Replication.machine_id == to, Site.machine_id == of)
    return db.scalar(query) is not None


def sites_of(db: Session, machine_id: str) -> frozenset[str]:
    """Names of the sites a host replicates to."""
    query = select(Site.name).join(Replication, Replication.site_id == Site.id)
    return frozenset(db.scalars(query.where(Replication.machine_id == machine_id).distinct()))


def handed_to(db: Session, machine_id: str) -> list[tuple[Replication, str]]:
    """Those that came to a host and have not begun there, with the names of their sites."""
    query = select(Replication, Site.name).join(Site, Site.id == Replication.site_id)
    query = query.where(Replication.machine_id == machine_id, Replication.handed_from.is_not(None))
    return [(row[0], row[1]) for row in db.execute(query.order_by(Replication.vm))]


def count_of(db: Session, machine_id: str) -> int:
    query = select(func.count()).where(Replication.machine_id == machine_id)
    return db.scalar(query) or 0


def of_vm(db: Session, vm: str) -> list[Replicated]:
    """By UUID or name, the one that was there first before the others."""
    query = _joined().where(or_(Replication.vm == vm, Replication.name == vm))
    return [_one(row) for row in db.execute(query.order_by(Replication.created_at))]


def of_machine(db: Session, machine_id: str) -> list[tuple[Replication, Site]]:
    """Those a host has to see to; nobody else changes them before this transaction ends."""
    query = select(Replication, Site).join(Site, Site.id == Replication.site_id)
    query = query.where(Replication.machine_id == machine_id).order_by(Replication.id)
    query = query.with_for_update(of=Replication)
    return [(row[0], row[1]) for row in db.execute(query)]


def all_locked(db: Session) -> list[Replicated]:
    """Everybody's, in the order in which all others lock them, too."""
    query = _joined().order_by(Replication.id).with_for_update(of=Replication)
    return [_one(row) for row in db.execute(query)]


def listed(
    db: Session,
    wanted: Filter,
    *,
    limit: int | None = None,
    vaults: Collection[str] | None = None,
    after: tuple[str, str] | None = None,
) -> list[Replicated]:
    """Sorted by name and id; `vaults` are those the caller may read, None: all."""
    query = _joined().order_by(Replication.name, Replication.id).limit(limit)
    if wanted.vault_id is not None:
        query = query.where(Machine.vault_id == wanted.vault_id)
    if wanted.machine_id is not None:
        query = query.where(Replication.machine_id == wanted.machine_id)
    if wanted.site is not None:
        query = query.where(or_(Site.id == wanted.site, Site.name == wanted.site))
    if wanted.states:
        query = query.where(Replication.state.in_(wanted.states))
    if wanted.healths:
        query = query.where(Replication.health.in_(wanted.healths))
    if wanted.vm is not None:
        query = query.where(or_(Replication.vm == wanted.vm, Replication.name == wanted.vm))
    if vaults is not None:
        query = query.where(Machine.vault_id.in_(vaults))
    if after is not None:
        query = query.where(tuple_(Replication.name, Replication.id) > after)
    return [_one(row) for row in db.execute(query)]


def elsewhere(db: Session, machine: Machine) -> list[tuple[Replication, Site]]:
    """Those of the same vault whose machines left their host, or whose hosts were let go."""
    other = aliased(Machine)
    query = select(Replication, Site).join(Site, Site.id == Replication.site_id)
    query = query.join(other, other.id == Replication.machine_id)
    query = query.where(other.vault_id == machine.vault_id, other.id != machine.id)
    query = query.where(or_(Replication.missing_since.is_not(None), other.state != "active"))
    return [(row[0], row[1]) for row in db.execute(query)]


def hosts_of_vm(db: Session, vm: str, *, vault_id: str) -> Sequence[Machine]:
    """The registered hosts of the vault that have this machine, the one that told last first."""
    query = select(Machine).join(Vm, Machine.id == Vm.machine_id)
    query = query.where(Vm.uuid == vm, Machine.vault_id == vault_id, at_work())
    return db.scalars(query.order_by(Vm.told_at.desc(), Machine.id)).all()


def sought(db: Session, vault_id: str, *, but: str, since: datetime) -> Sequence[str]:
    """UUIDs of machines that are missing on their hosts."""
    query = select(Replication.vm).join(Machine, Machine.id == Replication.machine_id)
    query = query.where(Machine.vault_id == vault_id, Machine.id != but)
    query = query.where(Replication.missing_since > since)
    return sorted(set(db.scalars(query)))


def good_writers(db: Session, machine_ids: Collection[str]) -> frozenset[str]:
    """Those of them that are registered and not locked out."""
    return frozenset(db.scalars(select(Machine.id).where(Machine.id.in_(machine_ids), at_work())))


def taken_back(
    db: Session, machine_ids: Collection[str], *, now: datetime
) -> list[tuple[str, str]]:
    """Machines and fingerprints of certificates that were revoked and have not ended by now."""
    query = select(Certificate.machine_id, Certificate.fingerprint).where(
        Certificate.machine_id.in_(machine_ids),
        Certificate.revoked_at.is_not(None),
        Certificate.expires_at > now,
    )
    return [(row[0], row[1]) for row in db.execute(query.order_by(Certificate.fingerprint))]


def _joined() -> Select[Replication, Machine, Site, Machine]:
    query = select(Replication, Machine, Site, _Keeper)
    query = query.join(Machine, Machine.id == Replication.machine_id)
    query = query.join(Site, Site.id == Replication.site_id)
    return query.join(_Keeper, _Keeper.id == Site.machine_id)


def _one(row: Row[Replication, Machine, Site, Machine]) -> Replicated:
    return Replicated(row[0], row[1], row[2], row[3])
