"""Looks at all recoveries each minute, and tells people what stands still, or was forgotten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.plane import Plane
from holdfast.app.control.recovery_picture import failed_step, is_split, pictures, read_record
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog import replications as replication_rows
from holdfast.catalog.database import Session
from holdfast.catalog.recoveries import Known
from holdfast.catalog.replications import Filter
from holdfast.catalog.tables import Machine, RecoveryHost
from holdfast.fleet.alerts import key_of
from holdfast.fleet.recovery_messages import DrillTold, TrialTold
from holdfast.fleet.virtual_machines import source_of_recovery

FAILED, SPLIT = "failover-failed", "split-brain"
DRILL_FAILED, OVERDUE, NOT_CLEANED = "drill-failed", "drill-overdue", "test-not-cleaned"
_KINDS = (FAILED, SPLIT, DRILL_FAILED, OVERDUE, NOT_CLEANED)
# What ends by itself is given so long after its time.
_LATE = timedelta(minutes=15)
# A test without an end is one that somebody has forgotten.
_LONGEST_TEST = timedelta(days=1)
# Marks what was raised here: what a job has told is closed by a job.
_SEEN = "act"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    kind: str
    vault_id: str
    machine_id: str | None
    fields: Mapping[str, Any]

    @property
    def key(self) -> str:
        fields = {name: str(value) for name, value in self.fields.items()}
        return key_of(self.kind, self.vault_id, self.machine_id, fields)


def watch(plane: Plane) -> int:
    """Raise what is wrong, close what is over; how many troubles there are."""
    now = plane.clock.now()
    with plane.database.write() as db:
        known = recovery_rows.listed(db, vaults=None, at_work_only=True)
        found = [*_standing_still(known), *_split(db, known)]
        for row, machine in recovery_rows.hosts(db):
            found += [*_drills(row, machine, now), *_trials(row, machine, now)]
        _tell(plane, db, found)
    return len(found)


def _tell(plane: Plane, db: Session, found: list[_Trouble]) -> None:
    there = {one.key for one in found}
    for kind in _KINDS:
        for alert in alert_rows.open_of(db, kind):
            is_ours = kind != FAILED or _SEEN in alert.fields
            if is_ours and alert.key not in there:
                alert.closed_at = plane.clock.now()
    for one in found:
        raise_alert(
            db,
            plane,
            one.kind,
            vault_id=one.vault_id,
            machine_id=one.machine_id,
            fields=dict(one.fields),
        )


def _standing_still(known: list[Known]) -> Iterator[_Trouble]:
    for row, machine in known:
        record = read_record(row.record)
        failed = failed_step(record) if record else None
        if record is None or record.act is None or failed is None:
            continue
        step, code, said = failed
        fields = {
            "source": source_of_recovery(row.name),
            "vm": row.name,
            "machine": machine.name,
            "job": record.act.kind.value,
            _SEEN: record.act.id,
            "step": step,
            "error": code,
            "reason": said or code,
        }
        yield _Trouble(kind=FAILED, vault_id=machine.vault_id, machine_id=machine.id, fields=fields)


def _split(db: Session, known: list[Known]) -> Iterator[_Trouble]:
    """One for both hosts, whichever of them has seen it."""
    seen = [one for one in known if is_split(one.row.record)]
    ways = replication_rows.listed(db, Filter()) if seen else []
    vms = {one.row.vm for one in seen}
    for picture in pictures(
        (one for one in known if one.row.vm in vms), (way for way in ways if way.row.vm in vms)
    ):
        if not picture.is_split:
            continue
        hosts = sorted(machine.name for machine in picture.machines.values())
        fields = {"root": picture.vm, "vm": picture.name, "hosts": ", ".join(hosts)}
        vault_id = picture.known[0].machine.vault_id
        yield _Trouble(kind=SPLIT, vault_id=vault_id, machine_id=None, fields=fields)


def _drills(row: RecoveryHost, machine: Machine, now: datetime) -> Iterator[_Trouble]:
    for told in row.facts.get("drills", ()):
        drill = msgspec.convert(told, DrillTold)
        fields = {"drill": drill.name, "machine": machine.name, "since": drill.due_at or ""}
        where = {"vault_id": machine.vault_id, "machine_id": machine.id}
        if drill.at is not None and not drill.is_passed:
            yield _Trouble(kind=DRILL_FAILED, fields=fields, **where)
        if drill.due_at is not None and drill.due_at + _LATE < now:
            yield _Trouble(kind=OVERDUE, fields=fields, **where)


def _trials(row: RecoveryHost, machine: Machine, now: datetime) -> Iterator[_Trouble]:
    for told in row.facts.get("trials", ()):
        trial = msgspec.convert(told, TrialTold)
        limit = trial.began_at + _LONGEST_TEST if trial.ends_at is None else trial.ends_at + _LATE
        if now < limit and not trial.trouble:
            continue
        fields = {"vm": trial.name, "machine": machine.name, "since": trial.began_at}
        yield _Trouble(
            kind=NOT_CLEANED, vault_id=machine.vault_id, machine_id=machine.id, fields=fields
        )
