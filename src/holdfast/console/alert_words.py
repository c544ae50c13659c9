"""Alerts in words: how bad, what kind, and when those are told who asked to be."""

from collections.abc import Mapping

from holdfast.app.control.alert_rules import AlertView, TargetView
from holdfast.app.control.alert_texts import label_of
from holdfast.base.texts import _
from holdfast.console.shown import Tone
from holdfast.console.weekdays import weekdays
from holdfast.fleet.alerts import Severity

_TONES: Mapping[str, Tone] = {
    "critical": "bad",
    "error": "bad",
    "warning": "warn",
    "info": "idle",
}


def severity_text(severity: str) -> str:
    return label_of(Severity.named(severity))


def severity_tone(severity: str) -> Tone:
    return _TONES.get(severity, "idle")


def standing(alert: AlertView) -> str:
    if alert.closed_at is not None:
        return _("closed")
    return _("open, silenced") if alert.is_silenced else _("open")


def severities() -> dict[str, str]:
    return {one.label: label_of(one) for one in Severity}


def daily_text(target: TargetView) -> str:
    return _hour(target) if target.daily_summary else _("no")


def weekly_text(target: TargetView) -> str:
    if target.weekly_on is None:
        return _("no")
    return f"{weekdays()[target.weekly_on]} {_hour(target)}"


def _hour(target: TargetView) -> str:
    return f"{target.summary_at} {target.summary_zone}"
