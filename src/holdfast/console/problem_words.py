"""How grave a problem is, and what has shown that something comes back, in words."""

from collections.abc import Mapping

from holdfast.app.control.alert_texts import label_of
from holdfast.app.control.proofs import By
from holdfast.base.texts import N_, _
from holdfast.console.shown import Tone
from holdfast.fleet.alerts import Severity

_TONES: Mapping[Severity, Tone] = {
    Severity.CRITICAL: "bad",
    Severity.ERROR: "bad",
    Severity.WARNING: "warn",
    Severity.INFO: "busy",
}
_BY: Mapping[str, str] = {
    By.RESTORE: N_("restored"),
    By.RESTORE_PART: N_("restored in part"),
    By.DRILL: N_("started in a drill"),
    By.READ_CHECK: N_("read again and compared"),
}


def grave(severity: str) -> tuple[str, Tone]:
    found = Severity.named(severity)
    return label_of(found), _TONES[found]


def shown_by(by: str) -> str:
    return _(_BY[by])
