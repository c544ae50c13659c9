"""What nobody reports: machines that are silent, without a backup or short of room; coming purges."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from holdfast.app.control.alerting import as_told, raise_alert
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
# A transaction of so many is over in a fraction of a second.
_AT_ONCE = 100
# Whoever asks for the database again at once has it before those who wait for it.
_BREATH = 0.01
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long is too long; without a backup it is what each vault says."""

    silent: timedelta = SILENT


def watch(plane: Plane, limits: Limits) -> int:
    """Raise what can only be seen by looking; how many alerts are open for it now.

    Looked at without holding up anybody. What stands as it did is not written anew each minute,
    and of the rest only so much at once that others come in between.
    """
    with plane.database.read() as db:
        look = _Look(db=db, plane=plane)
        seen = [
            look.silence(limits.silent),
            look.backups(),
            look.quotas(),
            look.scratch(),
            look.purges(),
        ]
        changes = [_change(db, one) for one in seen]
    for change in changes:
        _write(plane, change)
    return sum(len(one.found) for one in seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """All of a kind that was found, with the fields of its alerts."""

    kind: str
    found: Mapping[_Where, Mapping[str, Any]]
    # Said once, and not open afterwards: these of them were told.
    told: frozenset[_Where] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    kind: str
    raised: Sequence[tuple[_Where, Mapping[str, Any]]]
    # Ids of alerts whose cause is gone.
    closed: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    db: Session
    plane: Plane

    def silence(self, limit: timedelta) -> _Seen:
        silent = alert_rows.silent_since(self.db, self.plane.clock.now() - limit)
        found: dict[_Where, dict[str, Any]] = {
            (one.vault_id, one.id): {"machine": one.name, "since": one.last_seen_at}
            for one in silent
        }
        return _Seen(kind="machine-silent", found=found)

    def backups(self) -> _Seen:
        now = self.plane.clock.now()
        found: dict[_Where, dict[str, Any]] = {
            (one.vault_id, one.id): {"machine": one.name, "days": (now - last).days}
            for one, last in alert_rows.without_backup(self.db, now)
        }
        return _Seen(kind="no-backup", found=found)

    def quotas(self) -> _Seen:
        found: dict[_Where, dict[str, Any]] = {}
        for machine in alert_rows.full_machines(self.db):
            usage = _usage(machine.name, machine.bytes_stored, machine.quota_bytes)
            found[machine.vault_id, machine.id] = usage
        for vault, size in alert_rows.full_vaults(self.db):
            found[vault.id, None] = _usage(vault.name, size, vault.quota_bytes)
        return _Seen(kind="quota-near", found=found)

    def scratch(self) -> _Seen:
        found: dict[_Where, dict[str, Any]] = {}
        for machine_id, vault_id, name, facts in alert_rows.facts_of_machines(self.db):
            free = scratch_room(facts)
            if free is not None and free < SCRATCH_ROOM:
                found[vault_id, machine_id] = {"machine": name, "free": format_size(free)}
        return _Seen(kind="scratch-low", found=found)

    def purges(self) -> _Seen:
        """Two days before something is gone for good, said once."""
        found: dict[_Where, dict[str, Any]] = {}
        told = set[_Where]()
        for row in alert_rows.purged_before(self.db, self.plane.clock.now() + PURGE_NOTICE):
            vault_id = row.vault_id if isinstance(row, Machine) else row.id
            machine_id = row.id if isinstance(row, Machine) else None
            found[vault_id, machine_id] = {"object": row.name, "until": row.purge_at}
            if alert_rows.was_told(self.db, "purge-near", vault_id, machine_id, row.purge_at):
                told.add((vault_id, machine_id))
        return _Seen(kind="purge-near", found=found, told=frozenset(told))


def _change(db: Session, seen: _Seen) -> _Change:
    """What is new, or stands otherwise than its alert says; and all others of the kind."""
    known = {(one.vault_id, one.machine_id): one for one in alert_rows.standing(db, seen.kind)}
    raised = [
        (where, fields)
        for where, fields in seen.found.items()
        if where not in seen.told and (where not in known or known[where].fields != as_told(fields))
    ]
    closed = [one.id for where, one in known.items() if where not in seen.found]
    return _Change(kind=seen.kind, raised=raised, closed=closed)


def _write(plane: Plane, change: _Change) -> None:
    for part in _parts(change.raised):
        with plane.database.write() as db:
            for (vault_id, machine_id), fields in part:
                where = {"vault_id": vault_id, "machine_id": machine_id}
                raise_alert(db, plane, change.kind, fields=dict(fields), **where)
        plane.clock.sleep(_BREATH)
    for closed in _parts(change.closed):
        with plane.database.write() as db:
            alert_rows.close(db, closed, plane.clock.now())
        plane.clock.sleep(_BREATH)


def _parts(some: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for begin in range(0, len(some), _AT_ONCE):
        yield some[begin : begin + _AT_ONCE]


def scratch_room(facts: Mapping[str, Any]) -> int | None:
    """Bytes that are free for the scratch folder, as the last heartbeat says."""
    room = facts.get("scratch")
    free = room.get("bytes_free") if isinstance(room, dict) else None
    return free if isinstance(free, int) else None


def _usage(name: str, used: int, quota: int | None) -> dict[str, Any]:
    return {"object": name, "used": format_size(used), "quota": format_size(quota or 0)}
