"""Who may write which replica: given to the hosts that ask, as far as they may have it."""

import re
from dataclasses import dataclass
from secrets import token_hex

from holdfast.app.control import audit
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replication_errors import (
    ReplicaBeingRemoved,
    ReplicationsNotUnderstood,
    SiteAway,
)
from holdfast.app.control.replication_moves import hand_over
from holdfast.app.control.replication_roles import source_site
from holdfast.base.texts import _
from holdfast.catalog import jobs as job_rows
from holdfast.catalog import replications as replication_rows
from holdfast.catalog import sites as site_rows
from holdfast.catalog.database import Session
from holdfast.catalog.sites import Placed
from holdfast.catalog.tables import Machine, Replication, ReplicationEnd
from holdfast.fleet.jobs import Kind
from holdfast.fleet.replication_messages import (
    MOST_REPLICATIONS,
    ReplicationWanted,
    SourceSite,
)
from holdfast.replication.replica_errors import ReplicaOfAnother
from holdfast.replication.status import Health, State

LONGEST = 256
# It becomes the name of a folder, at the host and at the site.
_VM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def want(plane: Plane, actor: Actor, wanted: ReplicationWanted) -> SourceSite:
    """Let the host that asks write this replica, and say where. Once more is fine.

    A site of its own vault is open to each host, and so is the home of what is replicated to it:
    that is the way back. To another vault's, or to take over the replica of another host, somebody
    with the right to do so must have ordered it.
    """
    require_machine(actor)
    check_ids(wanted.name, wanted.site)
    check_vm(wanted.vm)
    with plane.database.write() as db:
        machine = db.get_one(Machine, actor.id)
        found = site_rows.named(db, wanted.site)
        is_ordered = found is not None and _is_ordered(db, machine, wanted, found)
        if found is None or not (is_ordered or is_open(db, machine, wanted.vm, found)):
            raise NotThere(what=_("site"), name=wanted.site)
        if not replication_rows.good_writers(db, [found.machine.id]):
            raise SiteAway(machine=found.machine.name, site=found.site.name)
        if site_rows.is_to_remove(db, found.site.id, wanted.vm):
            raise ReplicaBeingRemoved(about=wanted.name, site=found.site.name)
        granting = Granting(plane=plane, db=db, actor=actor, machine=machine, found=found)
        granting.require_free(wanted, is_ordered=is_ordered)
        granting.give(wanted.vm, wanted.name)
        return source_site(plane, db, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """One host is let write to one site."""

    plane: Plane
    db: Session
    actor: Actor
    machine: Machine
    found: Placed

    def require_free(self, wanted: ReplicationWanted, *, is_ordered: bool) -> None:
        """One machine, one replica at a site, one host that writes it."""
        row = replication_rows.at_site(self.db, self.found.site.id, wanted.vm)
        if row is None and replication_rows.count_of(self.db, self.machine.id) >= MOST_REPLICATIONS:
            reason = _("more than {most} of them").format(most=MOST_REPLICATIONS)
            raise ReplicationsNotUnderstood(reason=reason)
        if row is None or row.machine_id == self.machine.id:
            return
        if not is_ordered:
            about, asked = wanted.name, self.machine.id
            raise ReplicaOfAnother(about=about, source=row.machine_id, asked=asked)
        hand_over(self.plane, self.db, self.actor, row, site=self.found.site, to=self.machine)
        # It has settings of its own already: it is about to begin.
        row.handed_from = None

    def give(self, vm: str, name: str) -> Replication:
        end = self.db.get(ReplicationEnd, (self.machine.id, vm, self.found.site.name))
        if end is not None:
            # It begins anew, so there is nothing to clean up after.
            self.db.delete(end)
        row = replication_rows.at_site(self.db, self.found.site.id, vm)
        return self._new(vm, name) if row is None else row

    def _new(self, vm: str, name: str) -> Replication:
        now = self.plane.clock.now()
        row = Replication(
            id=token_hex(8),
            site_id=self.found.site.id,
            vm=vm,
            name=name,
            machine_id=self.machine.id,
            settings={},
            state=State.READY_FOR_INITIAL_COPY.value,
            state_since=now,
            health=Health.NORMAL.value,
            health_since=now,
            created_at=now,
        )
        self.db.add(row)
        self.db.flush()
        audit.note(
            self.db,
            self.plane,
            self.actor,
            act="replication-grant",
            vault_id=self.machine.vault_id,
            object=row.id,
            detail={"vm": vm, "name": name, "site": self.found.site.name},
        )
        return row


def require_machine(actor: Actor) -> None:
    if actor.kind != "machine":
        raise NotAllowed(actor=str(actor), right="tell-replications", object="machine")


def check_ids(*texts: str) -> None:
    for text in texts:
        if not 0 < len(text) <= LONGEST or not text.isprintable():
            reason = _("'{id}' is no id").format(id=ascii(text[:80])[1:-1])
            raise ReplicationsNotUnderstood(reason=reason)


def check_vm(vm: str) -> None:
    if not _VM.fullmatch(vm):
        reason = _("'{id}' is no id").format(id=ascii(vm[:80])[1:-1])
        raise ReplicationsNotUnderstood(reason=reason)


def is_open(db: Session, machine: Machine, vm: str, found: Placed) -> bool:
    """Whether nobody has to be asked for a host to send a machine there."""
    if found.machine.vault_id == machine.vault_id:
        return True
    return replication_rows.is_way_back(db, vm, of=machine.id, to=found.machine.id)


def _is_ordered(db: Session, machine: Machine, wanted: ReplicationWanted, found: Placed) -> bool:
    """Whether a person's order for just this is open; who may order was looked at then."""
    sites = (found.site.id, found.site.name)
    return any(
        job.origin == "person"
        and job.arguments.get("vm") in (wanted.vm, wanted.name)
        and job.arguments.get("to") in sites
        for job in job_rows.open_orders(db, machine.id, Kind.REPLICATE)
    )
