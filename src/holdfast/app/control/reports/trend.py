"""Where a quantity that grows is going, and how far off that may be. Pure.

The model is a walk with a drift: each day adds its own amount, and those amounts differ. A straight
line through the totals would claim to know far more than it does, as each total carries on the
chances of all days before it; here the doubt grows with the time looked ahead, and with how much
one day differs from the next.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)
# Less than a whole week says nothing of weekends.
SHORTEST = timedelta(days=7)
LONGEST = timedelta(days=90)
HORIZON_DAYS = 730
# Four times in five it will be within; of so many days that normal and t nearly agree.
_NORMAL = 1.2816
_FOR_FEW = 0.66
_MOST_OF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    at: datetime
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """`size` at `at`, growing `per_day`; what a day adds deviates from that by `deviation`."""

    at: datetime
    size: float
    per_day: float
    deviation: float
    # What it was learnt from: this time, in so many steps.
    days: float
    steps: int

    def expected(self, days: float) -> float:
        return self.size + self.per_day * days

    def spread(self, days: float) -> float:
        """How far it may be off, four times in five: the days ahead, and the drift itself."""
        chance = days + days * days / self.days
        return self._width() * self.deviation * math.sqrt(chance)

    def per_day_off(self) -> float:
        """How far the growth of a day itself may be off."""
        return self._width() * self.deviation / math.sqrt(self.days)

    def _width(self) -> float:
        return _NORMAL * (1 + _FOR_FEW / max(1, self.steps - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """When a limit is reached; None: not within the time that is looked ahead."""

    expected: datetime | None
    earliest: datetime | None
    latest: datetime | None


def trend_of(levels: Sequence[Level]) -> Trend | None:
    """Of levels in their order of time; None: they say too little."""
    if not levels:
        return None
    known = daily([one for one in levels if one.at >= levels[-1].at - LONGEST])
    if len(known) < 2 or known[-1].at - known[0].at < SHORTEST:  # noqa: PLR2004  a step has two ends
        return None
    steps = [((b.at - a.at) / DAY, b.size - a.size) for a, b in itertools.pairwise(known)]
    days = sum(long for long, _grown in steps)
    drift = (known[-1].size - known[0].size) / days
    off = sum((grown - drift * long) ** 2 / long for long, grown in steps)
    return Trend(
        at=levels[-1].at,
        size=levels[-1].size,
        per_day=drift,
        deviation=math.sqrt(off / max(1, len(steps) - 1)),
        days=days,
        steps=len(steps),
    )


def daily(levels: Sequence[Level]) -> list[Level]:
    """The last of each day; one that is only hours after the one before it is no day."""
    last: dict[object, Level] = {one.at.date(): one for one in levels}
    found: list[Level] = []
    for one in last.values():
        if not found or one.at - found[-1].at >= _MOST_OF_A_DAY:
            found.append(one)
    return found


def reach(trend: Trend, limit: float) -> Reach:
    if trend.size >= limit:
        return Reach(expected=trend.at, earliest=trend.at, latest=trend.at)
    return Reach(
        expected=_first(trend, limit, 0),
        earliest=_first(trend, limit, 1),
        latest=_first(trend, limit, -1),
    )


def _first(trend: Trend, limit: float, side: int) -> datetime | None:
    """The first day on which the line, or the edge on that side of it, is there."""
    # The part of the spread that is the same for each day is reckoned once.
    size, per_day, days = trend.size, trend.per_day, trend.days
    edge = side * trend.spread(1) / math.sqrt(1 + 1 / days)
    for day in range(1, HORIZON_DAYS + 1):
        if size + per_day * day + edge * math.sqrt(day + day * day / days) >= limit:
            return trend.at + day * DAY
    return None
