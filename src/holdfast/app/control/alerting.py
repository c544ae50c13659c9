"""Raising and closing alerts: one row per cause, whatever the number of times it is seen.

`raise_alert` and `close_alerts` are called inside the transaction of what they tell about, so that
there is no event without its alert. Sending comes later and elsewhere (`alert_sending`).
"""

from collections.abc import Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any

from holdfast.app.control.job_views import about_of
from holdfast.app.control.plane import Plane
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog import machines as machine_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Alert, Job, Machine
from holdfast.fleet.alerts import KINDS, key_of
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.recovery_arguments import OF_RECOVERY
from holdfast.fleet.virtual_machines import is_of_recovery, is_of_replication, is_of_vm


def raise_alert(
    db: Session,
    plane: Plane,
    kind: str,
    *,
    vault_id: str | None = None,
    machine_id: str | None = None,
    fields: dict[str, Any] | None = None,
) -> Alert:
    """Open an alert, or count one more sighting of the one that is open."""
    now, told = plane.clock.now(), as_told(fields or {})
    key = key_of(kind, vault_id, machine_id, told)
    seen = alert_rows.open_by_key(db, key)
    if seen is not None:
        seen.count += 1
        seen.last_at, seen.fields = now, told
        return seen
    alert = Alert(
        id=token_hex(8),
        key=key,
        kind=kind,
        severity=KINDS[kind].severity.label,
        vault_id=vault_id,
        machine_id=machine_id,
        fields=told,
        first_at=now,
        last_at=now,
        sent_to=[],
        # What cannot happen twice in the same way has no open state to be in.
        closed_at=now if KINDS[kind].is_event else None,
        suppressed_by=_silenced(db, plane, kind, vault_id=vault_id, machine_id=machine_id),
    )
    db.add(alert)
    return alert


def as_told(fields: Mapping[str, Any]) -> dict[str, str]:
    """As an alert keeps them."""
    return {name: str(value) for name, value in fields.items()}


def close_alerts(
    db: Session, plane: Plane, kind: str, *, vault_id: str | None, machine_id: str | None
) -> None:
    """The cause is gone: whatever is open of this kind for this machine is closed."""
    for alert in alert_rows.open_at(db, kind, vault_id=vault_id, machine_id=machine_id):
        alert.closed_at = plane.clock.now()


def close_of_left(db: Session, plane: Plane, machine: Machine, *, reason: str) -> None:
    """The machine is "revoked", "unregistered" or "deleted": what it had to mend is moot.

    Damage stays to be seen to as long as the data is there.
    """
    kinds = _OF_ITS_WORK if reason != "deleted" else _OF_ITS_WORK | {"damage-found"}
    for alert in alert_rows.open_on(db, machine.id, kinds):
        alert.closed_at = plane.clock.now()
        alert.fields = {**alert.fields, "closed": reason}


def tell_of_act(  # noqa: PLR0913  who did what to whom, until when
    db: Session,
    plane: Plane,
    kind: str,
    *,
    actor: str,
    about: str,
    vault_id: str | None,
    machine_id: str | None = None,
    until: datetime | None = None,
) -> None:
    """Somebody did what could cost data: told in the transaction of the act itself."""
    fields = {"actor": actor, "object": about, "until": until or plane.clock.now()}
    raise_alert(db, plane, kind, vault_id=vault_id, machine_id=machine_id, fields=fields)


def tell_of_job(db: Session, plane: Plane, job: Job, machine: Machine | None) -> None:
    """What the end of a job means: an alert, or the end of one."""
    if not State(job.state).is_over or job.kind == Kind.PLAN_ACTION:
        # Of what fails in a plan its run tells.
        return
    if machine is not None and not machine_rows.is_at_work(db, machine.id):
        # Whoever was sent away or locked out has nothing to mend.
        return
    where = {"vault_id": job.vault_id, "machine_id": job.machine_id}
    fields = _fields(db, job, machine)
    match State(job.state):
        case State.FAILED:
            kind = _FAILED.get(job.kind, "job-failed")
            if fields["error"] in _DAMAGE:
                kind = "damage-found"
            raise_alert(db, plane, kind, fields=fields, **where)
        case State.LOST:
            raise_alert(db, plane, "job-lost", fields=fields, **where)
        case State.DONE | State.WARNINGS:
            _tell_of_success(db, plane, job, fields)
        case _:
            # Cancelled by a person, or skipped because another job held the source: no news.
            pass


