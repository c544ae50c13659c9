"""Alerts and the daily summary as people read them, in the language of whom they go to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from holdfast.base.texts import N_, _, ngettext
from holdfast.catalog.tables import Alert
from holdfast.fleet.alerts import KINDS, Severity
from holdfast.fleet.local_time import in_utc
from holdfast.replication import health_texts
from holdfast.replication.status import Health, Reason

if TYPE_CHECKING:
    from holdfast.app.control.alert_summaries import Day

_GOOD, _BAD = ("done", "warnings"), ("failed", "lost")
# How jobs end, in the order in which they are told.
_STATES = {
    "done": N_("done"),
    "warnings": N_("with warnings"),
    "failed": N_("failed"),
    "lost": N_("lost sight of"),
    "cancelled": N_("cancelled"),
    "skipped": N_("left out"),
}
_FIGURE = "figure-"
# Fields that are moments; they are kept as texts.
_MOMENTS = ("since", "until")
# Why an alert was closed although nothing was mended.
_LEFT = {
    "revoked": N_("Closed, as the machine was revoked."),
    "unregistered": N_("Closed, as the machine was unregistered."),
    "deleted": N_("Closed, as the machine was deleted."),
}


def sentence_of(alert: Alert, zone: tzinfo = UTC) -> str:
    """What happened, in one sentence; moments as clocks of the zone show them."""
    moments = {name: _moment(alert.fields[name], zone) for name in _MOMENTS if name in alert.fields}
    fields = {**alert.fields, **_about(alert), **moments, **_spoken(alert)}
    said = _(KINDS[alert.kind].sentence).format_map(_Lenient(fields))
    left = _LEFT.get(alert.fields.get("closed", ""))
    return f"{said} {_(left)}" if left else said


def _about(alert: Alert) -> dict[str, str]:
    """What a job was about in words; its source tells it from others, and may be an id."""
    return {"source": alert.fields["about"]} if "about" in alert.fields else {}


def minute_text(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def _moment(text: str, zone: tzinfo) -> str:
    """What is no moment stays as it is: not all machines were ever heard of."""
    try:
        return minute_text(in_utc(datetime.fromisoformat(text)), zone)
    except (ValueError, OverflowError):
        return text


def _spoken(alert: Alert) -> dict[str, str]:
    """The reason and the remedy of a replication's alert, which are kept as a code."""
    code = alert.fields.get("code")
    if code is None or not alert.kind.startswith("replication-"):
        return {}
    figures = {
        name.removeprefix(_FIGURE): value
        for name, value in alert.fields.items()
        if name.startswith(_FIGURE)
    }
    reason = Reason(code=code, health=Health.WARNING, since=alert.first_at, figures=figures)
    vm, site = alert.fields.get("vms", "").partition(",")[0], alert.fields.get("site", "")
    remedy = health_texts.remedy(reason, vm=vm, site=site)
    return {"reason": health_texts.sentence(reason), "remedy": remedy}


def title_of(alert: Alert, zone: tzinfo = UTC) -> str:
    return headed(Severity.named(alert.severity), sentence_of(alert, zone))


def headed(severity: Severity, sentence: str) -> str:
    return f"[Holdfast] {label_of(severity)}: {sentence}"


def remedy_of(alert: Alert) -> str:
    """What to do about it, as far as whoever raised it knew."""
    return str({**alert.fields, **_spoken(alert)}.get("remedy", ""))


def body_of(alert: Alert, zone: tzinfo = UTC) -> str:
    lines = [sentence_of(alert, zone)]
    if remedy := remedy_of(alert):
        lines.append(remedy)
    if alert.count > 1:
        seen = ngettext("Seen {count} time.", "Seen {count} times.", alert.count)
        lines.append(seen.format(count=alert.count))
    lines.append(_("Alert {id}, kind {kind}.").format(id=alert.id, kind=alert.kind))
    return "\n".join(lines)


def counted_rest(count: int) -> list[str]:
    """The line below a list that does not have all."""
    if count <= 0:
        return []
    return ["  " + ngettext("and {count} more", "and {count} more", count).format(count=count)]


def label_of(severity: Severity) -> str:
    match severity:
        case Severity.CRITICAL:
            return _("critical")
        case Severity.ERROR:
            return _("error")
        case Severity.WARNING:
            return _("warning")
        case Severity.INFO:
            return _("information")


def summary_title(day: "Day") -> str:
    text = _("[Holdfast] {date}: {done} jobs done, {failed} failed, {open} alerts open")
    done = sum(states.get(state, 0) for states in day.jobs.values() for state in _GOOD)
    failed = sum(states.get(state, 0) for states in day.jobs.values() for state in _BAD)
    return text.format(date=day.date, done=done, failed=failed, open=day.open_count)


def summary_body(day: "Day", zone: tzinfo = UTC) -> str:
    rest = counted_rest(day.open_count - len(day.open))
    parts = [*_jobs(day.jobs), "", *_open(day.open, zone), *rest, "", *_without(day.without)]
    return "\n".join(parts).strip()


def _jobs(jobs: Mapping[str, Mapping[str, int]]) -> list[str]:
    lines = [_("Jobs of the last 24 hours:")]
    for vault, states in sorted(jobs.items()):
        told = (f"{_(text)} {states[state]}" for state, text in _STATES.items() if state in states)
        lines.append(f"  {vault}: {', '.join(told)}")
    return lines if jobs else [_("No job ended in the last 24 hours.")]


def _open(alerts: Sequence[Alert], zone: tzinfo) -> list[str]:
    if not alerts:
        return [_("No alert is open.")]
    return [_("Open alerts:"), *(f"  {sentence_of(alert, zone)}" for alert in alerts)]


def _without(machines: Sequence[str]) -> list[str]:
    if not machines:
        return []
    return [_("Without a good backup for too long:"), *(f"  {name}" for name in machines)]


class _Lenient(dict[str, object]):
    """An alert of an older version may lack a field a newer sentence names."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"
