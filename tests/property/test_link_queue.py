"""What a link gets through: the reckoning against a link that sends one unit after the other."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication.planner.link_queue import Logs, needed_rate, percentile, ship

SIZES = st.lists(st.integers(0, 30), max_size=12)
STRETCHES = st.lists(SIZES, max_size=3).map(lambda found: tuple(map(tuple, found)))
RATES = st.integers(1, 8)
INTERVALS = st.integers(1, 6)


def arrivals(sizes: tuple[int, ...], rate: int, interval: int) -> list[Fraction]:
    """When each log is there: at each tick the link sends one unit of the oldest that may go."""
    left = list(sizes)
    found: list[Fraction] = []
    tick = 0
    while len(found) < len(left):
        now = Fraction(tick, rate)
        while (
            len(found) < len(left) and not left[len(found)] and (len(found) + 1) * interval <= now
        ):
            found.append(now)
        oldest = len(found)
        if oldest < len(left) and (oldest + 1) * interval <= now:
            left[oldest] -= 1
        tick += 1
    return found


@given(SIZES.map(tuple), RATES, INTERVALS)
def test_logs_arrive_when_a_link_is_through_with_them(
    sizes: tuple[int, ...], rate: int, interval: int
) -> None:
    expected = arrivals(sizes, rate, interval)

    shipping = ship(Logs(interval=interval, stretches=(sizes,)), rate)

    # A log is one interval old when it may go.
    for number, age in enumerate(shipping.ages):
        assert abs(age - float(expected[number] - number * interval)) < 1e-6


@given(SIZES.map(tuple), RATES, INTERVALS)
def test_time_in_which_the_site_is_too_old_is_counted_once(
    sizes: tuple[int, ...], rate: int, interval: int
) -> None:
    there = arrivals(sizes, rate, interval)
    late = Fraction(0)
    before = Fraction(0)
    for number, arrived in enumerate(there):
        # From then on the newest point of the site is more than two intervals old.
        too_old = Fraction((number + 2) * interval)
        late += max(Fraction(0), arrived - max(too_old, before))
        before = arrived

    shipping = ship(Logs(interval=interval, stretches=(sizes,)), rate)

    assert abs(shipping.late_seconds - float(late)) < 1e-6
    assert shipping.late == sum(
        arrived > (number + 2) * interval for number, arrived in enumerate(there)
    )


@given(STRETCHES, INTERVALS)
def test_needed_rate_is_enough_and_less_is_not(
    stretches: tuple[tuple[int, ...], ...], interval: int
) -> None:
    logs = Logs(interval=interval, stretches=stretches)

    rate = needed_rate(logs)

    assert ship(logs, rate * 1.000001).late == 0
    if rate:
        assert ship(logs, rate * 0.999).late > 0


@given(STRETCHES, INTERVALS, st.sampled_from([0.5, 0.9, 0.99]))
def test_rate_for_a_share_of_the_time_gives_that_share(
    stretches: tuple[tuple[int, ...], ...], interval: int, share: float
) -> None:
    logs = Logs(interval=interval, stretches=stretches)

    rate = needed_rate(logs, share)

    assert rate <= needed_rate(logs)
    assert ship(logs, rate).met >= share or not logs.greatest


@given(STRETCHES, INTERVALS, RATES, RATES)
def test_a_faster_link_never_makes_it_worse(
    stretches: tuple[tuple[int, ...], ...], interval: int, one: int, other: int
) -> None:
    logs = Logs(interval=interval, stretches=stretches)

    slow, fast = ship(logs, min(one, other)), ship(logs, max(one, other))

    assert fast.worst_age <= slow.worst_age + 1e-9
    assert fast.late <= slow.late
    assert fast.met >= slow.met - 1e-9


@given(st.lists(st.floats(0, 1e12), min_size=1), st.floats(0, 100))
def test_percentile_lies_within_the_values(values: list[float], percent: float) -> None:
    found = percentile(values, percent)

    assert min(values) <= found <= max(values)
