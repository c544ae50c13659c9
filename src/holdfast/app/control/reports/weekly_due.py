"""When a place should have its weekly summary."""

from datetime import date, datetime

from holdfast.catalog.tables import AlertTarget
from holdfast.fleet.local_time import moment_of, read_zone
from holdfast.fleet.schedule_text import parse_time

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def due_week(target: AlertTarget, now: datetime) -> str | None:
    """The day whose summary this place should have and has not."""
    if target.weekly_on is None:
        return None
    zone = read_zone(target.summary_zone)
    today = now.astimezone(zone).date()
    day = date.fromordinal(today.toordinal() - _days_since(today, target.weekly_on))
    at = moment_of(day, parse_time(target.summary_at), zone)
    if at > now:
        day = date.fromordinal(day.toordinal() - len(WEEKDAYS))
    told = target.week_told_on
    return day.isoformat() if told is None or told < day.isoformat() else None


def _days_since(today: date, weekday: str) -> int:
    return (today.weekday() - WEEKDAYS.index(weekday)) % len(WEEKDAYS)
