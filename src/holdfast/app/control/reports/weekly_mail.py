"""The weekly summary to those who want it, on a day and at a time of their own clock."""

from holdfast.app.control.alert_sending import (
    Message,
    Send,
    begin_sending,
    end_sending,
    go_on_sending,
)
from holdfast.app.control.plane import Plane
from holdfast.app.control.reports.week_words import subject
from holdfast.app.control.reports.weekly import weekly
from holdfast.app.control.reports.weekly_due import due_week
from holdfast.app.control.reports.weekly_text import weekly_text
from holdfast.app.control.server_work import SERVER
from holdfast.base.texts import speaking
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog.tables import AlertTarget, Vault
from holdfast.fleet.alerts import Severity
from holdfast.fleet.local_time import read_zone


def send_weeklies(plane: Plane, send: Send) -> int:
    """To those whose time has come; how many took theirs. The others are asked again later."""
    now = plane.clock.now()
    with plane.database.read() as db:
        due = [one.id for one in alert_rows.targets(db) if due_week(one, now)]
    if not due or not begin_sending(plane):
        return 0
    try:
        return sum(_send(plane, target_id, send) for target_id in due)
    finally:
        end_sending(plane)


def _send(plane: Plane, target_id: str, send: Send) -> bool:
    with plane.database.read() as db:
        target = db.get(AlertTarget, target_id)
        is_there = target is not None and _is_there(db.get(Vault, target.vault_id or ""), target)
    day = due_week(target, plane.clock.now()) if target else None
    if target is None or day is None:
        return False
    if is_there and not _deliver(plane, target, send):
        return False
    with plane.database.write() as db:
        row = db.get(AlertTarget, target_id)
        if row is not None:
            row.week_told_on = day
    return is_there


def _is_there(vault: Vault | None, target: AlertTarget) -> bool:
    """Of a vault that is deleted there is nothing to tell."""
    return target.vault_id is None or (vault is not None and vault.deleted_at is None)


def _deliver(plane: Plane, target: AlertTarget, send: Send) -> bool:
    go_on_sending(plane)
    with speaking(target.lang):
        week = weekly(plane, SERVER, vault=target.vault_id)
        zone = read_zone(target.summary_zone)
        title, body = subject(week, zone), weekly_text(week, zone=zone)
        message = Message(url=target.url, title=title, body=body, severity=Severity.INFO)
    return send(message)
