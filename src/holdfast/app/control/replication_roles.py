"""What each machine has to do with replication: as a site, and as a host whose machines are replicated."""

import dataclasses
import hashlib
from datetime import timedelta
from typing import Any

import msgspec

from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replication_judging import read_settings
from holdfast.app.control.sites import address_of
from holdfast.catalog import replications as replication_rows
from holdfast.catalog import sites as site_rows
from holdfast.catalog.database import Session
from holdfast.catalog.sites import Placed
from holdfast.catalog.tables import Machine, Replication, Site
from holdfast.fleet.replication_messages import (
    Ended,
    Handover,
    ReplicationRoles,
    SiteRole,
    SourceRole,
    SourceSite,
    WriterGrant,
)
from holdfast.replication.settings import ReplicationSettings, Seed, SiteAddress

# Sites hear sooner whom they may let in: somebody waits for it.
SITES_BEAT = timedelta(seconds=5)
# A machine that left its host is looked for so long; hosts look now and then without being asked.
SOUGHT = timedelta(hours=1)
_NOTHING = ReplicationRoles(etag="")


def told_roles(plane: Plane, actor: Actor) -> ReplicationRoles:
    """Of the machine that asks."""
    if actor.kind != "machine":
        raise NotAllowed(actor=str(actor), right="replication", object="machine")
    with plane.database.read() as db:
        return roles_of(plane, db, actor.id)


def roles_of(plane: Plane, db: Session, machine_id: str) -> ReplicationRoles:
    """With a tag that changes exactly when they do; empty where there is nothing to do."""
    concern = replication_rows.concern(db, machine_id)
    if not any(concern):
        return _NOTHING
    machine = db.get(Machine, machine_id)
    assert machine is not None, "it has shown its certificate"
    site = site_rows.of_machine(db, machine_id) if concern.is_site else None
    is_source = (
        concern.is_source or concern.has_ends or concern.may_replicate or concern.has_replicas
    )
    roles = ReplicationRoles(
        etag="",
        site=_site_role(plane, db, site) if site else None,
        source=_source_role(plane, db, machine) if is_source else None,
        look_for=_sought(plane, db, machine) if concern.may_replicate else [],
    )
    if roles == ReplicationRoles(etag="", source=SourceRole(sites=[])):
        return _NOTHING
    content = msgspec.json.encode(roles)
    return dataclasses.replace(roles, etag=hashlib.sha256(content).hexdigest()[:32])


def source_site(plane: Plane, db: Session, found: Placed) -> SourceSite:
    taken_back = _revoked(plane, db, [found.machine.id])
    return _source_site(found, taken_back)


def _site_role(plane: Plane, db: Session, site: Site) -> SiteRole:
    # Also those who may have to bring back what is replicated to them from here: when that is to
    # be, there may be no server to ask.
    writers = sorted(
        {
            *replication_rows.writers_at(db, site.id),
            *replication_rows.ways_back_to(db, site.machine_id),
        }
    )
    sources = {machine for _vm, machine in writers}
    good = replication_rows.good_writers(db, sources)
    revoked = _revoked(plane, db, sorted(sources))
    return SiteRole(
        site=site.name,
        folder=site.folder,
        port=site.port,
        grants=[WriterGrant(vm=vm, machine=one) for vm, one in writers if one in good],
        removals=[row.vm for row in site_rows.removals(db, site.id)],
        revoked=sorted({one for some in revoked.values() for one in some}),
    )


def _source_role(plane: Plane, db: Session, machine: Machine) -> SourceRole:
    names = replication_rows.sites_of(db, machine.id) | replication_rows.homes_of(db, machine.id)
    sites = site_rows.for_source(db, machine.vault_id, also=names)
    of_name = {one.site.name: one for one in sites}
    revoked = _revoked(plane, db, sorted({one.machine.id for one in sites}))
    return SourceRole(
        sites=[_source_site(one, revoked) for one in sites],
        handovers=[
            Handover(
                vm=row.vm,
                name=row.name,
                site=site,
                settings=_handed_settings(row, of_name[site]),
                came_from=row.handed_from or "",
            )
            for row, site in replication_rows.handed_to(db, machine.id)
        ],
        ended=[
            Ended(vm=one.vm, site=one.site, why=one.why, keep_replica=one.keep_replica)
            for one in site_rows.ends_for(db, machine.id)
        ],
    )


def _handed_settings(row: Replication, site: Placed) -> dict[str, Any]:
    """As the host before had them, but for what it must not decide for another host: where to."""
    host, port = address_of(site)
    to = SiteAddress(site=site.site.name, machine=site.machine.id, host=host, port=port)
    known = read_settings(row.settings) or ReplicationSettings(vm=row.vm, name=row.name, to=to)
    told = msgspec.structs.replace(
        known, vm=row.vm, name=row.name, to=to, hypervisor="", seed=Seed.NOTHING, seed_from=""
    )
    found: dict[str, Any] = msgspec.to_builtins(told)
    return found


def _source_site(found: Placed, revoked: dict[str, list[str]]) -> SourceSite:
    host, port = address_of(found)
    return SourceSite(
        site=found.site.name,
        machine=found.machine.id,
        host=host,
        port=port,
        revoked=revoked.get(found.machine.id, []),
    )


def _revoked(plane: Plane, db: Session, machine_ids: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for machine_id, one in replication_rows.taken_back(db, machine_ids, now=plane.clock.now()):
        found.setdefault(machine_id, []).append(one)
    return found


def _sought(plane: Plane, db: Session, machine: Machine) -> list[str]:
    since = plane.clock.now() - SOUGHT
    return list(replication_rows.sought(db, machine.vault_id, but=machine.id, since=since))
