"""Which points a site keeps in the long run."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication.planner.kept_points import kept_distances

HOUR = 3600


def test_two_hours_are_kept_whole_and_a_day_by_the_hour() -> None:
    found = kept_distances(interval=900, hours=24, most=50)

    assert found[-8:] == (900,) * 8
    assert set(found[1:-9]) == {HOUR}


def test_no_hours_are_no_layers() -> None:
    assert kept_distances(interval=30, hours=0, most=50) == ()


@given(st.sampled_from([300, 900, 1800, 3600]), st.integers(0, 120), st.integers(1, 60))
def test_limit_holds_and_nothing_lies_before_the_hours(
    interval: int, hours: int, most: int
) -> None:
    found = kept_distances(interval=interval, hours=hours, most=most)

    assert len(found) < max(2, min(most, 50))
    assert sum(found) <= hours * HOUR
    assert all(distance % interval == 0 and distance for distance in found)
