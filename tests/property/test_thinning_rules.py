"""What must hold of the points that are kept, whatever points there are and whatever is asked for."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from holdfast.machines.points import Consistency
from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.settings import PointPolicy
from holdfast.replication.thinning import kept

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_point(minutes: int, consistency: Consistency, is_spoiled: bool) -> ReplicaPoint:
    taken_at = NOON - timedelta(minutes=minutes)
    return ReplicaPoint(
        generation=f"-{minutes}",
        taken_at=taken_at,
        applied_at=taken_at,
        consistency=consistency,
        disks=(),
        is_spoiled=is_spoiled,
    )


points = st.lists(
    st.builds(
        a_point,
        st.integers(0, 20 * 24 * 60),
        st.sampled_from(Consistency),
        st.booleans(),
    ),
    min_size=1,
    max_size=90,
    unique_by=lambda point: point.taken_at,
).map(lambda found: sorted(found, key=lambda point: point.taken_at))
policies = st.builds(PointPolicy, hours=st.integers(0, 500), most=st.integers(0, 70))


@given(points, policies, st.data())
def test_what_must_stay_stays_and_no_more_than_asked_for(
    found: list[ReplicaPoint], policy: PointPolicy, data: st.DataObject
) -> None:
    names = [point.generation for point in found]
    pinned = data.draw(st.frozensets(st.sampled_from(names), max_size=5))

    stay = kept(found, policy, pinned=pinned)

    newest = found[-1]
    assert {newest.generation, *pinned} <= stay <= set(names)
    # Beside what is pinned: the newest, and the newest application-consistent one.
    assert len(stay) <= max(1, min(policy.most, 50)) + len(pinned) + 2
    for point in found:
        if point.generation in stay - pinned - {newest.generation}:
            assert not point.is_spoiled
            assert newest.taken_at - point.taken_at <= timedelta(hours=policy.hours)


@given(points, policies)
def test_thinned_again_nothing_more_goes(found: list[ReplicaPoint], policy: PointPolicy) -> None:
    stay = kept(found, policy)

    left = [point for point in found if point.generation in stay]

    assert kept(left, policy) == stay
