"""The end of a replication: told to both sides, and kept until each of them has cleaned up."""

from datetime import datetime
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.access import require
from holdfast.app.control.alerting import tell_of_act
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replication_views import replication_for
from holdfast.app.control.stepping_up import require_step_up
from holdfast.base.texts import _
from holdfast.catalog import replications as replication_rows
from holdfast.catalog import sites as site_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, ReplicaRemoval, Replication, ReplicationEnd, Vault
from holdfast.fleet.replication_messages import ReplicationEnded
from holdfast.fleet.roles import Right


def end_replication(
    plane: Plane, actor: Actor, replication_id: str, *, keep_replica: bool = False
) -> None:
    """Nobody may write the replica any more; host and site clean up when they next come."""
    now = plane.clock.now()
    with plane.database.write() as db:
        found = replication_for(db, actor, replication_id, Right.CHANGE_POLICIES)
        if not keep_replica:
            request, about = {"replication": found.row.id}, f"{found.site.name}/{found.row.name}"
            require_may_remove(plane, db, actor, found.machine, request, about=about)
        end_at_source(
            db, found.row, found.site.name, why="disabled", keep_replica=keep_replica, now=now
        )
        if not keep_replica:
            remove_at_site(db, found.site.id, found.row.vm, now=now)
        _note(plane, db, actor, found.row, found.site.name, keep_replica=keep_replica)
        db.delete(found.row)


def require_may_remove(
    plane: Plane,
    db: Session,
    actor: Actor,
    machine: Machine,
    request: dict[str, Any],
    *,
    about: str,
) -> None:
    """Raise unless it may be; done in this transaction, it is told of. Nothing brings it back."""
    require(db, actor, Right.DELETE_DATA, machine.vault_id)
    vault, wanted = db.get(Vault, machine.vault_id), {**request, "keep_replica": False}
    require_step_up(plane, db, actor, "replica-delete", vault, wanted)
    _tell(plane, db, actor, machine, about=about)


def take_end(plane: Plane, actor: Actor, told: ReplicationEnded) -> None:
    """The host has cleaned up, asked by us or by somebody there. Once more is fine."""
    if actor.kind != "machine":
        raise NotAllowed(actor=str(actor), right="tell-replications", object="machine")
    now = plane.clock.now()
    with plane.database.write() as db:
        asked = db.get(ReplicationEnd, (actor.id, told.vm, told.site))
        if asked is not None:
            db.delete(asked)
        site = site_rows.named(db, told.site)
        row = replication_rows.at_site(db, site.site.id, told.vm) if site else None
        if site is None or row is None or row.machine_id != actor.id:
            # Ended here before, or none of its own.
            return
        if not told.keep_replica:
            # Nobody was asked for a PIN there; whoever is inside a host is not to do it in silence.
            machine, about = db.get_one(Machine, actor.id), f"{site.site.name}/{row.name}"
            _tell(plane, db, actor, machine, about=about)
            if not told.is_gone_at_site:
                remove_at_site(db, row.site_id, row.vm, now=now)
        _note(plane, db, actor, row, site.site.name, keep_replica=told.keep_replica)
        db.delete(row)


def end_at_source(
    db: Session, row: Replication, site: str, *, why: str, keep_replica: bool, now: datetime
) -> None:
    """Let its host clean up after it, whenever that comes."""
    db.merge(
        ReplicationEnd(
            machine_id=row.machine_id,
            vm=row.vm,
            site=site,
            why=why,
            keep_replica=keep_replica,
            asked_at=now,
        )
    )


def remove_at_site(db: Session, site_id: str, vm: str, *, now: datetime) -> None:
    """Let the site remove the replica, whenever it comes."""
    db.merge(ReplicaRemoval(site_id=site_id, vm=vm, asked_at=now))


def _tell(plane: Plane, db: Session, actor: Actor, machine: Machine, *, about: str) -> None:
    tell_of_act(
        db,
        plane,
        "replica-removed",
        actor=actor.name,
        about=about,
        vault_id=machine.vault_id,
        machine_id=machine.id,
    )


def _note(
    plane: Plane, db: Session, actor: Actor, row: Replication, site: str, *, keep_replica: bool
) -> None:
    detail = {"vm": row.vm, "name": row.name, "machine": row.machine_id, "site": site}
    audit.note(
        db,
        plane,
        actor,
        act="replication-end",
        vault_id=_vault_of(db, row),
        object=row.id,
        detail={**detail, "keep_replica": keep_replica},
    )


def _vault_of(db: Session, row: Replication) -> str:
    found = replication_rows.found(db, row.id)
    if found is None:
        raise NotThere(what=_("replication"), name=row.id)
    return found.machine.vault_id
