"""Alerts and the daily summary as people read them, in the language of whom they go to."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from holdfast.base.texts import N_, _, ngettext
from holdfast.catalog.tables import Alert
from holdfast.fleet.alerts import KINDS, Severity
from holdfast.replication import health_texts
from holdfast.replication.status import Health, Reason

if TYPE_CHECKING:
    from holdfast.app.control.alert_summaries import Day

_GOOD = ("done", "warnings")
_FIGURE = "figure-"
# Why an alert was closed although nothing was mended.
_LEFT = {
    "revoked": N_("Closed, as the machine was revoked."),
    "unregistered": N_("Closed, as the machine was unregistered."),
    "deleted": N_("Closed, as the machine was deleted."),
}


def sentence_of(alert: Alert) -> str:
    """What happened, in one sentence."""
    fields = {**alert.fields, **_spoken(alert)}
    said = _(KINDS[alert.kind].sentence).format_map(_Lenient(fields))
    left = _LEFT.get(alert.fields.get("closed", ""))
    return f"{said} {_(left)}" if left else said


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


def title_of(alert: Alert) -> str:
    return f"[Holdfast] {label_of(Severity.named(alert.severity))}: {sentence_of(alert)}"


def remedy_of(alert: Alert) -> str:
    """What to do about it, as far as whoever raised it knew."""
    return str({**alert.fields, **_spoken(alert)}.get("remedy", ""))


def body_of(alert: Alert) -> str:
    lines = [sentence_of(alert)]
    if remedy := remedy_of(alert):
        lines.append(remedy)
    if alert.count > 1:
        seen = ngettext("Seen {count} time.", "Seen {count} times.", alert.count)
        lines.append(seen.format(count=alert.count))
    lines.append(_("Alert {id}, kind {kind}.").format(id=alert.id, kind=alert.kind))
    return "\n".join(lines)


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
    failed = sum(states.get("failed", 0) for states in day.jobs.values())
    return text.format(date=day.date, done=done, failed=failed, open=len(day.open))


def summary_body(day: "Day") -> str:
    parts = [*_jobs(day.jobs), "", *_open(day.open), "", *_without(day.without)]
    return "\n".join(parts).strip()


def _jobs(jobs: Mapping[str, Mapping[str, int]]) -> list[str]:
    lines = [_("Jobs of the last 24 hours:")]
    for vault, states in sorted(jobs.items()):
        counted = ", ".join(f"{state} {count}" for state, count in sorted(states.items()))
        lines.append(f"  {vault}: {counted}")
    return lines if jobs else [_("No job ended in the last 24 hours.")]


def _open(alerts: Sequence[Alert]) -> list[str]:
    if not alerts:
        return [_("No alert is open.")]
    return [_("Open alerts:"), *(f"  {sentence_of(alert)}" for alert in alerts)]


def _without(machines: Sequence[str]) -> list[str]:
    if not machines:
        return []
    return [_("Without a good backup for too long:"), *(f"  {name}" for name in machines)]


class _Lenient(dict[str, object]):
    """An alert of an older version may lack a field a newer sentence names."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"
