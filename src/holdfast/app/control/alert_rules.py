"""What people do with alerts: look, close, say where they go, silence a kind for a while."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.access import readable, readable_vaults, require, rights
from holdfast.app.control.alert_errors import (
    AlertKindUnknown,
    SecurityCannotBeSilenced,
    SummaryTimeWrong,
    TargetUnreachable,
)
from holdfast.app.control.alert_sending import Message, Send, last_words
from holdfast.app.control.alert_summaries import due_day
from holdfast.app.control.alert_texts import remedy_of, sentence_of
from holdfast.app.control.alerting import tell_of_act
from holdfast.app.control.errors import AlreadyThere, IdempotencyKeyReused, NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replaying import done_before, id_for, made_before, note_done
from holdfast.app.control.reports.weekly_due import due_week
from holdfast.app.control.vault_rows import live_vault
from holdfast.base.texts import _, speaking
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Alert, AlertSuppression, AlertTarget, Machine
from holdfast.fleet.alerts import KINDS, Severity
from holdfast.fleet.local_time import read_zone
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right
from holdfast.fleet.schedule_text import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    id: str
    kind: str
    severity: str
    sentence: str
    remedy: str
    vault_id: str | None
    machine_id: str | None
    fields: dict[str, Any]
    first_at: datetime
    last_at: datetime
    count: int
    closed_at: datetime | None
    sent_at: datetime | None
    is_silenced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gravest:
    alerts: list[AlertView]
    # Of all there are, the listed ones among them.
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """A target without its URL, which may hold a password."""

    id: str
    name: str
    scheme: str
    vault_id: str | None
    min_severity: str
    lang: str
    daily_summary: bool
    summary_at: str
    summary_zone: str
    # The day of the weekly summary, as in "monday"; none: there is none.
    weekly_on: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTarget:
    """Without a vault it is for all; `vault` is an id or a name."""

    name: str
    url: str
    vault: str | None = None
    min_severity: str = "warning"
    lang: str = "en"
    daily_summary: bool = False
    # As clocks in this zone show it.
    summary_at: str = "08:00"
    summary_zone: str = "UTC"
    # One of `reports.weekly_due.WEEKDAYS`.
    weekly_on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuppression:
    """What is None is not looked at; `vault` is an id or a name."""

    reason: str
    kind: str | None = None
    vault: str | None = None
    machine_id: str | None = None
    hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionView:
    id: str
    kind: str | None
    vault_id: str | None
    machine_id: str | None
    # Its name, as long as it is known.
    machine: str | None
    reason: str
    made_by: str
    until: datetime | None


def list_alerts(
    plane: Plane,
    actor: Actor,
    window: Window,
    *,
    is_open: bool | None,
    severity: str | None = None,
) -> Page[AlertView]:
    """Those of the vaults one may read; the newest first."""
    after = window.parts(1)
    with plane.database.read() as db:
        rows = alert_rows.listed(
            db,
            alert_rows.Filter(is_open=is_open, severity=severity),
            vaults=readable_vaults(db, actor),
            after=after[0] if after else "",
            limit=window.one_more,
        )
    return make_page(rows, window, key=lambda row: [row.id], view=_alert)


def gravest_alerts(
    plane: Plane, actor: Actor, limit: int, *, is_open: bool | None, severity: str | None = None
) -> Gravest:
    """For a list that cannot hold all: what is left out is never graver than what is in it."""
    wanted = alert_rows.Filter(is_open=is_open, severity=severity)
    with plane.database.read() as db:
        vaults = readable_vaults(db, actor)
        rows = alert_rows.gravest(db, wanted, vaults=vaults, limit=limit)
        count = len(rows) if len(rows) < limit else alert_rows.count(db, wanted, vaults=vaults)
    return Gravest(alerts=[_alert(row) for row in rows], count=count)


def show_alert(plane: Plane, actor: Actor, alert_id: str) -> AlertView:
    with plane.database.read() as db:
        return _alert(readable(db, actor, Alert, alert_id, _("alert")))


def close_alert(plane: Plane, actor: Actor, alert_id: str) -> AlertView:
    """A person has seen to it; if it happens again, it is a new alert."""
    with plane.database.write() as db:
        alert = readable(db, actor, Alert, alert_id, _("alert"))
        require(db, actor, Right.HANDLE_ALERTS, alert.vault_id)
        if done_before(db, actor) is None:
            alert.closed_at = alert.closed_at or plane.clock.now()
            note_done(db, actor)
            audit.note(
                db, plane, actor, act="alert-close", vault_id=alert.vault_id, object=alert.id
            )
        return _alert(alert)


def list_targets(plane: Plane, actor: Actor) -> Sequence[TargetView]:
    with plane.database.read() as db:
        rows = alert_rows.targets(db)
        return [_target(one) for one in rows if Right.READ in rights(db, actor, one.vault_id)]


def add_target(
    plane: Plane, actor: Actor, new: NewTarget, *, check: Callable[[str], None]
) -> TargetView:
    """`check` raises for a URL that leads nowhere."""
    with plane.database.read() as db:
        require(db, actor, Right.CHANGE_PROTECTION, _vault_id(db, new.vault))
    check(new.url)
    with plane.database.write() as db:
        vault_id = _vault_id(db, new.vault)
        require(db, actor, Right.CHANGE_PROTECTION, vault_id)
        same = {"name": new.name, "url": new.url, "vault_id": vault_id}
        before = made_before(plane, db, actor, table=AlertTarget, same=same)
        if before is not None:
            return _target(before)
        if any(one.name == new.name for one in alert_rows.targets(db)):
            raise AlreadyThere(what=_("alert target"), name=new.name)
        row = _new_target(new, vault_id)
        row.id = id_for(actor)
        # What is past today is not made up for.
        row.summarized_on = due_day(row, plane.clock.now())
        row.week_told_on = due_week(row, plane.clock.now())
        db.add(row)
        audit.note(db, plane, actor, act="alert-target-add", vault_id=vault_id, object=new.name)
        return _target(row)


def remove_target(plane: Plane, actor: Actor, target_id: str, *, send: Send) -> None:
    """It is told of that, and of what it has not heard yet: nobody is to delete unseen so."""
    with plane.database.write() as db:
        row = readable(db, actor, AlertTarget, target_id, _("alert target"))
        require(db, actor, Right.CHANGE_PROTECTION, row.vault_id)
        about, vault_id = row.name, row.vault_id
        tell_of_act(
            db, plane, "alert-target-removed", actor=actor.name, about=about, vault_id=vault_id
        )
        last = last_words(plane, db, row)
        db.delete(row)
        audit.note(db, plane, actor, act="alert-target-remove", vault_id=vault_id, object=about)
    # What does not take the first is not asked for the others; it is gone either way.
    all(send(message) for message in last)


def test_target(plane: Plane, actor: Actor, target_id: str, *, send: Send) -> None:
    """Send one message now, and say whether it was taken."""
    with plane.database.read() as db:
        row = readable(db, actor, AlertTarget, target_id, _("alert target"))
        require(db, actor, Right.HANDLE_ALERTS, row.vault_id)
    with speaking(row.lang):
        title, body = _("[Holdfast] test message"), _("Alerts of Holdfast arrive here.")
    if not send(Message(url=row.url, title=title, body=body, severity=Severity.INFO)):
        raise TargetUnreachable(name=row.name)


def list_suppressions(plane: Plane, actor: Actor) -> Sequence[SuppressionView]:
    with plane.database.read() as db:
        rows = alert_rows.suppressions(db)
        return [_rule(db, one) for one in rows if Right.READ in rights(db, actor, one.vault_id)]


def suppress(plane: Plane, actor: Actor, new: NewSuppression) -> SuppressionView:
    """From now on such alerts are noted but not sent."""
    if new.kind is not None and new.kind not in KINDS:
        raise AlertKindUnknown(kind=new.kind, known=", ".join(sorted(KINDS)))
    if new.kind is not None and KINDS[new.kind].is_security:
        raise SecurityCannotBeSilenced(kind=new.kind)
    now = plane.clock.now()
    with plane.database.write() as db:
        vault_id = _vault_id(db, new.vault)
        require(db, actor, Right.HANDLE_ALERTS, vault_id)
        same = {"kind": new.kind, "vault_id": vault_id, "machine_id": new.machine_id}
        before = made_before(plane, db, actor, table=AlertSuppression, same=same)
        if before is not None:
            return _known_rule(db, actor, before, now=now)
        row = AlertSuppression(
            **same,
            id=id_for(actor),
            reason=new.reason,
            made_by=actor.name,
            until=now + timedelta(hours=new.hours) if new.hours else None,
        )
        db.add(row)
        audit.note(db, plane, actor, act="alert-suppress", vault_id=vault_id, object=row.id)
        return _rule(db, row)


def _known_rule(
    db: Session, actor: Actor, row: AlertSuppression, *, now: datetime
) -> SuppressionView:
    """It does not say when it was made; one that is over silences nothing any more."""
    if row.until is not None and row.until <= now:
        raise IdempotencyKeyReused(key=actor.key)
    return _rule(db, row)


def end_suppression(plane: Plane, actor: Actor, rule_id: str) -> None:
    with plane.database.write() as db:
        row = db.get(AlertSuppression, rule_id)
        if row is None or Right.READ not in rights(db, actor, row.vault_id):
            raise NotThere(what=_("suppression"), name=rule_id)
        require(db, actor, Right.HANDLE_ALERTS, row.vault_id)
        db.delete(row)
        audit.note(db, plane, actor, act="alert-unsuppress", vault_id=row.vault_id, object=row.id)


def _vault_id(db: Session, wanted: str | None) -> str | None:
    return None if wanted is None else live_vault(db, wanted).id


def _new_target(new: NewTarget, vault_id: str | None) -> AlertTarget:
    read_zone(new.summary_zone)
    try:
        parse_time(new.summary_at)
    except ValueError as err:
        raise SummaryTimeWrong(time=new.summary_at) from err
    return AlertTarget(
        name=new.name,
        url=new.url,
        vault_id=vault_id,
        min_severity=Severity.named(new.min_severity).label,
        lang=new.lang,
        daily_summary=new.daily_summary,
        summary_at=new.summary_at,
        summary_zone=new.summary_zone,
        weekly_on=new.weekly_on,
    )


def _alert(row: Alert) -> AlertView:
    return AlertView(
        id=row.id,
        kind=row.kind,
        severity=row.severity,
        sentence=sentence_of(row),
        remedy=remedy_of(row),
        vault_id=row.vault_id,
        machine_id=row.machine_id,
        fields=row.fields,
        first_at=row.first_at,
        last_at=row.last_at,
        count=row.count,
        closed_at=row.closed_at,
        sent_at=row.sent_at,
        is_silenced=row.suppressed_by is not None,
    )


def _target(row: AlertTarget) -> TargetView:
    return TargetView(
        id=row.id,
        name=row.name,
        scheme=row.url.partition(":")[0],
        vault_id=row.vault_id,
        min_severity=row.min_severity,
        lang=row.lang,
        daily_summary=row.daily_summary,
        summary_at=row.summary_at,
        summary_zone=row.summary_zone,
        weekly_on=row.weekly_on,
    )


def _rule(db: Session, row: AlertSuppression) -> SuppressionView:
    machine = db.get(Machine, row.machine_id) if row.machine_id else None
    return SuppressionView(
        id=row.id,
        kind=row.kind,
        vault_id=row.vault_id,
        machine_id=row.machine_id,
        machine=machine.name if machine else None,
        reason=row.reason,
        made_by=row.made_by,
        until=row.until,
    )
