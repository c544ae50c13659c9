"""What hosts and sites ask and tell about replications; people's questions are in `replication_views`."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from holdfast.app.control.errors import NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replication_errors import ReplicationsNotUnderstood
from holdfast.app.control.replication_grants import (
    LONGEST,
    Granting,
    check_ids,
    check_vm,
    is_open,
    require_machine,
)
from holdfast.app.control.replication_judging import (
    NOT_AT_HOST,
    by_our_clock,
    judge,
    read_settings,
    read_status,
)
from holdfast.app.control.replication_moves import miss
from holdfast.base.texts import _
from holdfast.catalog import replications as replication_rows
from holdfast.catalog import sites as site_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Replica, Replication
from holdfast.fleet.replication_messages import (
    MOST_REPLICATIONS,
    ReplicationReport,
    ReplicationsTold,
    SiteTold,
)
from holdfast.replication.status import Health, Reason, State


def take_replications(plane: Plane, actor: Actor, told: ReplicationsTold) -> None:
    """How the replications of a host are."""
    require_machine(actor)
    if max(len(told.here), len(told.changed)) > MOST_REPLICATIONS:
        reason = _("more than {most} of them").format(most=MOST_REPLICATIONS)
        raise ReplicationsNotUnderstood(reason=reason)
    with plane.database.write() as db:
        _Taking(plane=plane, db=db, actor=actor, told=told).take()


def take_site(plane: Plane, actor: Actor, told: SiteTold) -> None:
    """What lies at a site; those not named are gone."""
    require_machine(actor)
    now = plane.clock.now()
    with plane.database.write() as db:
        site = site_rows.of_machine(db, actor.id)
        if site is None:
            raise NotThere(what=_("site"), name=told.site)
        site.bytes_free, site.bytes_total = told.bytes_free, told.bytes_total
        site.trouble, site.told_at = told.trouble[:LONGEST], now
        rows = {}
        for one in told.replicas[: 10 * MOST_REPLICATIONS]:
            check_vm(one.vm)
            check_ids(one.name)
            facts: dict[str, Any] = msgspec.to_builtins(one)
            vm, name = facts.pop("vm"), facts.pop("name")
            rows[vm] = Replica(site_id=site.id, vm=vm, name=name, facts=facts, told_at=now)
        if not told.trouble:
            for removal in site_rows.removals(db, site.id):
                if removal.vm not in rows:
                    db.delete(removal)
            site_rows.replace_replicas(db, site.id, rows)


class _Taking:
    """One report of a host, in one transaction."""

    def __init__(self, *, plane: Plane, db: Session, actor: Actor, told: ReplicationsTold) -> None:
        self._plane, self._db, self._actor, self._told = plane, db, actor, told
        self._now = plane.clock.now()
        self._ahead: timedelta = told.at - self._now
        self._machine = db.get_one(Machine, actor.id)
        found = replication_rows.of_machine(db, actor.id)
        self._known = {(row.vm, site.name): (row, site) for row, site in found}
        self._ended = {(one.vm, one.site) for one in site_rows.ends_for(db, actor.id)}

    def take(self) -> None:
        for report in self._told.changed:
            self._report(report)
        here = set(self._told.here)
        for key, (row, _site) in self._known.items():
            if key in here:
                row.handed_from = None
            elif row.told_at is not None and row.handed_from is None:
                self._not_here(row)

    def _report(self, report: ReplicationReport) -> None:
        check_vm(report.vm)
        check_ids(report.site)
        key = (report.vm, report.site)
        if key not in self._known and key not in self._ended:
            self._take_up(report)
        if key not in self._known:
            return
        row, site = self._known[key]
        settings = read_settings(report.settings)
        if settings is not None:
            row.settings, row.name = report.settings, settings.name[:LONGEST] or row.name
        told = by_our_clock(report.status, self._ahead) if report.status else None
        status = read_status(told)
        if status is not None:
            row.status, row.latest_at = told, _no_later(status.latest_at, self._now)
        row.told_at = self._now
        if status is not None and status.state is State.HOST_NOT_REGISTERED:
            miss(self._plane, self._db, self._actor, row, site=site, machine=self._machine)
        judge(row, self._machine, self._now)

    def _take_up(self, report: ReplicationReport) -> None:
        """One that this state knows nothing of: it may have been put back from an older copy."""
        found, settings = site_rows.named(self._db, report.site), read_settings(report.settings)
        if found is None or settings is None or found.machine.id != settings.to.machine:
            return
        if not is_open(self._db, self._machine, report.vm, found):
            return
        if replication_rows.at_site(self._db, found.site.id, report.vm) is not None:
            return
        name = settings.name[:LONGEST] or report.vm
        granting = Granting(
            plane=self._plane, db=self._db, actor=self._actor, machine=self._machine, found=found
        )
        self._known[report.vm, report.site] = (granting.give(report.vm, name), found.site)

    def _not_here(self, row: Replication) -> None:
        """Its host does not know of it any more, and nobody ended it."""
        if row.state == State.OFF and row.health == Health.CRITICAL:
            return
        row.state, row.state_since = State.OFF.value, self._now
        row.health, row.health_since = Health.CRITICAL.value, self._now
        reason = Reason(code=NOT_AT_HOST, health=Health.CRITICAL, since=self._now)
        status = dict(row.status or {})
        row.status = {
            **status,
            "state": State.OFF.value,
            "health": Health.CRITICAL.value,
            "reasons": [msgspec.to_builtins(reason)],
        }


def _no_later(moment: datetime | None, now: datetime) -> datetime | None:
    return None if moment is None else min(moment, now)
