"""Alerts in words: how bad, and what kind."""

from collections.abc import Mapping

from holdfast.app.control.alert_rules import AlertView
from holdfast.app.control.alert_texts import label_of
from holdfast.base.texts import _
from holdfast.console.shown import Tone
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
