"""Alerts on their way to people. A place that cannot be reached gets them later."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from holdfast.app.control.alert_bundles import Bundle, bundle_body, bundle_title, bundles_of
from holdfast.app.control.alert_texts import body_of, title_of
from holdfast.app.control.plane import Plane
from holdfast.base.texts import speaking
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog import claims
from holdfast.catalog import overview as overview_rows
from holdfast.catalog import sites as site_rows
from holdfast.catalog.database import Session
from holdfast.catalog.overview import AlertRow
from holdfast.catalog.tables import Alert, AlertTarget
from holdfast.fleet.alerts import KINDS, Severity
from holdfast.fleet.local_time import ZoneUnknown, ZoneUnreadable, read_zone

# What has one cause is to be told together, however much it is.
_AT_ONCE = 10_000
# A week later nobody wants to hear of it any more.
_GIVEN_UP = timedelta(days=7)
# Of several servers one sends; a service may take a while to say no.
_SENDING = "alert-sending"
_CLAIM = timedelta(minutes=2)
# Who falls silent together is seen to be so in two rounds of the watch, a minute apart.
_GATHERING = timedelta(seconds=50)
_NOTED_AT_ONCE = 200
_BREATH = 0.01


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

    What has one cause is one message. An alert is marked after a place took it: a crash in between
    sends it twice, never not at all.
    """
    since = plane.clock.now() - younger
    with plane.database.read() as db:
        waiting = alert_rows.unsent(db, since=since, limit=1)
    if not waiting or not begin_sending(plane):
        return 0
    try:
        return _round(plane, send, since).deliver()
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
class _Letter:
    """What one place is told of one cause."""

    target: AlertTarget
    bundle: Bundle

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.bundle.alerts]

    @property
    def first_at(self) -> datetime:
        return min(one.first_at for one in self.bundle.alerts)


def _round(plane: Plane, send: Send, since: datetime) -> "_Round":
    with plane.database.read() as db:
        return _Round(
            plane=plane,
            send=send,
            targets=alert_rows.targets(db),
            waiting=alert_rows.unsent(db, since=since, limit=_AT_ONCE),
            others=overview_rows.open_alerts(db, None),
            keepers=site_rows.keepers(db),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One try to tell everybody everything."""

    plane: Plane
    send: Send
    targets: Sequence[AlertTarget]
    waiting: Sequence[Alert]
    # What is open was told before, perhaps, and may be the cause of what waits.
    others: Sequence[AlertRow]
    keepers: Mapping[str, str]
    # Places that did not take a message in this round are not asked for each of the others.
    refused: set[str] = field(default_factory=set)

    def deliver(self) -> int:
        """Of several causes the one seen first, to everybody, before the next."""
        letters = [one for target in self.targets for one in self._letters(target)]
        letters.sort(key=lambda one: one.first_at)
        missed = {alert_id for one in letters if not self._is_taken(one) for alert_id in one.ids}
        done = [one.id for one in self.waiting if one.id not in missed]
        now = self.plane.clock.now()
        self._note(done, lambda db, ids: alert_rows.note_sent(db, ids, now))
        return len(done)

    def _letters(self, target: AlertTarget) -> Iterator[_Letter]:
        """A place hears of its own vault alone, and so are causes counted for it."""
        missing = [
            one for one in self.waiting if _is_for(target, one) and target.id not in one.sent_to
        ]
        beside = (one for one in self.others if target.vault_id in (None, one.vault_id))
        for bundle in bundles_of(missing, beside, self.keepers) if missing else ():
            yield _Letter(target=target, bundle=bundle)

    def _is_taken(self, letter: _Letter) -> bool:
        target = letter.target
        if target.id in self.refused or self._is_gathering(letter):
            return False
        go_on_sending(self.plane)
        if self._is_told(letter):
            return True
        if not self.send(_of_bundle(letter.bundle, target)):
            self.refused.add(target.id)
            return False
        self._note(letter.ids, lambda db, ids: alert_rows.note_taken(db, ids, target.id))
        return True

    def _is_gathering(self, letter: _Letter) -> bool:
        """More of the same may be seen yet; a clock that was set back holds up nothing."""
        age = self.plane.clock.now() - letter.first_at
        return letter.bundle.group.is_silence and timedelta(0) <= age < _GATHERING

    def _is_told(self, letter: _Letter) -> bool:
        """Another server goes on where this one was held up for too long."""
        with self.plane.database.read() as db:
            first = db.get(Alert, letter.ids[0])
        return first is None or letter.target.id in first.sent_to

    def _note(self, ids: Sequence[str], note: Callable[[Session, Sequence[str]], None]) -> None:
        """A part at a time: others want to write as well."""
        for begin in range(0, len(ids), _NOTED_AT_ONCE):
            if begin:
                self.plane.clock.sleep(_BREATH)
            with self.plane.database.write() as db:
                note(db, ids[begin : begin + _NOTED_AT_ONCE])


def _is_for(target: AlertTarget, alert: Alert) -> bool:
    """Security goes to everybody who listens to this vault, however little else they want."""
    if target.vault_id is not None and target.vault_id != alert.vault_id:
        return False
    loud = Severity.named(alert.severity) >= Severity.named(target.min_severity)
    return loud or KINDS[alert.kind].is_security


def _message(alert: Alert, target: AlertTarget) -> Message:
    with speaking(target.lang):
        zone = _zone(target)
        title, body = title_of(alert, zone), body_of(alert, zone)
    return Message(url=target.url, title=title, body=body, severity=Severity.named(alert.severity))


def _of_bundle(bundle: Bundle, target: AlertTarget) -> Message:
    zone = _zone(target)
    with speaking(target.lang):
        title, body = bundle_title(bundle, zone), bundle_body(bundle, zone)
    return Message(url=target.url, title=title, body=body, severity=bundle.severity)


def _zone(target: AlertTarget) -> tzinfo:
    """A server that cannot read its time zones tells people all the same."""
    try:
        return read_zone(target.summary_zone)
    except (ZoneUnknown, ZoneUnreadable):
        return UTC
