"""Settings of a replication as a form has them, and as orders name them; pure."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from holdfast.base.texts import N_
from holdfast.fleet.schedule_text import format_span
from holdfast.replication.settings import Limit, ReplicationSettings
from holdfast.replication.threshold_reading import threshold_lines

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "every": N_("A new point each"),
        "points": N_("Keep points for hours"),
        "app_every": N_("Application-consistent each"),
        "limits": N_("Send no faster than"),
        "priority": N_("Priority"),
        "group": N_("Group"),
        "resync_window": N_("Window for comparing all of it"),
        "thresholds": N_("Thresholds"),
    }
)
NEVER = "0"
_NUMBERS = ((10**9, "gbit"), (10**6, "mbit"), (10**3, "kbit"))


def fields_of(settings: ReplicationSettings) -> dict[str, Any]:
    """In the words of `holdfast replication enable`."""
    app = settings.app_every
    return {
        "every": _time(settings.every),
        "points": settings.points.hours,
        "app_every": _time(app) if app else NEVER,
        "limits": [limit_text(one) for one in settings.limits],
        "priority": settings.priority,
        "group": settings.group,
        "resync_window": settings.resync_window,
        "thresholds": threshold_lines(settings),
    }


def with_defaults(now: list[str], new: list[str]) -> list[str]:
    """Thresholds to order: a line that was taken away means that its usual value holds again."""
    usual = threshold_lines(None)
    named = {_name(line) for line in new}
    gone = {_name(line) for line in now} - named
    return [
        *(line for line in new if line not in now),
        *(line for line in usual if _name(line) in gone),
    ]


def limit_text(limit: Limit) -> str:
    """As it is read again: 20mbit@weekdays 08:00-18:00."""
    bits = limit.bytes_per_second * 8
    rate = str(limit.bytes_per_second)
    for size, unit in _NUMBERS:
        if bits and bits % size == 0:
            rate = f"{bits // size}{unit}"
            break
    return f"{rate}@{limit.window}" if limit.window else rate


def _time(seconds: int) -> str:
    return format_span(timedelta(seconds=seconds))


def _name(line: str) -> str:
    return line.partition("=")[0].strip()
