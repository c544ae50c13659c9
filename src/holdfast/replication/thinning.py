"""Which points of a replica are kept: all of the last hours, and fewer the older they are. Pure.

Ages are counted back from the newest point and not from now: where no new ones come, the old ones
stay. Each point was timed by two clocks, that of its source and that of the site, and is as old as
the one says that makes it younger: one clock that jumps drops no history.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from holdfast.machines.points import Consistency
from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.settings import PointPolicy

# More layers would make starting a machine slower; libvirt refuses more than 200.
MOST = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NONE = timedelta(0)
# How much larger a gap may be before the better point is missed less than the worse one.
_WEIGHTS = {Consistency.APPLICATION: 4, Consistency.FILESYSTEM: 2, Consistency.CRASH: 1}


@dataclass(frozen=True, slots=True)
class Band:
    """Of points younger than `until`, one in each `every`; None: all."""

    until: timedelta
    every: timedelta | None


TABLE = (
    Band(timedelta(hours=2), None),
    Band(timedelta(hours=24), timedelta(hours=1)),
    Band(timedelta(days=7), timedelta(hours=2)),
    Band(timedelta(days=15), timedelta(hours=4)),
)


class _Aged(NamedTuple):
    point: ReplicaPoint
    age: timedelta

    @property
    def generation(self) -> str:
        return self.point.generation

    @property
    def weight(self) -> int:
        return _WEIGHTS[self.point.consistency]


def kept(
    points: Sequence[ReplicaPoint], policy: PointPolicy, *, pinned: AbstractSet[str] = frozenset()
) -> frozenset[str]:
    """The generations that stay, of points with the oldest first.

    Always the newest one, what is pinned, and the newest that applications knew of.
    """
    if not points:
        return frozenset()
    newest = points[-1]
    held = {newest.generation, *pinned}
    sound = [each for each in _aged(points) if not each.point.is_spoiled or each.point is newest]
    chosen = _by_table(sound, timedelta(hours=policy.hours))
    app = _latest_app(chosen)
    held |= {app.generation} if app else set()
    chosen = _at_most(chosen, max(1, min(policy.most, MOST)), held)
    names = {point.generation for point in points}
    return frozenset({each.generation for each in chosen} | (held & names))


def _aged(points: Sequence[ReplicaPoint]) -> list[_Aged]:
    """None is younger than one that came after it, whatever the clocks said."""
    newest, age = points[-1], _NONE
    aged: list[_Aged] = []
    for point in reversed(points):
        by_clocks = (newest.taken_at - point.taken_at, newest.applied_at - point.applied_at)
        # Made after what came after it: that clock was set meanwhile, and only the other counts.
        age = max(age, min((each for each in by_clocks if each >= _NONE), default=_NONE))
        aged.append(_Aged(point, age))
    return aged[::-1]


def _by_table(points: Iterable[_Aged], limit: timedelta) -> list[_Aged]:
    chosen: list[_Aged] = []
    places: dict[object, int] = {}
    for each in points:
        band = _band(each)
        if each.age > limit or band is None:
            continue
        slot = _slot(each, band)
        place = places.get(slot)
        if place is None or _is_again(each.point, chosen[place].point, band):
            places[slot] = len(chosen)
            chosen.append(each)
        elif each.weight > chosen[place].weight:
            # The first among equals is the oldest, so that it stays the same one as time goes on.
            chosen[place] = each
    return chosen


def _is_again(point: ReplicaPoint, before: ReplicaPoint, band: Band) -> bool:
    """Whether the same time came twice, since the clock of the source was set back."""
    return band.every is not None and point.applied_at - before.applied_at >= band.every


def _band(each: _Aged) -> Band | None:
    """None: the point is too old."""
    return next((band for band in TABLE if each.age <= band.until), None)


def _slot(each: _Aged, band: Band) -> object:
    """Of the points with the same one, one stays."""
    if band.every is None:
        return each.generation
    return band.every, (each.point.taken_at - _EPOCH) // band.every


def _latest_app(points: Sequence[_Aged]) -> _Aged | None:
    for each in reversed(points):
        if each.point.consistency is Consistency.APPLICATION:
            return each
    return None


def _at_most(points: Sequence[_Aged], most: int, held: AbstractSet[str]) -> list[_Aged]:
    """Those go first that leave the smallest gap, measured by their age: old ones lie far apart.

    The oldest goes only by the table, or it would be the first each time.
    """
    left = list(points)
    while len(left) > most:
        free = [at for at in range(1, len(left)) if left[at].generation not in held] or [0]
        if left[free[0]].generation in held:
            break
        del left[min(free, key=lambda at: _loss(left, at))]
    return left


def _loss(points: Sequence[_Aged], at: int) -> float:
    here = points[at].age
    after = points[at + 1].age if at + 1 < len(points) else _NONE
    before = points[at - 1].age if at else here
    return points[at].weight * (before - after).total_seconds() / (here.total_seconds() or 1.0)
