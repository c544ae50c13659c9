"""The doctor's own words: severities, risks, states, and sentences with Korean particles."""

import re
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
# Units as the catalogue writes them; a version has none.
UNITS = {
    "s": N_("{count} seconds"),
    "seconds": N_("{count} seconds"),
    "min": N_("{count} minutes"),
    "minutes": N_("{count} minutes"),
    "h": N_("{count} hours"),
    "hours": N_("{count} hours"),
    "days": N_("{count} days"),
    "percent": "{count} %",
    "bytes": N_("{count} bytes"),
    "files": N_("{count} files"),
    "failures": N_("{count} failures"),
    "servers": N_("{count} servers"),
    "threads": N_("{count} threads"),
    "version": "{count}",
    "major version": "{count}",
    "release": "{count}",
    "release number": "{count}",
}
_TAG = re.compile(r"\b(?:\d{3}:L[\d-]+|[ABKHW]\d+)\b")


def fill(template: str, **values: object) -> str:
    """A translated sentence with its values; in Korean with the particles that fit them."""
    filled = template.format(**values)
    return with_particles(filled) if language() == "ko" else filled


def severity(word: str) -> str:
    return _(SEVERITIES[word])


def risk(word: str) -> str:
    return _(RISKS[word])


def quantity(value: float | str, unit: str) -> str:
    """A limit with its unit."""
    if unit == "ratio" and not isinstance(value, str):
        return f"{value:.4g}" if value > 1 else f"{value * 100:.4g} %"
    count = f"{value:,g}" if isinstance(value, float) else str(value)
    return fill(_(UNITS[unit]), count=count) if unit in UNITS else f"{count} {unit}"


def source(text: str) -> str:
    """Where a limit is from; in other languages than English by its references alone."""
    if text.startswith("own choice"):
        return _("own choice") if language() != "en" else text
    tags = _TAG.findall(text)
    return text if language() == "en" or not tags else ", ".join(tags)


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
