"""What nobody reports: machines that are silent, without a backup or short of room; coming purges."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.plane import Plane
from holdfast.base.units import GIB, format_size
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine

# Heartbeats come every half minute; a reboot takes a few.
SILENT = timedelta(minutes=15)
PURGE_NOTICE = timedelta(days=2)
SCRATCH_ROOM = GIB
# An alert's vault and machine: what is found here and no longer seen is closed.
_Where = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long is too long; without a backup it is what each vault says."""

    silent: timedelta = SILENT


def watch(plane: Plane, limits: Limits) -> int:
    """Raise what can only be seen by looking; how many alerts are open for it now."""
    with plane.database.write() as db:
        look = _Look(db=db, plane=plane)
        return (
            look.silence(limits.silent)
            + look.backups()
            + look.quotas()
            + look.scratch()
            + look.purges()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    db: Session
    plane: Plane

    def silence(self, limit: timedelta) -> int:
        silent = alert_rows.silent_since(self.db, self.plane.clock.now() - limit)
        found: dict[_Where, dict[str, Any]] = {
            (one.vault_id, one.id): {"machine": one.name, "since": one.last_seen_at}
            for one in silent
        }
        return self._tell("machine-silent", found)

    def backups(self) -> int:
        now = self.plane.clock.now()
        found: dict[_Where, dict[str, Any]] = {
            (one.vault_id, one.id): {"machine": one.name, "days": (now - last).days}
            for one, last in alert_rows.without_backup(self.db, now)
        }
        return self._tell("no-backup", found)

    def quotas(self) -> int:
        found: dict[_Where, dict[str, Any]] = {}
        for machine in alert_rows.full_machines(self.db):
            usage = _usage(machine.name, machine.bytes_stored, machine.quota_bytes)
            found[machine.vault_id, machine.id] = usage
        for vault, size in alert_rows.full_vaults(self.db):
            found[vault.id, None] = _usage(vault.name, size, vault.quota_bytes)
        return self._tell("quota-near", found)

    def scratch(self) -> int:
        found: dict[_Where, dict[str, Any]] = {}
        for machine_id, vault_id, name, facts in alert_rows.facts_of_machines(self.db):
            free = scratch_room(facts)
            if free is not None and free < SCRATCH_ROOM:
                found[vault_id, machine_id] = {"machine": name, "free": format_size(free)}
        return self._tell("scratch-low", found)

    def purges(self) -> int:
        """Two days before something is gone for good, said once."""
        near = alert_rows.purged_before(self.db, self.plane.clock.now() + PURGE_NOTICE)
        for row in near:
            vault_id = row.vault_id if isinstance(row, Machine) else row.id
            machine_id = row.id if isinstance(row, Machine) else None
            fields = {"object": row.name, "until": row.purge_at}
            if not alert_rows.was_told(self.db, "purge-near", vault_id, machine_id, row.purge_at):
                self._raise("purge-near", (vault_id, machine_id), fields)
        return len(near)

    def _tell(self, kind: str, found: Mapping[_Where, dict[str, Any]]) -> int:
        """Raise these, and close all others of the kind."""
        for where, fields in found.items():
            self._raise(kind, where, fields)
        for alert in alert_rows.open_of(self.db, kind):
            if (alert.vault_id, alert.machine_id) not in found:
                alert.closed_at = self.plane.clock.now()
        return len(found)

    def _raise(self, kind: str, where: _Where, fields: dict[str, Any]) -> None:
        vault_id, machine_id = where
        raise_alert(
            self.db, self.plane, kind, vault_id=vault_id, machine_id=machine_id, fields=fields
        )


def scratch_room(facts: Mapping[str, Any]) -> int | None:
    """Bytes that are free for the scratch folder, as the last heartbeat says."""
    room = facts.get("scratch")
    free = room.get("bytes_free") if isinstance(room, dict) else None
    return free if isinstance(free, int) else None


def _usage(name: str, used: int, quota: int | None) -> dict[str, Any]:
    return {"object": name, "used": format_size(used), "quota": format_size(quota or 0)}
