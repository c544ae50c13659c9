"""The points a machine could be started from, as the sites that have its replicas told of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_picture import Picture
from holdfast.app.control.recovery_views import picture_for
from holdfast.catalog import sites as site_rows
from holdfast.catalog.database import Session
from holdfast.fleet.replication_messages import ReplicaPointTold


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPointView:
    site: str
    # The host of the site, where it would be started.
    machine_id: str
    machine: str
    generation: str
    taken_at: datetime
    # application, filesystem, crash
    consistency: str
    # The code of what kept it from being more than that.
    why: str
    # A test failover has shown that it starts.
    tested_at: datetime | None
    # Something wrote to it since: nobody can choose it.
    is_spoiled: bool
    is_newest: bool
    # It runs from this one now.
    is_running: bool


def list_recovery_points(plane: Plane, actor: Actor, vm: str) -> list[RecoveryPointView]:
    """By name or UUID of the machine; the newest first, of all sites."""
    with plane.database.read() as db:
        picture = picture_for(db, actor, vm)
        found = list(_points(db, picture))
    return sorted(found, key=lambda one: (one.taken_at, one.site), reverse=True)


def _points(db: Session, picture: Picture) -> Iterator[RecoveryPointView]:
    running = {
        str((one.row.record.get("promoted") or {}).get("generation", "")) for one in picture.known
    }
    for site in site_rows.with_replica_of(db, picture.vm):
        if site.machine.id not in picture.machines:
            # Of a machine with the same UUID that is none of theirs.
            continue
        replica = site_rows.replica(db, site.site.id, picture.vm)
        told = replica.facts.get("latest", ()) if replica else ()
        points = msgspec.convert(told, list[ReplicaPointTold], strict=False)
        for number, point in enumerate(points, 1):
            yield RecoveryPointView(
                site=site.site.name,
                machine_id=site.machine.id,
                machine=site.machine.name,
                generation=point.generation,
                taken_at=point.taken_at,
                consistency=point.consistency,
                why=point.why,
                tested_at=point.tested_at,
                is_spoiled=point.is_spoiled,
                is_newest=number == len(points),
                is_running=point.generation in running,
            )
