"""The pace of what a host sends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from holdfast.base.units import KIB, MIB
from holdfast.fleet.windows import WindowNotUnderstood
from holdfast.replication.pace import Pace
from holdfast.replication.settings import Limit
from holdfast.testing.clock import FakeClock

# A Friday.
EVENING = datetime(2026, 5, 1, 17, 59, 50, tzinfo=UTC)


def _send(pace: Pace, clock: FakeClock, size: int, *, piece: int = 64 * KIB) -> float:
    """How long it takes."""
    begin, left = clock.monotonic(), size
    while left > 0:
        part = min(left, pace.piece(piece))
        wait = pace.turn(part)
        clock.sleep(0.5 if wait is None else wait)
        left -= 0 if wait is None else part
    return clock.monotonic() - begin


def test_without_limits_nobody_waits() -> None:
    pace = Pace(FakeClock())

    assert pace.rate is None
    assert pace.piece(MIB) == MIB
    assert pace.turn(1 << 40) == 0


def test_what_is_sent_takes_as_long_as_the_limit_says() -> None:
    clock = FakeClock()
    pace = Pace(clock, [Limit(bytes_per_second=MIB)])

    seconds = _send(pace, clock, 20 * MIB)

    assert 19.5 < seconds <= 20


def test_pieces_are_no_longer_than_a_quarter_second() -> None:
    pace = Pace(FakeClock(), [Limit(bytes_per_second=400 * KIB)])

    assert pace.piece(MIB) == 100 * KIB


def test_a_narrow_line_still_carries_pieces_worth_sending() -> None:
    pace = Pace(FakeClock(), [Limit(bytes_per_second=100)])

    assert pace.piece(MIB) == 4 * KIB


def test_nobody_may_catch_up_with_what_was_not_sent_long_ago() -> None:
    clock = FakeClock()
    pace = Pace(clock, [Limit(bytes_per_second=MIB)])
    _send(pace, clock, MIB)
    clock.sleep(3600)

    seconds = _send(pace, clock, 10 * MIB)

    assert seconds > 9.5


def test_two_who_send_share_the_line_in_the_order_they_come() -> None:
    clock = FakeClock()
    pace = Pace(clock, [Limit(bytes_per_second=1000)])
    pace.turn(100)

    waits = [pace.turn(250), pace.turn(250), pace.turn(250)]

    # A tenth of a second was to be had without waiting.
    assert waits == pytest.approx([0.0, 0.25, 0.5])


def test_what_was_not_used_is_given_back() -> None:
    clock = FakeClock()
    pace = Pace(clock, [Limit(bytes_per_second=1000)])
    pace.turn(1000)
    pace.give_back(900)

    assert pace.turn(1) == 0.0


def test_a_change_is_obeyed_at_once() -> None:
    clock = FakeClock()
    pace = Pace(clock, [Limit(bytes_per_second=10)])
    pace.turn(10_000)

    pace.change([Limit(bytes_per_second=MIB)])

    assert pace.rate == MIB
    assert pace.turn(1) == 0.0


def test_windows_of_the_week_begin_and_end_in_the_middle_of_sending() -> None:
    clock = FakeClock(EVENING)
    office = Limit(bytes_per_second=100 * KIB, window="weekdays 08:00-18:00")
    pace = Pace(clock, [office, Limit(bytes_per_second=1000 * KIB)])

    # Ten seconds at the one rate, and then two at the other.
    seconds = _send(pace, clock, 3000 * KIB)

    assert seconds == pytest.approx(12, abs=0.5)


def test_the_first_window_that_fits_counts() -> None:
    night = Limit(bytes_per_second=1, window="daily 00:00-24:00")
    pace = Pace(FakeClock(EVENING), [Limit(bytes_per_second=2, window="fri 17:00-19:00"), night])

    assert pace.rate == 2


def test_windows_are_of_a_zone() -> None:
    office = Limit(bytes_per_second=5, window="weekdays 08:00-18:00")

    pace = Pace(FakeClock(EVENING), [office], ZoneInfo("Asia/Seoul"))

    assert pace.rate is None


def test_in_a_pause_nothing_goes_and_it_goes_on_by_itself() -> None:
    clock = FakeClock(EVENING)
    pace = Pace(clock, [Limit(bytes_per_second=0, window="fri 17:00-18:00")])

    first = pace.turn(100)
    seconds = _send(pace, clock, 100)

    assert first is None
    assert seconds == pytest.approx(10, abs=0.5)


def test_a_clock_that_is_set_back_stands_in_another_window() -> None:
    clock = FakeClock(EVENING)
    pace = Pace(clock, [Limit(bytes_per_second=5, window="fri 17:00-18:00")])
    before = pace.rate
    clock.jump(timedelta(hours=-2))

    assert (before, pace.rate) == (5, None)


def test_a_window_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(WindowNotUnderstood):
        Pace(FakeClock(), [Limit(bytes_per_second=5, window="sometimes")])
