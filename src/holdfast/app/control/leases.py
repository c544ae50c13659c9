"""Leases: for a while, a machine may delete what retain or prune no longer needs; one at a time."""

import secrets
from datetime import datetime, timedelta

from holdfast.app.control import audit
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.job_errors import LeaseHeld, LeaseOver
from holdfast.app.control.plane import Actor, Plane
from holdfast.base.texts import _
from holdfast.catalog import leases as lease_rows
from holdfast.catalog.tables import Lease
from holdfast.fleet.messages import LeaseReply

# Long work prolongs its lease; who has died shall not block the machine for long.
LONGEST = timedelta(hours=1)


def take_lease(
    plane: Plane,
    actor: Actor,
    *,
    kind: str,
    seconds: float,
    holder: str = "agent",
    has_no_other: bool = False,
) -> LeaseReply:
    """Asked again by the same holder for the same work: the same lease, from now on.

    A holder that was killed cannot give back what it held. Alive again it `has_no_other`, and the
    old lease makes room instead of blocking the machine until it expires.
    """
    now = plane.clock.now()
    with plane.database.write() as db:
        machine = lease_rows.lock_machine(db, _machine_id(actor))
        if machine is None:
            raise NotThere(what=_("machine"), name=actor.id)
        held = lease_rows.active(db, machine.id, now)
        if held is not None and has_no_other and held.holder == holder and held.kind != kind:
            held.released_at, held = now, None
        if held is not None and (held.kind, held.holder) != (kind, holder):
            until = held.expires_at.isoformat(timespec="seconds")
            raise LeaseHeld(kind=held.kind, holder=held.holder, until=until)
        if held is None:
            held = Lease(
                id=secrets.token_hex(8),
                machine_id=machine.id,
                kind=kind,
                holder=holder,
                granted_at=now,
            )
            db.add(held)
            audit.note(
                db,
                plane,
                actor,
                act="lease",
                vault_id=machine.vault_id,
                object=machine.id,
                detail={"kind": kind, "holder": holder, "lease": held.id},
            )
        held.expires_at = _end(now, seconds)
        return LeaseReply(id=held.id, expires_at=held.expires_at)


def prolong_lease(plane: Plane, actor: Actor, lease_id: str, *, seconds: float) -> LeaseReply:
    """Only while it holds: what is over may have been given to others."""
    now = plane.clock.now()
    with plane.database.write() as db:
        lease_rows.lock_machine(db, _machine_id(actor))
        lease = db.get(Lease, lease_id)
        if lease is None or lease.machine_id != actor.id:
            raise NotThere(what=_("lease"), name=lease_id)
        if lease.released_at is not None or lease.expires_at <= now:
            raise LeaseOver(lease=lease_id)
        lease.expires_at = max(lease.expires_at, _end(now, seconds))
        return LeaseReply(id=lease.id, expires_at=lease.expires_at)


def release_lease(plane: Plane, actor: Actor, lease_id: str) -> None:
    """Saying it twice is fine."""
    with plane.database.write() as db:
        lease = db.get(Lease, lease_id)
        if lease is None or lease.machine_id != _machine_id(actor):
            raise NotThere(what=_("lease"), name=lease_id)
        lease.released_at = lease.released_at or plane.clock.now()


def _machine_id(actor: Actor) -> str:
    if actor.kind != "machine":
        raise NotAllowed(actor=str(actor), right="lease", object="machine")
    return actor.id


def _end(now: datetime, seconds: float) -> datetime:
    return now + min(timedelta(seconds=seconds), LONGEST)
