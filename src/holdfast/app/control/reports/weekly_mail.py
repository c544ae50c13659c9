"""The weekly summary to those who want it, on a day and at a time of their own clock."""

from holdfast.app.control.alert_sending import Message, Send, go_on_sending, send_due
from holdfast.app.control.plane import Plane
from holdfast.app.control.reports.week_words import subject
from holdfast.app.control.reports.weekly import weekly
from holdfast.app.control.reports.weekly_due import due_week
from holdfast.app.control.reports.weekly_text import weekly_text
from holdfast.app.control.server_work import SERVER
from holdfast.base.texts import speaking
from holdfast.catalog.tables import AlertTarget, Vault
from holdfast.fleet.alerts import Severity
from holdfast.fleet.local_time import read_zone


def send_weeklies(plane: Plane, send: Send) -> int:
    """How many took theirs."""
    return send_due(plane, due_week, lambda target_id: _send(plane, target_id, send))


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
