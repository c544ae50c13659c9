"""The day as a whole, for whoever wants it, once a day at a time of their own clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from holdfast.app.control.alert_sending import Message, Send, go_on_sending, send_due
from holdfast.app.control.alert_texts import summary_body, summary_title
from holdfast.app.control.plane import Plane
from holdfast.base.texts import speaking
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog.tables import Alert, AlertTarget, Vault
from holdfast.fleet.alerts import Severity
from holdfast.fleet.local_time import moment_of, read_zone
from holdfast.fleet.schedule_text import parse_time

_DAY = timedelta(days=1)
_MOST_ALERTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The last 24 hours."""

    date: date
    jobs: Mapping[str, Mapping[str, int]]
    # The gravest of those that are open, and how many there are.
    open: Sequence[Alert]
    open_count: int
    without: Sequence[str]


def send_summaries(plane: Plane, send: Send) -> int:
    """How many took theirs."""
    return send_due(plane, due_day, lambda target_id: _send(plane, target_id, send))


def due_day(target: AlertTarget, now: datetime) -> str | None:
    """The day whose summary this place should have and has not."""
    zone = read_zone(target.summary_zone)
    today = now.astimezone(zone).date()
    is_time = moment_of(today, parse_time(target.summary_at), zone) <= now
    is_told = target.summarized_on == today.isoformat()
    return today.isoformat() if target.daily_summary and is_time and not is_told else None


def day_of(plane: Plane, today: date, *, vault_id: str | None = None) -> Day:
    """Of one vault, or of all."""
    now, jobs = plane.clock.now(), dict[str, dict[str, int]]()
    with plane.database.read() as db:
        for (vault, state), count in alert_rows.job_counts(db, since=now - _DAY).items():
            if vault_id in (None, vault):
                row = db.get(Vault, vault) if vault else None
                states = jobs.setdefault(row.name if row else "-", {})
                states[state] = states.get(state, 0) + count
        late = alert_rows.without_backup(db, now)
        among = frozenset({vault_id}) if vault_id else None
        is_open = alert_rows.Filter(is_open=True)
        opened = alert_rows.gravest(db, is_open, vaults=among, limit=_MOST_ALERTS)
        count = alert_rows.count(db, is_open, vaults=among)
    names = [machine.name for machine, _last in late if vault_id in (None, machine.vault_id)]
    return Day(date=today, jobs=jobs, open=opened, open_count=count, without=names)


def _send(plane: Plane, target_id: str, send: Send) -> bool:
    with plane.database.read() as db:
        target = db.get(AlertTarget, target_id)
    day = due_day(target, plane.clock.now()) if target else None
    if target is None or day is None:
        return False
    go_on_sending(plane)
    told = day_of(plane, date.fromisoformat(day), vault_id=target.vault_id)
    with speaking(target.lang):
        title, body = summary_title(told), summary_body(told, read_zone(target.summary_zone))
    if not send(Message(url=target.url, title=title, body=body, severity=Severity.INFO)):
        return False
    with plane.database.write() as db:
        row = db.get(AlertTarget, target_id)
        if row is not None:
            row.summarized_on = day
    return True
