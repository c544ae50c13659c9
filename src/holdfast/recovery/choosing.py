"""Which point a machine is started from, by what a person says. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime

from holdfast.machines.points import Consistency
from holdfast.recovery.act_errors import PointAmbiguous, PointUnknown
from holdfast.replication.replica_facts import ReplicaPoint

LATEST = "latest"
LATEST_APP = "latest-app"
LATEST_TESTED = "latest-tested"
# Fewer letters would be a guess.
_SHORTEST = 4


def choose_point(
    points: Sequence[ReplicaPoint],
    wish: str,
    *,
    about: str,
    tested: Collection[str] = (),
) -> ReplicaPoint:
    """`points` with the oldest first; one that was written to is chosen by nobody.

    `wish` is latest (or nothing), latest-app, latest-tested, the beginning of a generation, or a
    time: then the newest point not after it.
    """
    sound = [point for point in points if not point.is_spoiled]
    match wish or LATEST:
        case "latest":
            fit = sound
        case "latest-app":
            fit = [point for point in sound if point.consistency is Consistency.APPLICATION]
        case "latest-tested":
            fit = [point for point in sound if point.generation in tested]
        case other:
            fit = _named(sound, other, about) or _until(sound, other)
    if not fit:
        raise PointUnknown(about=about, wish=wish or LATEST)
    return fit[-1]


def _named(points: Sequence[ReplicaPoint], wish: str, about: str) -> list[ReplicaPoint]:
    if len(wish) < _SHORTEST:
        return []
    found = [point for point in points if point.generation.startswith(wish)]
    exact = [point for point in found if point.generation == wish]
    if len(found) > 1 and not exact:
        raise PointAmbiguous(about=about, wish=wish, count=len(found))
    return exact or found


def _until(points: Sequence[ReplicaPoint], wish: str) -> list[ReplicaPoint]:
    try:
        # Without a zone it is the time on this host's clock.
        moment = datetime.fromisoformat(wish).astimezone()
    except ValueError:
        return []
    return [point for point in points if point.taken_at <= moment]
