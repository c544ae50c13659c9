"""Where something that grows is going, and how much of that can be known."""

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.app.control.reports.trend import Level, daily, reach, trend_of

BEGIN = datetime(2026, 3, 1, 23, tzinfo=UTC)
DAY = timedelta(days=1)


def growing(*sizes: float) -> list[Level]:
    """One level each day."""
    return [Level(at=BEGIN + number * DAY, size=size) for number, size in enumerate(sizes)]


def test_even_growth_is_known_to_the_day() -> None:
    trend = trend_of(growing(*range(0, 1500, 100)))

    assert trend is not None
    found = reach(trend, 2400)
    assert trend.per_day == pytest.approx(100)
    assert found.expected == found.earliest == found.latest == BEGIN + 24 * DAY


def test_the_more_days_differ_the_wider_is_what_is_said() -> None:
    even = trend_of(growing(*(100 * n for n in range(15))))
    uneven = trend_of(growing(*(100 * n + 60 * (n % 2) for n in range(15))))

    assert even is not None
    assert uneven is not None
    assert uneven.spread(30) > even.spread(30)
    calm, wild = reach(even, 4000), reach(uneven, 4000)
    assert wild.earliest is not None
    assert calm.earliest is not None
    assert wild.earliest < calm.earliest


def test_farther_ahead_less_is_known() -> None:
    trend = trend_of(growing(*(100 * n + 60 * (n % 3) for n in range(30))))

    assert trend is not None
    assert trend.spread(10) < trend.spread(20) < trend.spread(40)


def test_less_than_a_week_says_nothing() -> None:
    assert trend_of([]) is None
    assert trend_of(growing(1, 2, 3)) is None
    assert trend_of(growing(*range(8))) is not None


def test_what_is_full_is_full_now() -> None:
    trend = trend_of(growing(*range(10)))

    assert trend is not None
    assert reach(trend, 5).expected == trend.at


def test_what_shrinks_is_never_full() -> None:
    trend = trend_of(growing(*range(1000, 900, -10)))

    assert trend is not None
    found = reach(trend, 2000)
    assert (found.expected, found.earliest, found.latest) == (None, None, None)


def test_days_without_samples_are_bridged() -> None:
    whole = growing(*(100 * n for n in range(20)))
    holed = [*whole[:5], *whole[12:]]

    trend = trend_of(holed)

    assert trend is not None
    assert trend.per_day == pytest.approx(100)
    assert trend.deviation == pytest.approx(0, abs=1e-6)


def test_of_each_day_the_last_counts() -> None:
    hours = [Level(at=BEGIN + timedelta(hours=n), size=n) for n in range(49)]

    kept = daily(hours)

    assert [one.at.day for one in kept] == [1, 2, 3]
    assert [one.size for one in kept] == [0, 24, 48]


def test_a_day_that_has_just_begun_is_no_day_yet() -> None:
    levels = [*growing(0, 24, 48), Level(at=BEGIN + 2 * DAY + timedelta(hours=2), size=1000)]

    assert [one.size for one in daily(levels)] == [0, 24, 48]


@given(
    st.lists(st.integers(-50, 200), min_size=8, max_size=60),
    st.integers(1, 40_000),
    st.integers(0, 40_000),
)
def test_what_is_said_is_in_order(steps: list[int], limit: int, more: int) -> None:
    trend = trend_of(growing(*itertools.accumulate(steps, initial=1000)))

    assert trend is not None
    near, far = reach(trend, limit), reach(trend, limit + more)
    for found in (near, far):
        assert _moment(found.earliest) <= _moment(found.expected) <= _moment(found.latest)
    assert _moment(near.expected) <= _moment(far.expected)
    assert _moment(near.earliest) <= _moment(far.earliest)


def _moment(at: datetime | None) -> datetime:
    return at or datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(("known", "ahead"), [(10, 7), (30, 30), (90, 60)])
def test_it_is_right_four_times_in_five(known: int, ahead: int) -> None:
    """Days of very different growth, as backups have them; whatever seed, about 80 of 100."""
    chance = random.Random(7)
    rounds, right = 600, 0
    for _walk in range(rounds):
        sizes = list(
            itertools.accumulate(chance.expovariate(1 / 100) for _day in range(known + ahead + 1))
        )
        trend = trend_of(growing(*sizes[: known + 1]))
        assert trend is not None
        off = abs(trend.expected(ahead) - sizes[known + ahead])
        right += off <= trend.spread(ahead)

    assert 0.75 <= right / rounds <= 0.86
