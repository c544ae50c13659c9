"""Schedules as people type them.

    every 15m                      in real time, counted from midnight UTC of 1970
    every 4h from 08:00            each day anew from 08:00, until the next day's 08:00
    every 4h from 08:00 to 20:00   and the last one at 20:00 or before
    daily 02:00
    daily 06:00,18:00
    weekdays 21:30                 mon to fri; weekends are sat and sun
    mon,fri 22:00                  or mon-fri
    monthly 1st 03:00              or "1st,15th", or "last" for the last day
    monthly last sat 03:00         or first, second, third, fourth; "1st sat" is the same
    yearly mar last sat 03:00      or "mar,sep 1st"

A day that a month lacks is its last one.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import time, timedelta

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_
from holdfast.base.units import parse_duration
from holdfast.fleet.occurrences import Calendar, Interval, Schedule
from holdfast.vault.policy.calendar import MONTHS, ORDINALS, WEEKDAYS, Slot

_ALL_DAYS, _WORK_DAYS, _FREE_DAYS = frozenset(range(7)), frozenset(range(5)), frozenset((5, 6))
_DAY_SETS = {"daily": _ALL_DAYS, "weekdays": _WORK_DAYS, "weekends": _FREE_DAYS}
_NUMBERED = {"1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth"}
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")
_LAST_DAY = 31
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=31)
_ONE_DAY = timedelta(days=1)


class ScheduleNotUnderstood(HoldfastError):
    code = "schedule-not-understood"
    sentence = N_("'{text}' is no schedule: {reason}")
    remedy = N_(
        "Write it as in 'daily 02:00', 'mon,fri 22:00', 'every 4h from 08:00 to 20:00', "
        "'monthly last sat 03:00' or 'yearly mar 1st 03:00'."
    )
    exit_status = Exit.USAGE


def parse_schedule(text: str) -> Schedule:
    try:
        return _parsed(text.lower().split())
    except (ValueError, OverflowError) as err:
        raise ScheduleNotUnderstood(text=text, reason=err) from err


def format_schedule(schedule: Schedule) -> str:
    """The one way to write it: parsing it again gives the same."""
    match schedule:
        case Interval():
            begin = f" from {schedule.begin:%H:%M}" if schedule.begin is not None else ""
            end = f" to {schedule.end:%H:%M}" if schedule.end is not None else ""
            return f"every {format_span(schedule.every)}{begin}{end}"
        case Calendar():
            times = ",".join(f"{at:%H:%M}" for at in schedule.times)
            return f"{_days_text(schedule.days)} {times}"


def _parsed(words: Sequence[str]) -> Schedule:
    match words:
        case ["every", span]:
            return Interval(every=_span(span))
        case ["every", span, "from", begin]:
            return _from_to(span, begin, None)
        case ["every", span, "from", begin, "to", end]:
            return _from_to(span, begin, end)
        case ["monthly", *day, times]:
            return Calendar(days=_ordered(_month_days(day, None)), times=_times(times))
        case ["yearly", months, *day, times]:
            slots = [slot for month in _months(months) for slot in _month_days(day, month)]
            return Calendar(days=_ordered(iter(slots)), times=_times(times))
        case [days, times]:
            found = parse_weekdays(days)
            slots = [] if found == _ALL_DAYS else [Slot(weekday=day) for day in sorted(found)]
            return Calendar(days=tuple(slots), times=_times(times))
        case _:
            raise ValueError("it is none of the known forms")


def _from_to(span: str, begin: str, end: str | None) -> Interval:
    every, first = _span(span), parse_time(begin)
    last = parse_time(end) if end is not None else None
    if every > _ONE_DAY:
        raise ValueError(f"{span} is longer than the day it is counted anew in")
    if first == last:
        raise ValueError("leave out 'to' for the whole day")
    return Interval(every=every, begin=first, end=last)


def _span(text: str) -> timedelta:
    span = parse_duration(text)
    if not _SHORTEST <= span <= _LONGEST or span % _SHORTEST:
        raise ValueError(f"{text} is not between 1m and 31d, in whole minutes")
    return span


def format_span(span: timedelta) -> str:
    """As parse_duration reads it: 4h, 90s, 1h30m."""
    seconds = int(span.total_seconds())
    parts = (seconds // 3600, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def parse_time(text: str) -> time:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no time as in 02:00")
    return time(int(found[1]), int(found[2]))


def parse_weekdays(text: str) -> frozenset[int]:
    """Of "daily", "weekdays", "mon,fri", "mon-fri": 0 is Monday."""
    if text in _DAY_SETS:
        return _DAY_SETS[text]
    return frozenset(day for part in text.split(",") for day in _day_range(part))


def format_weekdays(days: frozenset[int]) -> str:
    for name, known in _DAY_SETS.items():
        if days == known:
            return name
    return ",".join(WEEKDAYS[day] for day in sorted(days))


def _day_range(text: str) -> Iterator[int]:
    first, dash, last = text.partition("-")
    begin = _weekday(first)
    end = _weekday(last) if dash else begin
    return ((begin + step) % 7 for step in range((end - begin) % 7 + 1))


def _weekday(text: str) -> int:
    return _place(text, WEEKDAYS, "weekday")


def _months(text: str) -> list[int]:
    return [1 + _place(month, MONTHS, "month") for month in text.split(",")]


def _place(text: str, names: Sequence[str], what: str) -> int:
    if text not in names:
        raise ValueError(f"{text!r} is no {what} as in {names[0]}")
    return names.index(text)


def _month_days(words: Sequence[str], month: int | None) -> Iterator[Slot]:
    match words:
        case ["last"] | ["last", "day"]:
            yield Slot(day=_LAST_DAY, month=month)
        case [days]:
            for day in days.split(","):
                yield Slot(day=_day_of_month(day), month=month)
        case [ordinal, days]:
            name = _NUMBERED.get(ordinal, ordinal)
            if name not in ORDINALS:
                raise ValueError(f"{ordinal!r} is none of {', '.join(ORDINALS)}")
            for day in days.split(","):
                yield Slot(weekday=_weekday(day), ordinal=ORDINALS[name], month=month)
        case _:
            raise ValueError("a day of the month is written as 1st, last or last sat")


def _day_of_month(text: str) -> int:
    found = _DAY.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= _LAST_DAY:
        raise ValueError(f"{text!r} is no day of the month as in 1st")
    return int(found[1])


def _times(text: str) -> tuple[time, ...]:
    return tuple(sorted({parse_time(part) for part in text.split(",")}))


def _ordered(slots: Iterator[Slot]) -> tuple[Slot, ...]:
    return tuple(sorted(set(slots), key=lambda s: (s.month or 0, s.day or 0, s.weekday or 0)))


def _days_text(slots: Sequence[Slot]) -> str:
    if all(slot.day is None and slot.ordinal is None for slot in slots):
        return format_weekdays(
            frozenset(s.weekday for s in slots if s.weekday is not None) or _ALL_DAYS
        )
    months = [MONTHS[month - 1] for month in dict.fromkeys(s.month for s in slots) if month]
    # Every month has the same days: one month's are enough to say.
    days = _month_days_text([slot for slot in slots if slot.month == slots[0].month])
    return f"yearly {','.join(months)} {days}" if months else f"monthly {days}"


def _month_days_text(slots: Sequence[Slot]) -> str:
    if slots[0].day is not None:
        days = [slot.day or 1 for slot in slots]
        return "last" if days == [_LAST_DAY] else ",".join(map(_nth, days))
    names = {place: name for name, place in ORDINALS.items()}
    weekdays = ",".join(WEEKDAYS[slot.weekday] for slot in slots if slot.weekday is not None)
    return f"{names[slots[0].ordinal or 0]} {weekdays}"


def _nth(day: int) -> str:
    teens = range(11, 14)
    return f"{day}{'th' if day in teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