# A drill has alerts of its own; a look before an act and a schedule change nothing.
_OTHERWISE = frozenset((Kind.DRILL, Kind.CHECK_FAILOVER, Kind.SCHEDULE_DRILL))
_FAILED: dict[str, str] = {
    Kind.BACKUP: "backup-failed",
    Kind.RESTORE: "restore-failed",
    Kind.RESTORE_VM: "restore-failed",
    **{kind: "failover-failed" for kind in OF_RECOVERY if kind not in _OTHERWISE},
}
_OF_ITS_WORK = frozenset(
    (
        *(*_FAILED.values(), "job-failed", "job-lost", "backup-warnings", "key-changed"),
        *("machine-silent", "no-backup", "scratch-low", "quota-near"),
        *("replication-warning", "replication-critical"),
        *("drill-failed", "drill-overdue", "test-not-cleaned"),
    )
)
_DAMAGE = frozenset(
    {"damage", "blob-broken", "blob-missing", "tree-broken", "pack-header-broken", "stored-damage"}
)


def _tell_of_success(db: Session, plane: Plane, job: Job, fields: dict[str, Any]) -> None:
    where = {"vault_id": job.vault_id, "machine_id": job.machine_id}
    failed = _FAILED.get(job.kind, "job-failed")
    _close_about(db, plane, failed, job)
    for kind in ("job-lost", *(["no-backup"] if job.kind == Kind.BACKUP else [])):
        close_alerts(db, plane, kind, **where)
    if job.kind in (Kind.CHECK, Kind.SCRUB):
        _close_damage(db, plane, job)
    if _is_whole_restore(job):
        raise_alert(db, plane, "restore-done", fields=fields, **where)
    if job.kind != Kind.BACKUP:
        return
    if job.state == State.WARNINGS:
        raise_alert(db, plane, "backup-warnings", fields=fields, **where)
        return
    _close_about(db, plane, "backup-warnings", job)
    raise_alert(db, plane, "backup-done", fields=fields, **where)


def _is_whole_restore(job: Job) -> bool:
    """Not one that only compares, nor one that left something out."""
    is_done = job.kind in (Kind.RESTORE, Kind.RESTORE_VM) and job.state == State.DONE
    return is_done and not job.arguments.get("dry_run")


def _close_about(db: Session, plane: Plane, kind: str, job: Job) -> None:
    """That a virtual machine fares well says nothing about the others of its host."""
    for alert in alert_rows.open_at(db, kind, vault_id=job.vault_id, machine_id=job.machine_id):
        source = str(alert.fields.get("source", ""))
        if source == job.source or not (_is_of_one(source) or _is_of_one(job.source)):
            alert.closed_at = plane.clock.now()


def _is_of_one(source: str) -> bool:
    return is_of_vm(source) or is_of_replication(source) or is_of_recovery(source)


def _close_damage(db: Session, plane: Plane, job: Job) -> None:
    """What a scrub found is not gone because a check, which may read less, found nothing."""
    found = alert_rows.open_at(db, "damage-found", vault_id=job.vault_id, machine_id=job.machine_id)
    for alert in found:
        if job.kind == Kind.SCRUB or alert.fields.get("job") != Kind.SCRUB:
            alert.closed_at = plane.clock.now()


def _fields(db: Session, job: Job, machine: Machine | None) -> dict[str, Any]:
    error, finding, result = job.error or {}, job.finding or {}, job.result or {}
    # The doctor's cause tells failures apart better than the error it showed itself by.
    return {
        "job": job.kind,
        "job_id": job.id,
        "source": job.source,
        "about": about_of(db, job.source) or job.source,
        "vm": job.arguments.get("vm", ""),
        "machine": machine.name if machine else "",
        "error": finding.get("code") or error.get("code", ""),
        "reason": finding.get("sentence") or error.get("message", ""),
        "remedy": error.get("remedy", ""),
        "skipped": result.get("skipped", ""),
        "since": machine.last_seen_at if machine else "",
    }


def _silenced(
    db: Session, plane: Plane, kind: str, *, vault_id: str | None, machine_id: str | None
) -> str | None:
    if KINDS[kind].is_security:
        return None
    rule = alert_rows.matching_suppression(
        db, kind=kind, vault_id=vault_id, machine_id=machine_id, now=plane.clock.now()
    )
    return rule.id if rule else None
