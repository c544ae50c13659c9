"""Which points a site keeps in the long run, as distances between each and the one before."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

from holdfast.machines.points import Consistency
from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.settings import PointPolicy
from holdfast.replication.thinning import kept

# Any will do.
_NEWEST = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def kept_distances(*, interval: int, hours: int, most: int) -> tuple[int, ...]:
    """In seconds, the oldest first; each is a layer at the site, on a base that is the disks."""
    count = hours * 3600 // interval
    points = [_point(number * interval) for number in range(count, -1, -1)]
    names = kept(points, PointPolicy(hours=hours, most=most))
    moments = [point.taken_at for point in points if point.generation in names]
    return tuple(round((after - before).total_seconds()) for before, after in pairwise(moments))


def _point(age: int) -> ReplicaPoint:
    moment = _NEWEST - timedelta(seconds=age)
    return ReplicaPoint(
        generation=str(age),
        taken_at=moment,
        applied_at=moment,
        consistency=Consistency.CRASH,
        disks=(),
    )
