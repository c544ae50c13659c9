"""Which points a site keeps in the long run."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication.planner.kept_points import kept_distances

HOUR = 3600


def test_two_hours_are_kept_whole_and_a_day_by_the_hour() -> None:
    found = kept_distances(interval=900, hours=24, most=50)

    assert found == [900] * 8 + [HOUR] * 22


def test_fifteen_days_become_coarser() -> None:
    found = kept_distances(interval=900, hours=15 * 24, most=1000)

    assert found == [900] * 8 + [HOUR] * 22 + [2 * HOUR] * 72 + [4 * HOUR] * 48


def test_no_hours_are_no_layers() -> None:
    assert kept_distances(interval=30, hours=0, most=50) == []


@given(st.sampled_from([30, 300, 900, 1800, 3600]), st.integers(0, 360), st.integers(1, 60))
def test_limit_holds_and_nothing_is_lost(interval: int, hours: int, most: int) -> None:
    whole = kept_distances(interval=interval, hours=hours, most=10**6)

    found = kept_distances(interval=interval, hours=hours, most=most)

    assert len(found) <= max(1, most - 1)
    assert sum(found) == sum(whole)
