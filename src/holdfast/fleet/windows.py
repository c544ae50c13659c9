"""Parts of the week, in local time: when not to run, when to prune, and how fast to send.

weekdays 08:00-18:00
sat,sun 00:00-24:00
daily 22:00-06:00         to the next morning; the day is that of the beginning
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_
from holdfast.fleet.local_time import moment_of
from holdfast.fleet.schedule_text import format_weekdays, parse_time, parse_weekdays

_DAY = timedelta(days=1)
_MIDNIGHT = time()
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
# A window begun two days ago can still be open, with clocks set across midnight; within
# eight days every window begins once more.
_BEFORE, _AHEAD = -2, 9
# Windows that leave no gap would be joined for ever.
_MOST_JOINED = 100


class WindowNotUnderstood(HoldfastError):
    code = "window-not-understood"
    sentence = N_("'{text}' is no part of the week: {reason}")
    remedy = N_("Write it as in 'weekdays 08:00-18:00', 'sat,sun 00:00-24:00'.")
    exit_status = Exit.USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From `begin` to before `end` on these days; an end at or before the begin is the next day's."""

    days: frozenset[int]
    begin: time
    end: time

    def __str__(self) -> str:
        end = "24:00" if self.end == _MIDNIGHT else f"{self.end:%H:%M}"
        return f"{format_weekdays(self.days)} {self.begin:%H:%M}-{end}"

    def on(self, day: date, zone: ZoneInfo) -> "Stretch | None":
        """The window that begins on this day."""
        if day.weekday() not in self.days:
            return None
        last = day if self.end > self.begin else day + _DAY
        begin, end = moment_of(day, self.begin, zone), moment_of(last, self.end, zone)
        # A clock change can leave nothing of it.
        return Stretch(begin=begin, end=end) if begin < end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From `begin` to before `end`, in UTC."""

    begin: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.begin <= moment < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """In this window so many bytes a second; 0 is a pause, None no limit."""

    window: Window
    rate: int | None


def parse_window(text: str) -> Window:
    try:
        days, times = text.lower().split()
        begin, _dash, end = times.partition("-")
        last = _MIDNIGHT if end == "24:00" else parse_time(end)
        return Window(days=parse_weekdays(days), begin=parse_time(begin), end=last)
    except ValueError as err:
        raise WindowNotUnderstood(text=text, reason=err) from err


def covers_week(windows: Iterable[Window]) -> bool:
    """Whether no minute of a usual week is left."""
    reached = 0
    for begin, end in sorted(_minutes(windows)):
        if begin > reached:
            return False
        reached = max(reached, end)
    return reached >= _WEEK_MINUTES


def _minutes(windows: Iterable[Window]) -> Iterator[tuple[int, int]]:
    for window in windows:
        first = window.begin.hour * 60 + window.begin.minute
        length = (window.end.hour * 60 + window.end.minute - first) % _DAY_MINUTES or _DAY_MINUTES
        for day in window.days:
            begin = day * _DAY_MINUTES + first
            yield begin, min(begin + length, _WEEK_MINUTES)
            if begin + length > _WEEK_MINUTES:
                yield 0, begin + length - _WEEK_MINUTES


def stretch_around(windows: Sequence[Window], moment: datetime, zone: ZoneInfo) -> Stretch | None:
    """The unbroken time inside windows that holds the moment, however many they are."""
    found = _containing(windows, moment, zone)
    if found is None:
        return None
    begin, end = found.begin, found.end
    for _step in range(_MOST_JOINED):
        later = _containing(windows, end, zone)
        former = _containing(windows, begin - timedelta.resolution, zone)
        if later is None and former is None:
            break
        begin, end = former.begin if former else begin, later.end if later else end
    return Stretch(begin=begin, end=end)


def next_begin(windows: Sequence[Window], moment: datetime, zone: ZoneInfo) -> datetime | None:
    """When the next window begins after the moment."""
    begins = [s.begin for s in _near(windows, moment, zone) if s.begin > moment]
    return min(begins, default=None)


def rate_at(
    rates: Sequence[Rate], default: int | None, *, now: datetime, zone: ZoneInfo
) -> tuple[int | None, datetime | None]:
    """The bytes a second that hold now (0: pause, None: no limit), and until when at least.

    Where windows overlap, the first one named counts.
    """
    windows = [rate.window for rate in rates]
    edges = [edge for s in _near(windows, now, zone) for edge in (s.begin, s.end) if edge > now]
    until = min(edges, default=None)
    for rate in rates:
        if _containing([rate.window], now, zone) is not None:
            return rate.rate, until
    return default, until


def _containing(windows: Sequence[Window], moment: datetime, zone: ZoneInfo) -> Stretch | None:
    inside = [s for s in _near(windows, moment, zone, ahead=2) if moment in s]
    return max(inside, key=lambda stretch: stretch.end, default=None)


def _near(
    windows: Sequence[Window], moment: datetime, zone: ZoneInfo, *, ahead: int = _AHEAD
) -> Iterator[Stretch]:
    today = moment.astimezone(zone).date()
    for step in range(_BEFORE, ahead):
        for window in windows:
            stretch = window.on(today + step * _DAY, zone)
            if stretch is not None:
                yield stretch
