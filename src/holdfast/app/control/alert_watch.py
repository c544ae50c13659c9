"""What nobody reports: machines that are silent, machines without a backup, the day as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from holdfast.app.control.alerting import close_alerts, raise_alert
from holdfast.app.control.plane import Plane
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Alert, Machine, Vault

# Heartbeats come every half minute; a reboot takes a few.
SILENT = timedelta(minutes=15)
PURGE_NOTICE = timedelta(days=2)
DAY = timedelta(days=1)
_GOOD = frozenset({"done", "warnings"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long is too long."""

    silent: timedelta = SILENT
    without_backup: timedelta = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The last 24 hours, for the summary."""

    date: date
    jobs: Mapping[str, Mapping[str, int]]
    open: Sequence[Alert]
    without: Sequence[str]

    @property
    def done(self) -> int:
        return sum(states.get(state, 0) for states in self.jobs.values() for state in _GOOD)

    @property
    def failed(self) -> int:
        return sum(states.get("failed", 0) for states in self.jobs.values())


def watch(plane: Plane, limits: Limits) -> int:
    """Raise what can only be seen by looking; how many alerts are open for it now."""
    with plane.database.write() as db:
        return (
            _watch_silence(db, plane, limits.silent)
            + _watch_backups(db, plane, limits.without_backup)
            + _watch_purges(db, plane)
        )


def day_of(plane: Plane, limits: Limits) -> Day:
    now = plane.clock.now()
    with plane.database.read() as db:
        jobs: dict[str, dict[str, int]] = {}
        for (vault_id, state), count in alert_rows.job_counts(db, since=now - DAY).items():
            vault = db.get(Vault, vault_id) if vault_id else None
            states = jobs.setdefault(vault.name if vault else "-", {})
            states[state] = states.get(state, 0) + count
        late = alert_rows.without_points_since(db, now - limits.without_backup)
        opened = alert_rows.listed(db, vaults=None, is_open=True, after="", limit=100)
    names = [machine.name for machine, _last in late]
    return Day(date=now.date(), jobs=jobs, open=opened, without=names)


def _watch_silence(db: Session, plane: Plane, limit: timedelta) -> int:
    silent = alert_rows.silent_since(db, plane.clock.now() - limit)
    for machine in silent:
        fields = {"machine": machine.name, "since": machine.last_seen_at}
        _raise(db, plane, "machine-silent", machine, fields)
    _close_others(db, plane, "machine-silent", {machine.id for machine in silent})
    return len(silent)


def _watch_backups(db: Session, plane: Plane, limit: timedelta) -> int:
    now = plane.clock.now()
    late = alert_rows.without_points_since(db, now - limit)
    for machine, last in late:
        _raise(
            db, plane, "no-backup", machine, {"machine": machine.name, "days": (now - last).days}
        )
    _close_others(db, plane, "no-backup", {machine.id for machine, _last in late})
    return len(late)


def _watch_purges(db: Session, plane: Plane) -> int:
    """Two days before something is gone for good, said once."""
    now = plane.clock.now()
    near = alert_rows.purged_before(db, now + PURGE_NOTICE)
    for row in near:
        vault_id = row.vault_id if isinstance(row, Machine) else row.id
        machine_id = row.id if isinstance(row, Machine) else None
        fields = {"object": row.name, "until": row.purge_at}
        if not alert_rows.was_told(db, "purge-near", vault_id, machine_id):
            raise_alert(
                db, plane, "purge-near", vault_id=vault_id, machine_id=machine_id, fields=fields
            )
    return len(near)


def _raise(db: Session, plane: Plane, kind: str, machine: Machine, fields: dict[str, Any]) -> None:
    raise_alert(db, plane, kind, vault_id=machine.vault_id, machine_id=machine.id, fields=fields)


def _close_others(db: Session, plane: Plane, kind: str, still: set[str]) -> None:
    for alert in alert_rows.open_like(db, f"{kind}|"):
        if alert.machine_id not in still:
            close_alerts(db, plane, kind, vault_id=alert.vault_id, machine_id=alert.machine_id)
