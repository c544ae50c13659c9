"""The moments that a schedule names: the next one, and the last one that has been.

Two kinds. An interval counts in real time: every four hours are four hours, whatever clocks are
set to. A calendar names times of local days; how a clock change treats them is in `local_time`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from holdfast.fleet.local_time import moment_of
from holdfast.vault.policy.calendar import Slot

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
# Clocks set across midnight move a local time to a neighbouring day, at most so far.
_MARGIN = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Every so often; with `begin` anew from that local time each day, up to `end` inclusive."""

    every: timedelta
    begin: time | None = None
    # At or before `begin`: on the next day. None: until the next day's begin.
    end: time | None = None

    def first_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        if self.begin is None:
            return _EPOCH + ((moment - _EPOCH) // self.every + 1) * self.every
        day = moment.astimezone(zone).date() - _MARGIN
        while True:
            begin, end = self._stretch(day, self.begin, zone)
            found = begin + max(0, (moment - begin) // self.every + 1) * self.every
            if found <= end:
                return found
            day += _DAY

    def last_until(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The last one up to this moment, inclusive."""
        if self.begin is None:
            return _EPOCH + (moment - _EPOCH) // self.every * self.every
        day = moment.astimezone(zone).date() + _MARGIN
        while True:
            begin, end = self._stretch(day, self.begin, zone)
            if begin <= moment:
                return begin + (min(moment, end) - begin) // self.every * self.every
            day -= _DAY

    def _stretch(self, day: date, first: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
        begin = moment_of(day, first, zone)
        if self.end is None:
            # The next day's first run is its own.
            return begin, max(begin, moment_of(day + _DAY, first, zone) - timedelta(seconds=1))
        return begin, moment_of(day if self.end > first else day + _DAY, self.end, zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """At these local times of these days; no days are all days. Times are sorted."""

    times: tuple[time, ...]
    days: tuple[Slot, ...] = ()

    def first_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        start = moment.astimezone(zone).date() - _MARGIN
        return next(found for found in self._forward(start, zone) if found > moment)

    def last_until(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The last one up to this moment, inclusive."""
        start = moment.astimezone(zone).date() + _MARGIN
        return next(found for found in self._backward(start, zone) if found <= moment)

    def _forward(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        while True:
            day = min((_from(slot, day) for slot in self.days), default=day)
            yield from (moment_of(day, at, zone) for at in self.times)
            day += _DAY

    def _backward(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        while True:
            day = max((slot.begin(day) for slot in self.days), default=day)
            yield from (moment_of(day, at, zone) for at in reversed(self.times))
            day -= _DAY


Schedule = Interval | Calendar


def _from(slot: Slot, day: date) -> date:
    begin = slot.begin(day)
    return begin if begin == day else slot.after(begin, 1)
