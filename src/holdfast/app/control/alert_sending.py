"""Alerts on their way to people. A place that cannot be reached gets them later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control.alert_texts import body_of, title_of
from holdfast.app.control.plane import Plane
from holdfast.base.texts import speaking
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog import claims
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Alert, AlertTarget
from holdfast.fleet.alerts import KINDS, Severity

_AT_ONCE = 1000
# A week later nobody wants to hear of it any more.
_GIVEN_UP = timedelta(days=7)
# Of several servers one sends; a service may take a while to say no.
_SENDING = "alert-sending"
_CLAIM = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One text for one place; `url` may hold a password and is never logged."""

    url: str
    title: str
    body: str
    severity: Severity


# Whether it arrived.
Send = Callable[[Message], bool]


def send_waiting(plane: Plane, send: Send, *, younger: timedelta = _GIVEN_UP) -> int:
    """Send what has not been sent; how many alerts reached all they are for.

    An alert is marked after a place took it: a crash in between sends it twice, never not at all.
    """
    with plane.database.read() as db:
        since = plane.clock.now() - younger
        waiting = alert_rows.unsent(db, since=since, limit=_AT_ONCE)
        targets = alert_rows.targets(db)
    if not waiting or not begin_sending(plane):
        return 0
    try:
        round_ = _Round(plane=plane, targets=targets, send=send, refused=set())
        return sum(round_.deliver(alert.id) for alert in waiting)
    finally:
        end_sending(plane)


def send_due(
    plane: Plane,
    due: Callable[[AlertTarget, datetime], str | None],
    tell: Callable[[str], bool],
) -> int:
    """To those whose time has come; how many took theirs. The others are asked again later."""
    now = plane.clock.now()
    with plane.database.read() as db:
        targets = [one.id for one in alert_rows.targets(db) if due(one, now)]
    if not targets or not begin_sending(plane):
        return 0
    try:
        return sum(tell(target_id) for target_id in targets)
    finally:
        end_sending(plane)


def last_words(plane: Plane, db: Session, target: AlertTarget) -> list[Message]:
    """What a place that is being removed has not been told yet of acts that could cost data."""
    db.flush()
    since = plane.clock.now() - _GIVEN_UP
    return [
        _message(alert, target)
        for alert in alert_rows.unsent(db, since=since, limit=_AT_ONCE)
        if KINDS[alert.kind].is_security
        and _is_for(target, alert)
        and target.id not in alert.sent_to
    ]


def begin_sending(plane: Plane) -> bool:
    """Whether no other server is at it."""
    now = plane.clock.now()
    with plane.database.write() as db:
        return claims.claim(db, _SENDING, now=now, until=now + _CLAIM)


def go_on_sending(plane: Plane) -> None:
    with plane.database.write() as db:
        claims.prolong(db, _SENDING, until=plane.clock.now() + _CLAIM)


def end_sending(plane: Plane) -> None:
    with plane.database.write() as db:
        claims.give_up(db, _SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One try to tell everybody everything."""

    plane: Plane
    targets: Sequence[AlertTarget]
    send: Send
    # Places that did not take a message in this round are not asked for each of the others.
    refused: set[str]

    def deliver(self, alert_id: str) -> bool:
        with self.plane.database.read() as db:
            alert = db.get(Alert, alert_id)
        if alert is None or alert.sent_at is not None:
            return False
        missing = [
            one for one in self.targets if _is_for(one, alert) and one.id not in alert.sent_to
        ]
        took = [one.id for one in missing if self._is_taken(alert, one)]
        is_done = len(took) == len(missing)
        if took or is_done:
            self._note(alert_id, took, is_done=is_done)
        return is_done

    def _is_taken(self, alert: Alert, target: AlertTarget) -> bool:
        if target.id in self.refused:
            return False
        go_on_sending(self.plane)
        if self.send(_message(alert, target)):
            return True
        self.refused.add(target.id)
        return False

    def _note(self, alert_id: str, took: list[str], *, is_done: bool) -> None:
        with self.plane.database.write() as db:
            row = db.get(Alert, alert_id)
            if row is not None:
                row.sent_to = [*row.sent_to, *took]
                row.sent_at = self.plane.clock.now() if is_done else None


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
