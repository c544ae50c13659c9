"""Logs that wait for a link: which come too late, how old the other site gets, what rate is needed.

A log is what has changed in one interval. It may go when its interval is over, one after the
other, and it is in time when it has arrived before the next interval ends: so the site is never
more than two intervals behind. The queue is that of Lindley: what is left of the wait for the log
before, and then one's own time on the link.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """The bytes of each interval; a stretch without an end is seen, and between them nothing is."""

    # In seconds.
    interval: float
    stretches: tuple[tuple[float, ...], ...]

    @property
    def count(self) -> int:
        return sum(map(len, self.stretches))

    @property
    def seconds(self) -> float:
        return self.count * self.interval

    @property
    def greatest(self) -> float:
        return max((max(stretch) for stretch in self.stretches if stretch), default=0.0)

    @property
    def total(self) -> float:
        return sum(map(sum, self.stretches))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """How it goes at a rate; `ages` are how old the site was just before each log arrived."""

    rate: float
    late: int
    late_seconds: float
    seconds: float
    ages: tuple[float, ...]
    # What waited at most, the log on its way included.
    peak_queue: float
    # More is written than the link carries, so that it falls behind without an end.
    is_overrun: bool

    @property
    def met(self) -> float:
        """The share of the time in which the site was less than two intervals behind."""
        return 1.0 - min(1.0, self.late_seconds / self.seconds) if self.seconds else 1.0

    @property
    def worst_age(self) -> float:
        return max(self.ages, default=0.0)


def ship(logs: Logs, rate: float) -> Shipping:
    late, late_seconds, peak = 0, 0.0, 0.0
    ages: list[float] = []
    for stretch in logs.stretches:
        delay = 0.0
        for size in stretch:
            waits = max(0.0, delay - logs.interval)
            takes = size / rate if rate > 0 else (math.inf if size else 0.0)
            delay = waits + takes
            peak = max(peak, waits * rate + size if rate > 0 else 0.0)
            ages.append(delay + logs.interval)
            if delay > logs.interval:
                late += 1
                # Of what is late, the time before is the log before's.
                late_seconds += min(delay - logs.interval, takes)
    return Shipping(
        rate=rate,
        late=late,
        late_seconds=late_seconds,
        seconds=logs.seconds,
        ages=tuple(ages),
        peak_queue=peak if rate > 0 else logs.total,
        is_overrun=logs.total > rate * logs.seconds,
    )


def needed_rate(logs: Logs, share: float = 1.0) -> float:
    """The least rate at which no interval is late, or only so much of the time."""
    most = logs.greatest / logs.interval
    if share >= 1 or not most:
        return most
    low, high = 0.0, most
    for _step in range(_STEPS):
        middle = (low + high) / 2
        if ship(logs, middle).met >= share:
            high = middle
        else:
            low = middle
        if high - low <= high / 1000:
            break
    return high


def percentile(values: Sequence[float], percent: float) -> float:
    """Between the two neighbours in order, as most tools do."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = (len(ordered) - 1) * min(max(percent, 0.0), 100.0) / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    if ordered[above] == ordered[below]:
        return ordered[below]
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
