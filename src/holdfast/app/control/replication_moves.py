"""Machines that move from host to host, as the lists of their hosts show it.

A replication follows its machine when the host it was on no longer has it and another registered
host of the same vault does. One list alone is not enough: a host must not get hold of another's
replica by saying that the machine is its own.

A machine that was failed over has not moved: it runs from its replica, and what its old home still
records is what brings it back.
"""

from collections.abc import Collection
from dataclasses import dataclass

from holdfast.app.control import audit
from holdfast.app.control.machine_views import is_silent
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_picture import is_elsewhere
from holdfast.app.control.replication_ends import end_at_source
from holdfast.app.control.replication_judging import judge
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog import replications as replication_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Replication, ReplicationEnd, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """UUIDs of the machines a host has, and of those it had when it told before."""

    here: Collection[str]
    gone: Collection[str]


def notice(plane: Plane, db: Session, actor: Actor, machine: Machine, seen: Seen) -> None:
    """A host has told which machines it has."""
    for row, site in replication_rows.of_machine(db, machine.id):
        if row.vm in seen.here and row.missing_since is not None:
            row.missing_since = None
            judge(row, machine, plane.clock.now())
        elif row.vm in seen.gone or row.missing_since is not None:
            miss(plane, db, actor, row, site=site, machine=machine)
    for row, site in replication_rows.elsewhere(db, machine):
        if row.vm in seen.here and not _is_failed_over(db, row, site, machine):
            hand_over(plane, db, actor, row, site=site, to=machine)


def miss(
    plane: Plane, db: Session, actor: Actor, row: Replication, *, site: Site, machine: Machine
) -> None:
    """Its host no longer has it; where another one does, it goes on there."""
    row.missing_since = row.missing_since or plane.clock.now()
    found = _host_now(plane, db, row, machine)
    if found is not None and not _is_failed_over(db, row, site, found):
        hand_over(plane, db, actor, row, site=site, to=found)


def hand_over(
    plane: Plane, db: Session, actor: Actor, row: Replication, *, site: Site, to: Machine
) -> None:
    """From here on the other host replicates it; the one before cleans up, and leaves the replica."""
    before = row.machine_id
    end_at_source(db, row, site.name, why="moved", keep_replica=True, now=plane.clock.now())
    back = db.get(ReplicationEnd, (to.id, row.vm, site.name))
    if back is not None:
        # It was there before, and has not cleaned up yet.
        db.delete(back)
    row.machine_id, row.handed_from, row.missing_since = to.id, before, None
    detail = {"vm": row.vm, "name": row.name, "site": site.name, "from": before, "to": to.id}
    audit.note(
        db,
        plane,
        actor,
        act="replication-move",
        vault_id=to.vault_id,
        object=row.id,
        detail=detail,
    )


def _is_failed_over(db: Session, row: Replication, site: Site, host: Machine) -> bool:
    """It came to the host that has its replica, or some host was given it by a failover.

    The first can be told before the second is heard of.
    """
    if host.id == site.machine_id:
        return True
    return is_elsewhere(recovery_rows.of_vm(db, row.vm), row.machine_id, site)


def _host_now(plane: Plane, db: Session, row: Replication, machine: Machine) -> Machine | None:
    """The other host that has it; one that is silent may have had it long ago."""
    for host in replication_rows.hosts_of_vm(db, row.vm, vault_id=machine.vault_id):
        if host.id != machine.id and not is_silent(host, plane.clock.now()):
            return host
    return None
