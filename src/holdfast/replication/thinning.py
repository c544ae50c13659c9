"""Which points of a replica are kept: all of the last hours, and fewer the older they are. Pure.

Ages are counted back from the newest point and not from now: where no new ones come, the old ones
stay, and wrong clocks at the site do no harm.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from holdfast.machines.points import Consistency
from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.settings import PointPolicy

# More layers would make starting a machine slower; libvirt refuses more than 200.
MOST = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
    sound = [point for point in points if not point.is_spoiled or point is newest]
    chosen = _by_table(sound, newest.taken_at, timedelta(hours=policy.hours))
    app = _latest_app(chosen)
    held |= {app.generation} if app else set()
    most = max(1, min(policy.most, MOST))
    chosen = _at_most(chosen, most, newest.taken_at, held)
    names = {point.generation for point in points}
    return frozenset({point.generation for point in chosen} | (held & names))


def _by_table(
    points: Iterable[ReplicaPoint], newest: datetime, limit: timedelta
) -> list[ReplicaPoint]:
    best: dict[object, ReplicaPoint] = {}
    for point in points:
        age = newest - point.taken_at
        if age > limit and point.taken_at != newest:
            continue
        slot = _slot(point, age)
        if slot is not None and (slot not in best or _is_better(point, best[slot])):
            best[slot] = point
    return sorted(best.values(), key=lambda point: point.taken_at)


def _slot(point: ReplicaPoint, age: timedelta) -> object:
    """Of the points with the same one, one stays; None: the point is too old."""
    for band in TABLE:
        if age <= band.until:
            if band.every is None:
                return point.generation
            return band.every, (point.taken_at - _EPOCH) // band.every
    return None


def _is_better(point: ReplicaPoint, other: ReplicaPoint) -> bool:
    """The first among equals is the oldest, so that it stays the same one as time goes on."""
    return _WEIGHTS[point.consistency] > _WEIGHTS[other.consistency]


def _latest_app(points: Sequence[ReplicaPoint]) -> ReplicaPoint | None:
    for point in reversed(points):
        if point.consistency is Consistency.APPLICATION:
            return point
    return None


def _at_most(
    points: Sequence[ReplicaPoint], most: int, newest: datetime, held: AbstractSet[str]
) -> list[ReplicaPoint]:
    """Those go first that leave the smallest gap, measured by their age: old ones lie far apart.

    The oldest goes only by the table, or it would be the first each time.
    """
    left = list(points)
    while len(left) > most:
        free = [at for at in range(1, len(left)) if left[at].generation not in held] or [0]
        if left[free[0]].generation in held:
            break
        del left[min(free, key=lambda at: _loss(left, at, newest))]
    return left


def _loss(points: Sequence[ReplicaPoint], at: int, newest: datetime) -> float:
    here = points[at].taken_at
    after = points[at + 1].taken_at if at + 1 < len(points) else newest
    before = points[at - 1].taken_at if at else here
    age = (newest - here).total_seconds() or 1.0
    return _WEIGHTS[points[at].consistency] * (after - before).total_seconds() / age
