"""What hosts tell of the recoveries they have to do with; people's questions are in `recovery_views`."""

from datetime import datetime
from typing import Any

import msgspec

from holdfast.app.control import audit
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_errors import RecoveryNotUnderstood
from holdfast.app.control.recovery_picture import read_record
from holdfast.app.control.replication_grants import LONGEST, check_ids, check_vm, require_machine
from holdfast.base.texts import _
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Machine, Recovery, RecoveryHost
from holdfast.fleet.recovery_messages import (
    LONGEST_PLAN,
    MOST_PLANS,
    MOST_RECORDS,
    MOST_SCRIPTS,
    RecoveryReport,
    RecoveryTold,
)
from holdfast.recovery.record import RecoveryRecord

_KEPT = ("networks", "plans", "trials", "drills", "scripts")


def take_recovery(plane: Plane, actor: Actor, told: RecoveryTold) -> None:
    """All recoveries of a host; those not named are gone."""
    require_machine(actor)
    _check(told)
    now = plane.clock.now()
    with plane.database.write() as db:
        before = {row.vm: row for row in recovery_rows.of_machine(db, actor.id)}
        rows: dict[str, Recovery] = {}
        for report in told.records:
            record = read_record(report.record)
            if record is None:
                continue
            known = before.get(report.vm)
            since = known.stage_since if known and known.stage == record.stage else now
            if known is None or (known.stage, known.epoch) != (record.stage, record.epoch):
                _note(plane, db, actor, record, before=known.stage if known else "")
            rows[report.vm] = _row(actor.id, report, record, since=since, now=now)
        recovery_rows.replace_all(db, actor.id, rows)
        facts: dict[str, Any] = msgspec.to_builtins(told)
        kept = {name: facts[name] for name in _KEPT}
        db.merge(RecoveryHost(machine_id=actor.id, facts=kept, told_at=now))


def _check(told: RecoveryTold) -> None:
    counts = (len(told.records), len(told.trials), len(told.drills))
    if max(counts) > MOST_RECORDS or len(told.plans) > MOST_PLANS:
        raise RecoveryNotUnderstood(reason=_("more than {most} of them").format(most=MOST_RECORDS))
    if len(told.scripts) > MOST_SCRIPTS:
        raise RecoveryNotUnderstood(reason=_("more than {most} of them").format(most=MOST_SCRIPTS))
    check_ids(*told.scripts)
    for report in told.records:
        check_vm(report.vm)
    for plan in told.plans:
        check_ids(plan.name)
        if len(plan.text) > LONGEST_PLAN:
            raise RecoveryNotUnderstood(reason=plan.name)


def _row(
    machine_id: str,
    report: RecoveryReport,
    record: RecoveryRecord,
    *,
    since: datetime,
    now: datetime,
) -> Recovery:
    return Recovery(
        machine_id=machine_id,
        vm=report.vm,
        name=record.name[:LONGEST] or report.vm,
        epoch=record.epoch,
        runs_at=record.runs_at[:LONGEST],
        stage=record.stage.value,
        stage_since=since,
        record=report.record,
        told_at=now,
    )


def _note(plane: Plane, db: Session, actor: Actor, record: RecoveryRecord, *, before: str) -> None:
    """Whoever did it, there or by an order from here."""
    act = record.act
    audit.note(
        db,
        plane,
        actor,
        act="recovery",
        vault_id=db.get_one(Machine, actor.id).vault_id,
        object=record.vm,
        detail={
            "name": record.name,
            "from": before,
            "to": record.stage.value,
            "epoch": record.epoch,
            "runs_at": record.runs_at,
            "act": act.kind.value if act else "",
            "who": act.who if act else "",
        },
    )
