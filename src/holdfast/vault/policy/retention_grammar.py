"""Retention as people type it.

    --keep-last 3
    --keep-hourly 24                      COUNT: how many hours, days, … that hold a point
    --keep-daily 7
    --keep-weekly "4 on sat"              the point of each Saturday, for four of them
    --keep-weekly "4 on sat,wed"          and that of each Wednesday
    --keep-monthly "12 on last sat"       or "12 on day 15", "12 on first day", "12 on last day"
    --keep-yearly "10 on last sat of march"   or "10 on day 31 of dec,jun"
    --keep-within 14d                     everything up to 14 days older than the newest point
    --keep-within-daily 1y6m              one a day for a year and a half
    --keep-tag audit,2025                 whatever bears both tags

COUNT is a number from 1 up, or "all". Days and months go by their first three letters or in full.
A missed day is taken over by the next point; see retention_rules.
"""

import re
from collections.abc import Iterator

from holdfast.vault.policy.calendar import MONTHS, ORDINALS, WEEKDAYS, Slot, Span
from holdfast.vault.policy.retention_rules import Every, Tagged, Unit, Within
from holdfast.vault.upkeep_errors import RuleNotUnderstood

_UNLIMITED = ("all", "unlimited", "-1")
_WEEKDAYS_IN_FULL = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
_MONTHS_IN_FULL = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NUMBERED = {"1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth"}
_LAST_DAY = 31
_SPAN = re.compile(r"(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?")


def parse_every(unit: Unit, text: str) -> list[Every]:
    """The rules of `--keep-<unit> text`; several days make several rules."""
    count_text, on, slot_text = text.strip().lower().partition(" on ")
    count = _count(text, count_text.strip())
    if not on:
        return [Every(unit=unit, count=count)]
    words = slot_text.split()
    try:
        slots = list(_slots(unit, words))
    except (LookupError, ValueError) as err:
        raise RuleNotUnderstood(rule=text, reason=f"{slot_text!r} names no such day") from err
    return [Every(unit=unit, count=count, slot=slot) for slot in slots]


def parse_within(text: str, unit: Unit | None = None) -> Within:
    found = _SPAN.fullmatch(text.replace(" ", "").lower())
    if found is None or not any(found.groups()):
        raise RuleNotUnderstood(rule=text, reason="a duration is written like 1y6m10d12h")
    years, months, weeks, days, hours = (int(number or 0) for number in found.groups())
    span = Span(years=years, months=months, days=7 * weeks + days, hours=hours)
    return Within(span=span, unit=unit)


def parse_tagged(text: str) -> Tagged:
    return Tagged(tags=frozenset(tag.strip() for tag in text.split(",") if tag.strip()))


def _count(rule: str, text: str) -> int | None:
    if text in _UNLIMITED:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise RuleNotUnderstood(rule=rule, reason=f"{text!r} is neither a number nor all")
    return int(text)


def _slots(unit: Unit, words: list[str]) -> Iterator[Slot]:
    match unit, words:
        case Unit.WEEKLY, [days]:
            for day in days.split(","):
                yield Slot(weekday=_place(day, WEEKDAYS, _WEEKDAYS_IN_FULL))
        case Unit.MONTHLY, [*day]:
            yield from _days_of_month(day, None)
        case Unit.YEARLY, [*day, "of", months]:
            for month in months.split(","):
                yield from _days_of_month(day, 1 + _place(month, MONTHS, _MONTHS_IN_FULL))
        case _:
            raise ValueError(words)


def _days_of_month(words: list[str], month: int | None) -> Iterator[Slot]:
    match words:
        case ["first", "day"]:
            yield Slot(day=1, month=month)
        case ["last", "day"]:
            yield Slot(day=_LAST_DAY, month=month)
        case ["day", days]:
            for day in days.split(","):
                yield Slot(day=_day(day), month=month)
        case [ordinal, days]:
            for day in days.split(","):
                weekday = _place(day, WEEKDAYS, _WEEKDAYS_IN_FULL)
                place = ORDINALS[_NUMBERED.get(ordinal, ordinal)]
                yield Slot(weekday=weekday, ordinal=place, month=month)
        case _:
            raise ValueError(words)


def _day(text: str) -> int:
    day = int(text)
    if not 1 <= day <= _LAST_DAY:
        raise ValueError(text)
    return day


def _place(word: str, short: tuple[str, ...], in_full: tuple[str, ...]) -> int:
    return (short if word in short else in_full).index(word)
