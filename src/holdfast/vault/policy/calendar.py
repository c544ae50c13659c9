"""Calendar arithmetic for retention: which day stands for a week, a month, a year.

All on dates and local wall time, so that the hours a clock change repeats or leaves out never
move a point to another day.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
_WEEK = 7
_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The day that stands for a period.

    A weekday alone is one of every week. With an ordinal, or a day of the month instead, it is one
    of every month, and with a month one of every year. A day the month lacks is its last one.
    """

    weekday: int | None = None
    ordinal: int | None = None
    day: int | None = None
    month: int | None = None

    def begin(self, day: date) -> date:
        """The last such day up to this one: the beginning of the period the day belongs to."""
        if self.weekday is not None and self.ordinal is None:
            return day - timedelta(days=(day.weekday() - self.weekday) % _WEEK)
        found = self._in(day.year, self.month or day.month)
        return found if found <= day else self.after(found, -1)

    def after(self, begin: date, periods: int) -> date:
        """The beginning of a later period, or of an earlier one."""
        if self.weekday is not None and self.ordinal is None:
            return begin + timedelta(days=_WEEK * periods)
        if self.month is not None:
            return self._in(begin.year + periods, self.month)
        return self._in(*_shifted(begin.year, begin.month, periods))

    def _in(self, year: int, month: int) -> date:
        first_weekday, days = monthrange(year, month)
        if self.weekday is None:
            return date(year, month, min(self.day or 1, days))
        first = 1 + (self.weekday - first_weekday) % _WEEK
        if self.ordinal == ORDINALS["last"]:
            return date(year, month, first + (days - first) // _WEEK * _WEEK)
        return date(year, month, first + _WEEK * (self.ordinal or 0))

    def __str__(self) -> str:
        words = [word for word, ordinal in ORDINALS.items() if ordinal == self.ordinal]
        words += [WEEKDAYS[self.weekday]] if self.weekday is not None else []
        words += [f"day {self.day}"] if self.day is not None else []
        words += ["of", MONTHS[self.month - 1]] if self.month is not None else []
        return " ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of calendar time, as people and restic write it: 1y6m10d12h."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0

    def before(self, moment: datetime) -> datetime:
        return self._moved(moment, -1)

    def after(self, moment: datetime) -> datetime:
        return self._moved(moment, 1)

    def _moved(self, moment: datetime, sign: int) -> datetime:
        year, month = _shifted(moment.year + sign * self.years, moment.month, sign * self.months)
        # Like Go: one month before the 31st of March is the 31st of February, which is in March.
        first = moment.replace(year=min(max(year, 1), 9998), month=month, day=1)
        day = first + timedelta(days=moment.day - 1 + sign * self.days)
        # Days are days of the calendar, hours are hours, also where a clock change lies between.
        return day.astimezone(UTC) + timedelta(hours=sign * self.hours)

    def __str__(self) -> str:
        parts = (self.years, "y"), (self.months, "m"), (self.days, "d"), (self.hours, "h")
        return "".join(f"{number}{unit}" for number, unit in parts if number)


def _shifted(year: int, month: int, months: int) -> tuple[int, int]:
    years, rest = divmod(month - 1 + months, _MONTHS)
    return year + years, rest + 1


def shifted_month(day: date, months: int) -> date:
    """The first of a later month."""
    return date(*_shifted(day.year, day.month, months), 1)
