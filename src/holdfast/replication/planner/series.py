"""A profile as figures: bytes by minute, with gaps as gaps, and what of them a cycle would ship."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from msgspec import structs

from holdfast.replication.planner.counting import joined
from holdfast.replication.planner.samples import AGES, MINUTE, Dirty, Line, Minute, Window

_T = TypeVar("_T")
# A minute may be a little longer than it should be: two runs that share one.
_WHOLE_MINUTE = MINUTE * 1.25
# Of which less was seen, says little.
_LEAST_SECONDS = 5.0
# A window says something about the time around it.
_LOCAL_SECONDS = 2 * max(AGES)
# So much must have been written in one for its ratio to mean anything.
_LEAST_WRITTEN = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Of one machine; `minutes` by their number since 1970."""

    minutes: Mapping[int, Minute] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    # Of `shipped_by_minute`.
    known: dict[int, dict[int, float]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_empty(self) -> bool:
        return not self.minutes


def read_profile(lines: Iterable[Line], *, begin: float, end: float) -> Profile:
    """What was seen from `begin` to before `end`."""
    minutes: dict[int, Minute] = {}
    windows: list[Window] = []
    for line in lines:
        if not begin <= line.at < end:
            continue
        if isinstance(line, Window):
            windows.append(line)
        elif line.seconds >= _LEAST_SECONDS:
            number = line.at // MINUTE
            known = minutes.get(number)
            minutes[number] = line if known is None else _one_of(known, line)
    windows.sort(key=lambda each: each.at)
    return Profile(minutes=minutes, windows=tuple(windows))


def without_disks(profile: Profile, targets: Collection[str]) -> Profile:
    """The busiest poll is not known by disk, and is left out with them."""
    minutes = {
        number: structs.replace(minute, disks=_but(minute.disks, targets), peak=0)
        for number, minute in profile.minutes.items()
    }
    windows = (structs.replace(each, disks=_but(each.disks, targets)) for each in profile.windows)
    return Profile(minutes=minutes, windows=tuple(windows))


def _but(disks: Mapping[str, _T], targets: Collection[str]) -> dict[str, _T]:
    return {target: each for target, each in disks.items() if target not in targets}


def _one_of(known: Minute, other: Minute) -> Minute:
    """Parts of a minute are added; a minute that was lived twice counts once, the busier time."""
    if known.seconds + other.seconds <= _WHOLE_MINUTE:
        return joined(known, other)
    return max(known, other, key=_bytes_per_second)


def _bytes_per_second(minute: Minute) -> float:
    return sum(each.bytes for each in minute.disks.values()) / minute.seconds


def written_by_minute(profile: Profile) -> dict[int, float]:
    """Bytes; a minute of which a part was seen is taken to have been all like it."""
    return {
        number: _bytes_per_second(minute) * MINUTE for number, minute in profile.minutes.items()
    }


def requests_by_minute(profile: Profile) -> dict[int, float]:
    return {
        number: sum(each.requests for each in minute.disks.values()) * MINUTE / minute.seconds
        for number, minute in profile.minutes.items()
    }


class Coalescing:
    """Of each disk: how many bytes differ in the end for each byte that was written meanwhile.

    Less than 1 where the same places are written again and again; more where little is written
    to many places, because changes are recorded by the cluster. 1 where it was not measured.
    """

    def __init__(self, windows: Sequence[Window]) -> None:
        self._near: dict[tuple[str, int], tuple[list[int], list[float]]] = {}
        self._overall: dict[tuple[str, int], float] = {}
        # By quarters of an hour, which is as long as a window is.
        self._known: dict[tuple[str, int, int], float] = {}
        sums: dict[tuple[str, int], list[int]] = {}
        for window in windows:
            for target, dirty in window.disks.items():
                key = target, window.age
                total = sums.setdefault(key, [0, 0])
                total[0] += dirty.unique
                total[1] += dirty.written
                if dirty.written >= _LEAST_WRITTEN:
                    moments, ratios = self._near.setdefault(key, ([], []))
                    moments.append(window.at)
                    ratios.append(_ratio(dirty))
        for key, (unique, written) in sums.items():
            if written:
                self._overall[key] = unique / written

    def ratio(self, target: str, interval: float, at: float) -> float:
        age = age_for(interval)
        key = target, age, int(at // max(AGES))
        if key not in self._known:
            self._known[key] = self._ratio(target, age, at)
        return self._known[key]

    def _ratio(self, target: str, age: int, at: float) -> float:
        near = self._near_ratio(target, age, at)
        if near is not None:
            return near
        # Of the next age where there is none of this one: a profile that was too short.
        ages = sorted(AGES, key=lambda other: abs(other - age))
        return next((found for a in ages if (found := self._overall.get((target, a)))), 1.0)

    def _near_ratio(self, target: str, age: int, at: float) -> float | None:
        moments, ratios = self._near.get((target, age), ((), ()))
        place = bisect_right(moments, at)
        found = [n for n in (place - 1, place) if 0 <= n < len(moments)]
        best = min(found, key=lambda n: abs(moments[n] - at), default=None)
        if best is None or abs(moments[best] - at) > _LOCAL_SECONDS:
            return None
        return ratios[best]


def _ratio(dirty: Dirty) -> float:
    return dirty.unique / dirty.written


def age_for(interval: float) -> int:
    """The longest window that is no longer than the interval."""
    return max((age for age in AGES if age <= interval), default=min(AGES))


def shipped_by_minute(profile: Profile, interval: float) -> Mapping[int, float]:
    """What cycles of this interval would have to ship of each minute."""
    age = age_for(interval)
    # Asked for many times, and there are three answers.
    if age not in profile.known:
        profile.known[age] = _shipped(profile, age)
    return profile.known[age]


def _shipped(profile: Profile, age: int) -> dict[int, float]:
    coalescing = Coalescing(profile.windows)
    found = {}
    for number, minute in profile.minutes.items():
        at = number * MINUTE
        found[number] = sum(
            each.bytes * coalescing.ratio(target, age, at) for target, each in minute.disks.items()
        ) * (MINUTE / minute.seconds)
    return found


class Total:
    """All machines together, taken in one after the other so that none has to be kept.

    A minute in which only some machines were looked at has the others' mean: to leave them out
    would make a link look sufficient that is not.
    """

    def __init__(self) -> None:
        # By how much each minute differs from what the machines' means come to.
        self._differences: dict[int, float] = {}
        self._means = 0.0
        self._machines = 0
        self._seen = 0

    def add(self, series: Mapping[int, float]) -> None:
        if not series:
            return
        mean = sum(series.values()) / len(series)
        for number, size in series.items():
            self._differences[number] = self._differences.get(number, 0.0) + size - mean
        self._means += mean
        self._machines += 1
        self._seen += len(series)

    def series(self) -> dict[int, float]:
        # What is nothing may come out as a little less.
        return {
            number: max(0.0, difference + self._means)
            for number, difference in sorted(self._differences.items())
        }

    @property
    def made_up(self) -> float:
        """The share of machine-minutes that nobody saw."""
        whole = len(self._differences) * self._machines
        return 1 - self._seen / whole if whole else 0.0


def stretches(minutes: Mapping[int, float], interval: float) -> tuple[tuple[float, ...], ...]:
    """Bytes by interval, in unbroken stretches of what was seen."""
    if interval < MINUTE:
        return _shorter(minutes, interval)
    whole = round(interval / MINUTE)
    sums: dict[int, tuple[float, int]] = {}
    for number, size in minutes.items():
        total, count = sums.get(number // whole, (0.0, 0))
        sums[number // whole] = total + size, count + 1
    # Half of an interval says how the rest was; less does not.
    known = {n: total * whole / count for n, (total, count) in sums.items() if 2 * count >= whole}
    return _unbroken(known)


def _shorter(minutes: Mapping[int, float], interval: float) -> tuple[tuple[float, ...], ...]:
    """Of intervals within a minute each has the same: nobody looked more closely."""
    parts = round(MINUTE / interval)
    return tuple(
        tuple(size / parts for size in stretch for _part in range(parts))
        for stretch in _unbroken(minutes)
    )


def _unbroken(known: Mapping[int, float]) -> tuple[tuple[float, ...], ...]:
    numbers = sorted(known)
    if not numbers:
        return ()
    found = [[known[numbers[0]]]]
    for before, number in pairwise(numbers):
        if number != before + 1:
            found.append([])
        found[-1].append(known[number])
    return tuple(map(tuple, found))
