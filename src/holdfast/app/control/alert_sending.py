"""Alerts on their way to people. A place that cannot be reached gets them later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holdfast.app.control.alert_texts import body_of, summary_body, summary_title, title_of
from holdfast.app.control.alert_watch import Day
from holdfast.app.control.plane import Plane
from holdfast.base.texts import speaking
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog.tables import Alert, AlertTarget
from holdfast.fleet.alerts import KINDS, Severity

_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One text for one place; `url` may hold a password and is never logged."""

    url: str
    title: str
    body: str
    severity: Severity


# Whether it arrived.
Send = Callable[[Message], bool]


def send_waiting(plane: Plane, send: Send) -> int:
    """Send what has not been sent; how many alerts reached all they are for.

    An alert is marked after a place took it: a crash in between sends it twice, never not at all.
    """
    with plane.database.read() as db:
        waiting, targets = alert_rows.unsent(db, _AT_ONCE), alert_rows.targets(db)
    return sum(_deliver(plane, alert, targets, send) for alert in waiting)


def _deliver(plane: Plane, alert: Alert, targets: Sequence[AlertTarget], send: Send) -> bool:
    wanted = [one for one in targets if _is_for(one, alert)]
    missing = [one for one in wanted if one.id not in alert.sent_to]
    took = [one.id for one in missing if send(_message(alert, one))]
    is_done = len(took) == len(missing)
    if took or is_done:
        with plane.database.write() as db:
            row = db.get(Alert, alert.id)
            if row is not None:
                row.sent_to = [*row.sent_to, *took]
                row.sent_at = plane.clock.now() if is_done else None
    return is_done


def send_summary(plane: Plane, day: Day, send: Send) -> int:
    """The day's summary to those who want it."""
    with plane.database.read() as db:
        targets = [one for one in alert_rows.targets(db) if one.daily_summary]
    return sum(send(_summary(day, target)) for target in targets)


def _is_for(target: AlertTarget, alert: Alert) -> bool:
    """Security goes to everybody who listens to this vault, however little else they want."""
    if target.vault_id is not None and target.vault_id != alert.vault_id:
        return False
    loud = Severity.named(alert.severity) >= Severity.named(target.min_severity)
    return loud or KINDS[alert.kind].is_security


def _message(alert: Alert, target: AlertTarget) -> Message:
    with speaking(target.lang):
        title, body = title_of(alert), body_of(alert)
    return Message(url=target.url, title=title, body=body, severity=Severity.named(alert.severity))


def _summary(day: Day, target: AlertTarget) -> Message:
    with speaking(target.lang):
        title, body = summary_title(day), summary_body(day)
    return Message(url=target.url, title=title, body=body, severity=Severity.INFO)
