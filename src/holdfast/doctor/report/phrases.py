"""The doctor's own words: severities, risks, states, and sentences with Korean particles."""

from datetime import date, datetime, timedelta

from holdfast.base.korean import with_particles
from holdfast.base.texts import N_, _, language, ngettext
from holdfast.doctor.report.document import Scalar

SEVERITIES = {
    "critical": N_("critical"),
    "error": N_("error"),
    "warning": N_("warning"),
    "info": N_("information"),
}
RISKS = {
    "safe": N_("safe"),
    "disruptive": N_("interrupts something"),
    "destructive": N_("destroys something"),
}


def fill(template: str, **values: object) -> str:
    """A translated sentence with its values; in Korean with the particles that fit them."""
    filled = template.format(**values)
    return with_particles(filled) if language() == "ko" else filled


def severity(word: str) -> str:
    return _(SEVERITIES[word])


def risk(word: str) -> str:
    return _(RISKS[word])


def scalar(value: object) -> Scalar:
    """A verdict's value as programs get it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def causes(count: int) -> str:
    return fill(ngettext("{count} cause", "{count} causes", count), count=count)
