"""The rules of retention: each picks points of a group and says until when at least.

Plain rules mean what restic's mean: the newest point of each of the last N hours, days, ISO weeks,
months or years *that hold a point*; a pause in the backups therefore expires nothing. As in restic since
0.16, a rule whose number is not reached yet holds the oldest point as well: backups that began in
May have a first yearly point before the next year is over.
With a day of its own ("4 on sat") a rule takes the newest point of that day; when there was none,
the next point there is takes its place, up to the day that begins the next period.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import Enum
from typing import NamedTuple, Protocol

from holdfast.vault.policy.calendar import Slot, Span, shifted_month


class Pick(NamedTuple):
    """A point by its place in the list, and the moment before which the rule holds it."""

    place: int
    until: datetime | None
    is_oldest: bool = False


class Point(Protocol):
    """What retention must know of a recovery point."""

    @property
    def id(self) -> str: ...

    @property
    def taken_at(self) -> datetime: ...

    @property
    def host(self) -> str: ...

    @property
    def paths(self) -> tuple[str, ...]: ...

    @property
    def tags(self) -> frozenset[str]: ...


class Unit(Enum):
    LAST = "last"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


class Rule(Protocol):
    """Picks from points of one group, newest first; `zone` None is that stored in each point."""

    # A point under such a rule is kept until somebody changes it.
    @property
    def is_forever(self) -> bool: ...

    def picks(self, points: Sequence[Point], zone: tzinfo | None) -> Iterator[Pick]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Keep one point of each of the newest `count` periods; None is of all periods."""

    unit: Unit
    count: int | None
    slot: Slot | None = None

    @property
    def is_forever(self) -> bool:
        return self.count is None

    def picks(self, points: Sequence[Point], zone: tzinfo | None) -> Iterator[Pick]:
        winners = list(self._winners(points, zone))[: self.count]
        if not winners:
            return
        newest = local(points[winners[0]], zone)
        for rank, place in enumerate(winners):
            yield Pick(place, self._until(newest, rank))
        oldest, filled = len(points) - 1, len(winners)
        has_room = self.slot is None and (self.count is None or filled < self.count)
        if has_room and oldest not in winners:
            yield Pick(oldest, self._until(newest, filled), is_oldest=True)

    def _winners(self, points: Sequence[Point], zone: tzinfo | None) -> Iterator[int]:
        """The point of each period, newest period first."""
        if self.slot is None:
            yield from newest_of_each(points, self.unit, zone)
            return
        periods: dict[date, list[int]] = {}
        for place, point in enumerate(points):
            periods.setdefault(self.slot.begin(local(point, zone).date()), []).append(place)
        for begin, places in periods.items():
            on_the_day = [p for p in places if local(points[p], zone).date() == begin]
            # Places are newest first: the last point of the day, else the first one after it.
            yield on_the_day[0] if on_the_day else places[-1]

    def _until(self, newest: datetime, rank: int) -> datetime | None:
        """When enough newer periods can have begun at the earliest."""
        if self.count is None or self.unit is Unit.LAST:
            return None
        if rank == 0 and (self.slot is None or self.slot.begin(newest.date()) == newest.date()):
            # The next point of the same period takes its place, and may come at any time.
            return None
        return _begin_after(newest, self.unit, self.slot, self.count - rank)

    def __str__(self) -> str:
        count = "all" if self.count is None else self.count
        return f"{self.unit.value} {count}" + (f" on {self.slot}" if self.slot else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Keep all points up to so much older than the newest, or the newest of each period."""

    span: Span
    unit: Unit | None = None

    @property
    def is_forever(self) -> bool:
        return False

    def picks(self, points: Sequence[Point], zone: tzinfo | None) -> Iterator[Pick]:
        if not points:
            return
        limit = self.span.before(local(points[0], zone))
        recent = [point for point in points if point.taken_at > limit]
        places = list(newest_of_each(recent, self.unit or Unit.LAST, zone))
        for rank, place in enumerate(places):
            # The next point of the newest period takes its place, and may come at any time.
            is_open = self.unit is not None and rank == 0
            yield Pick(place, None if is_open else self._until(points[place], zone))
        oldest = len(points) - 1
        if len(recent) == len(points) and oldest not in places:
            yield Pick(oldest, self._until(points[oldest], zone), is_oldest=True)

    def _until(self, point: Point, zone: tzinfo | None) -> datetime:
        return self.span.after(local(point, zone)) - self._months_vary()

    def _months_vary(self) -> timedelta:
        """Counting months there and back may miss the day by so much."""
        return timedelta(days=3 if self.span.months or self.span.years else 0)

    def __str__(self) -> str:
        return f"within-{self.unit.value} {self.span}" if self.unit else f"within {self.span}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """Keep points that bear all of these tags; of none, those that bear no tag."""

    tags: frozenset[str]

    @property
    def is_forever(self) -> bool:
        return True

    def picks(self, points: Sequence[Point], zone: tzinfo | None) -> Iterator[Pick]:  # noqa: ARG002  a tag knows no time
        for place, point in enumerate(points):
            if self.tags <= point.tags and (self.tags or not point.tags):
                yield Pick(place, None)

    def __str__(self) -> str:
        return f"tag {','.join(sorted(self.tags))}"


def local(point: Point, zone: tzinfo | None) -> datetime:
    return point.taken_at.astimezone(zone) if zone else point.taken_at


def newest_of_each(points: Sequence[Point], unit: Unit, zone: tzinfo | None) -> Iterator[int]:
    """As restic: whenever the period differs from that of the point looked at before."""
    former: tuple[object, ...] | None = None
    for place, point in enumerate(points):
        period = _period(local(point, zone), unit, place, exact=zone is not None)
        if period != former:
            former = period
            yield place


def _period(moment: datetime, unit: Unit, place: int, *, exact: bool) -> tuple[object, ...]:
    match unit:
        case Unit.LAST:
            return (place,)
        case Unit.HOURLY:
            # The hour that a clock set back repeats is another hour.
            shift = moment.utcoffset() if exact else None
            return (moment.date(), moment.hour, shift)
        case Unit.DAILY:
            return (moment.date(),)
        case Unit.WEEKLY:
            return moment.isocalendar()[:2]
        case Unit.MONTHLY:
            return (moment.year, moment.month)
        case Unit.YEARLY:
            return (moment.year,)


def _begin_after(moment: datetime, unit: Unit, slot: Slot | None, periods: int) -> datetime:
    """When the period begins that is so many after that of the moment."""
    day = moment.date()
    try:
        if unit is Unit.HOURLY:
            return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=periods)
        if slot is not None:
            begin = slot.after(slot.begin(day), periods)
        elif unit is Unit.DAILY:
            begin = day + timedelta(days=periods)
        elif unit is Unit.WEEKLY:
            begin = day - timedelta(days=day.weekday()) + timedelta(weeks=periods)
        elif unit is Unit.MONTHLY:
            begin = shifted_month(day, periods)
        else:
            begin = date(day.year + periods, 1, 1)
    except (OverflowError, ValueError):
        return datetime.max.replace(tzinfo=moment.tzinfo)
    return datetime.combine(begin, time(), moment.tzinfo)
