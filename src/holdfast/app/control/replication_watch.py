"""Looks at all replications each minute: judges them anew, notes how far behind they are, tells people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.machine_views import is_silent
from holdfast.app.control.plane import Plane
from holdfast.app.control.replication_causes import Cause, causes_of
from holdfast.app.control.replication_judging import judge, rpo_of
from holdfast.app.control.replication_views import HOURS_KEPT, MINUTES_KEPT
from holdfast.app.control.thinning import thin_in_turns
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog import replication_samples as sample_rows
from holdfast.catalog import replications as replication_rows
from holdfast.catalog.database import Session
from holdfast.catalog.replications import Replicated
from holdfast.catalog.tables import Alert
from holdfast.replication.status import Health

WARNING, CRITICAL, RECOVERED = (
    *("replication-warning", "replication-critical"),
    "replication-recovered",
)
_KIND = {Health.WARNING: WARNING, Health.CRITICAL: CRITICAL}
# So many machines are named; of the others there is a number.
_NAMED = 10


def watch(plane: Plane) -> int:
    """Judge, note and tell; how many troubles there are."""
    now = plane.clock.now()
    with plane.database.write() as db:
        rows = replication_rows.all_locked(db)
        hosts = replication_rows.good_writers(db, {one.machine.id for one in rows})
        for one in rows:
            judge(one.row, one.machine, now)
        sample_rows.add(db, [_sample(one, now) for one in rows])
        # Whoever was let go has nothing to mend.
        causes = causes_of((one for one in rows if one.machine.id in hosts), now)
        _tell(plane, db, causes)
        return len(causes)


def thin(plane: Plane) -> int:
    """Samples of the last day stay as they are; of what is older one each hour, for a month."""
    now = plane.clock.now()
    before = (now - MINUTES_KEPT).replace(minute=0, second=0, microsecond=0)
    done = thin_in_turns(plane, sample_rows.thin, before)
    with plane.database.write() as db:
        return done + sample_rows.forget(db, now - HOURS_KEPT)


def _sample(found: Replicated, now: datetime) -> dict[str, Any]:
    row, machine = found.row, found.machine
    return {
        "replication_id": row.id,
        "at": now.replace(second=0, microsecond=0),
        "seconds": sample_rows.MINUTE,
        "rpo_seconds": rpo_of(row, machine, now),
        "queue_bytes": int((row.status or {}).get("queue_bytes", 0)),
        "health": row.health,
        "is_heard": not is_silent(machine, now),
    }


def _tell(plane: Plane, db: Session, causes: Sequence[Cause]) -> None:
    """One alert for each cause; of what is over, that it is."""
    found = {(one.vault_id, one.root): one for one in causes}
    left: dict[tuple[str, str], Alert] = {}
    for kind in (WARNING, CRITICAL):
        for alert in alert_rows.open_of(db, kind):
            where = (alert.vault_id or "", str(alert.fields.get("root", "")))
            cause = found.get(where)
            if cause is None or _KIND[cause.health] != kind:
                alert.closed_at = plane.clock.now()
                if cause is None:
                    left[where] = alert
    for cause in causes:
        raise_alert(
            db,
            plane,
            _KIND[cause.health],
            vault_id=cause.vault_id,
            machine_id=cause.machine_id,
            fields=_fields(cause),
        )
    for alert in left.values():
        _recovered(plane, db, alert)


def _recovered(plane: Plane, db: Session, alert: Alert) -> None:
    """For everybody whom the alert reached, however little else they want to hear."""
    told = raise_alert(
        db,
        plane,
        RECOVERED,
        vault_id=alert.vault_id,
        machine_id=alert.machine_id,
        fields=dict(alert.fields),
    )
    told.severity = alert.severity
    told.suppressed_by = told.suppressed_by or alert.suppressed_by


def _fields(cause: Cause) -> dict[str, Any]:
    first = cause.members[0]
    names = [one.row.name for one in cause.members]
    figures = {f"figure-{name}": value for name, value in cause.reason.figures.items()}
    return {
        "root": cause.root,
        "vms": ", ".join(names[:_NAMED]) + (f" +{len(names) - _NAMED}" if names[_NAMED:] else ""),
        "count": len(names),
        "site": first.site.name,
        "machine": first.machine.name,
        "code": cause.reason.code,
        "since": cause.reason.since,
        **figures,
    }
