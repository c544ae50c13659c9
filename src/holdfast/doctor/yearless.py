"""Give records of logs without years their year, once everything is read.

Such a layout says UNKNOWN_YEAR. The time of the diagnosis decides when it is known; else the
longest silence in the year is taken for the time between the last record and the first.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from holdfast.doctor.facts import LogSeen, Record

# A leap year before all clocks; `datetime(UNKNOWN_YEAR, 2, 29)` exists.
UNKNOWN_YEAR = 4
SLACK = timedelta(days=2)
Dated = Callable[[datetime | None], datetime | None]


def calendar(times: Iterable[datetime | None], *, now: datetime | None) -> Dated:
    """A function that puts times without a year into the right one and leaves others alone."""
    known = [time for time in times if time is not None]
    bare = sorted({time for time in known if time.year == UNKNOWN_YEAR})
    real = max((time for time in known if time.year != UNKNOWN_YEAR), default=None)
    end = now.replace(tzinfo=None) if now else None
    latest = bare[_longest_silence(bare)] if bare else None

    def dated(time: datetime | None) -> datetime | None:
        if time is None or time.year != UNKNOWN_YEAR or latest is None:
            return time
        if end is not None:
            return _in_year(time, end.year - (_in_year(time, end.year) > end + SLACK))
        base = (real or datetime(2000, 1, 1)).year  # noqa: DTZ001  logs seldom name their zone
        return _in_year(time, base - (time > latest))

    return dated


def _longest_silence(bare: list[datetime]) -> int:
    """The index of the time after which the log is silent longest, round the year."""
    turn = timedelta(days=366)
    gaps = [later - time for time, later in zip(bare, [*bare[1:], bare[0] + turn], strict=True)]
    return gaps.index(max(gaps))


def _in_year(time: datetime, year: int) -> datetime:
    try:
        return time.replace(year=year)
    except ValueError:  # the 29th of February
        return time.replace(year=year, day=28)


def redated(records: Iterable[Record], dated: Dated) -> list[Record]:
    return [replace(record, when=dated(record.when)) for record in records]


def relogged(logs: Iterable[LogSeen], dated: Dated) -> list[LogSeen]:
    return [replace(log, begins=dated(log.begins), ends=dated(log.ends)) for log in logs]
