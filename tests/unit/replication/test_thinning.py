"""Which points stay: the table of ages, the greatest number, and what is never dropped."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from holdfast.machines.points import Consistency
from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.settings import PointPolicy
from holdfast.replication.thinning import kept

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def point(ago: timedelta, consistency: Consistency = Consistency.CRASH) -> ReplicaPoint:
    taken_at = NOON - ago
    return ReplicaPoint(
        generation=taken_at.isoformat(),
        taken_at=taken_at,
        applied_at=taken_at,
        consistency=consistency,
        disks=(),
    )


def ages(points: list[ReplicaPoint], policy: PointPolicy, *pinned: ReplicaPoint) -> list[timedelta]:
    """Of those that stay, the oldest first."""
    stay = kept(points, policy, pinned=frozenset(each.generation for each in pinned))
    return [NOON - each.taken_at for each in points if each.generation in stay]


def every(step: timedelta, *, until: timedelta) -> list[ReplicaPoint]:
    return [point(step * number) for number in range(until // step, -1, -1)]


def test_of_the_last_two_hours_all_stay_then_one_each_hour() -> None:
    left = ages(every(15 * MINUTE, until=24 * HOUR), PointPolicy(hours=24))

    assert left[-9:] == [15 * MINUTE * number for number in range(8, -1, -1)]
    older = left[:-9]
    assert len(older) == 22
    assert {one - other for one, other in pairwise(older)} == {HOUR}


def test_then_one_in_two_hours_and_one_in_four() -> None:
    week = ages(every(HOUR, until=3 * DAY), PointPolicy(hours=24 * 15))

    older = [age for age in week if age > DAY]
    assert {one - other for one, other in pairwise(older)} == {2 * HOUR}
    long = [point(8 * DAY + HOUR * number) for number in range(40, 0, -1)]
    left = [age for age in ages([*long, point(0 * DAY)], PointPolicy(hours=24 * 15)) if age]
    assert {one - other for one, other in pairwise(left)} == {4 * HOUR}


def test_what_is_older_than_asked_for_goes_and_the_newest_never() -> None:
    points = every(HOUR, until=10 * HOUR)

    assert max(ages(points, PointPolicy(hours=5))) == 5 * HOUR
    assert ages(points, PointPolicy(hours=0)) == [timedelta(0)]
    assert ages([point(30 * DAY)], PointPolicy(hours=1)) == [30 * DAY]


def test_where_no_new_ones_come_the_old_ones_stay() -> None:
    long_ago = every(10 * MINUTE, until=2 * HOUR)
    moved = [msgspec.structs.replace(each, taken_at=each.taken_at - 300 * DAY) for each in long_ago]

    assert len(kept(moved, PointPolicy(hours=24))) == 13


def test_pinned_ones_stay_whatever_the_policy_says() -> None:
    points = every(HOUR, until=48 * HOUR)

    left = ages(points, PointPolicy(hours=2), points[0], points[20])

    assert left == [48 * HOUR, 28 * HOUR, 2 * HOUR, HOUR, timedelta(0)]


def test_the_better_of_an_hour_stays_and_the_latest_of_applications_always() -> None:
    points = every(10 * MINUTE, until=24 * HOUR)
    at = next(number for number, each in enumerate(points) if NOON - each.taken_at == 310 * MINUTE)
    points[at] = point(310 * MINUTE, Consistency.APPLICATION)

    assert 310 * MINUTE in ages(points, PointPolicy(hours=24))
    assert 310 * MINUTE in ages(points, PointPolicy(hours=24, most=3))


def test_spoiled_ones_go_but_for_pinned_ones_and_the_newest() -> None:
    points = [
        msgspec.structs.replace(each, is_spoiled=True) for each in every(HOUR, until=3 * HOUR)
    ]

    assert ages(points, PointPolicy(), points[0]) == [3 * HOUR, timedelta(0)]


def moved(
    one: ReplicaPoint, *, taken: timedelta = MINUTE * 0, applied: timedelta = MINUTE * 0
) -> ReplicaPoint:
    """The same point, had a clock been wrong by so much when it was made."""
    return msgspec.structs.replace(
        one, taken_at=one.taken_at + taken, applied_at=one.applied_at + applied
    )


@pytest.mark.parametrize("wrong", [DAY, 300 * DAY, -DAY, -300 * DAY])
@pytest.mark.parametrize("of_source", [True, False])
def test_one_point_of_a_clock_that_jumped_drops_none_of_the_others(
    wrong: timedelta, *, of_source: bool
) -> None:
    points = every(HOUR, until=23 * HOUR)
    jump = {"taken": wrong} if of_source else {"applied": wrong}

    right = kept(points, PointPolicy(hours=24))
    newest = [*points[:-1], moved(points[-1], **jump)]
    among = [*points[:-2], moved(points[-2], **jump), points[-1]]

    assert kept(newest, PointPolicy(hours=24)) == right
    assert kept(among, PointPolicy(hours=24)) == right


@pytest.mark.parametrize("wrong", [DAY, 300 * DAY, -HOUR, -300 * DAY])
def test_of_a_clock_that_was_set_for_good_none_is_dropped_early(wrong: timedelta) -> None:
    points = every(HOUR, until=23 * HOUR)

    stay = kept(
        [*points[:12], *(moved(each, taken=wrong) for each in points[12:])], PointPolicy(hours=24)
    )

    assert len(stay) == len(points)


def test_of_a_clock_that_jumped_and_came_back_no_point_stays_for_ever() -> None:
    strange = moved(point(30 * HOUR, Consistency.APPLICATION), taken=300 * DAY)
    app = point(3 * HOUR, Consistency.APPLICATION)
    points = [strange, point(5 * HOUR), app, point(HOUR), point(0 * HOUR)]

    stay = kept(points, PointPolicy(hours=24))

    assert strange.generation not in stay
    assert app.generation in stay


def test_too_many_points_of_a_clock_that_was_set_back_go_by_their_order() -> None:
    """Those of before it are the older ones, and thinned as such."""
    before = [moved(each, taken=HOUR) for each in every(MINUTE, until=90 * MINUTE)][:60]
    points = [*before, *every(MINUTE, until=30 * MINUTE)]

    stay = kept(points, PointPolicy(hours=24, most=40))

    places = [at for at, each in enumerate(points) if each.generation in stay]
    assert len(stay) == 40
    assert places[0] == 0
    assert sum(at >= 60 for at in places) >= 20


@pytest.mark.parametrize("step", [timedelta(seconds=30), 5 * MINUTE])
@pytest.mark.parametrize("hours", [24, 360])
def test_as_time_goes_on_there_are_never_too_many_and_no_great_gaps(
    step: timedelta, hours: int
) -> None:
    policy = PointPolicy(hours=hours, most=50)
    left: list[ReplicaPoint] = []
    start = NOON - min(hours * HOUR, 30 * HOUR) - 6 * HOUR

    at = start
    while at <= NOON:
        left.append(point(NOON - at))
        stay = kept(left, policy)
        left = [each for each in left if each.generation in stay]
        at += step

    assert 40 <= len(left) <= 50
    found = [NOON - each.taken_at for each in left]
    assert found[0] >= 0.8 * min(hours * HOUR, NOON - start)
    # Seen from now, no two neighbours lie further apart than half the age of the older one.
    assert all(one - other <= max(one / 2, 2 * step) for one, other in pairwise(found))
