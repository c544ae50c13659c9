"""What is due when: jitter, blackouts, catching up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from holdfast.fleet.schedule import Due, Timing, due, next_due, share_of
from holdfast.fleet.schedule_text import parse_schedule
from holdfast.fleet.windows import parse_window

MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def _timing(text: str, *blackouts: str, **more: Any) -> Timing:
    windows = tuple(map(parse_window, blackouts))
    return Timing(schedule=parse_schedule(text), zone=ZoneInfo("UTC"), blackouts=windows, **more)


def _next(timing: Timing, after: datetime, seed: str = "one") -> Due:
    found = next_due(timing, after, seed=seed)
    assert found is not None
    return found


def test_nothing_is_due_before_its_time() -> None:
    timing = _timing("daily 02:00")

    assert due(timing, MIDNIGHT, MIDNIGHT + HOUR, seed="one") is None


def test_run_is_due_at_its_time_and_no_longer_once_recorded() -> None:
    timing = _timing("daily 02:00")
    now = MIDNIGHT + 2 * HOUR

    found = due(timing, MIDNIGHT, now, seed="one")

    assert found == Due(key="2026-05-04T02:00:00Z", nominal=now, at=now)
    assert due(timing, now, now + HOUR, seed="one") is None


def test_one_run_stands_for_all_that_were_missed() -> None:
    timing = _timing("daily 02:00")

    found = due(timing, MIDNIGHT, MIDNIGHT + 5 * DAY, seed="one")

    assert found is not None
    assert found.key == "2026-05-08T02:00:00Z"
    assert found.missed == 4


def test_missed_run_stays_missed_where_nothing_is_caught_up() -> None:
    timing = _timing("daily 02:00", catches_up=False)

    assert due(timing, MIDNIGHT, MIDNIGHT + 2 * HOUR + timedelta(minutes=1), seed="one")
    assert due(timing, MIDNIGHT, MIDNIGHT + 3 * HOUR, seed="one") is None


def test_what_was_missed_too_long_ago_stays_missed() -> None:
    timing = _timing("daily 02:00", catch_up_within=6 * HOUR)

    assert due(timing, MIDNIGHT, MIDNIGHT + 8 * HOUR, seed="one")
    assert due(timing, MIDNIGHT, MIDNIGHT + 9 * HOUR, seed="one") is None


def test_without_a_beginning_only_this_moment_counts() -> None:
    timing = _timing("daily 02:00")

    assert due(timing, None, MIDNIGHT + 2 * HOUR, seed="one")
    assert due(timing, None, MIDNIGHT + 3 * HOUR, seed="one") is None


def test_clock_that_was_years_ahead_stops_nothing() -> None:
    timing = _timing("daily 02:00")

    assert due(timing, MIDNIGHT + 9999 * DAY, MIDNIGHT + 2 * HOUR, seed="one")


def test_jitter_is_the_same_each_time_and_differs_between_machines() -> None:
    timing = _timing("daily 02:00", jitter=HOUR)

    starts = {seed: _next(timing, MIDNIGHT, seed).at for seed in map(str, range(20))}

    assert starts == {seed: _next(timing, MIDNIGHT, seed).at for seed in starts}
    assert len(set(starts.values())) > 15
    assert all(2 * HOUR <= at - MIDNIGHT < 3 * HOUR for at in starts.values())


def test_jitter_keeps_the_key() -> None:
    found = _next(_timing("daily 02:00", jitter=HOUR), MIDNIGHT)

    assert found.key == "2026-05-04T02:00:00Z"
    assert found.nominal == MIDNIGHT + 2 * HOUR


def test_jitter_never_reaches_the_next_occurrence() -> None:
    timing = _timing("every 15m", jitter=5 * HOUR)

    for seed in map(str, range(50)):
        found = _next(timing, MIDNIGHT, seed)
        assert found.at - found.nominal < timedelta(minutes=15)


def test_run_in_a_blackout_is_put_off_to_its_end() -> None:
    timing = _timing("daily 10:00", "weekdays 08:00-18:00")

    found = _next(timing, MIDNIGHT)

    assert found.at == MIDNIGHT + 18 * HOUR
    assert found.key == "2026-05-04T10:00:00Z"


def test_blackouts_that_touch_are_one() -> None:
    timing = _timing("daily 10:00", "mon 08:00-18:00", "mon 18:00-24:00", "tue 00:00-03:00")

    assert _next(timing, MIDNIGHT).at == MIDNIGHT + 27 * HOUR


def test_occurrences_put_off_together_are_one_run() -> None:
    timing = _timing("every 1h", "daily 08:00-18:00")

    before = _next(timing, MIDNIGHT + 6.5 * HOUR)
    held = _next(timing, before.at)

    assert before.at == MIDNIGHT + 7 * HOUR
    assert held.at == MIDNIGHT + 18 * HOUR
    assert held.key == "2026-05-04T18:00:00Z"


def test_run_in_a_blackout_can_be_left_out() -> None:
    timing = _timing("daily 10:00", "mon,tue 08:00-18:00", skips_blackouts=True)

    assert _next(timing, MIDNIGHT).at == MIDNIGHT + 2 * DAY + 10 * HOUR


def test_schedule_inside_its_blackout_never_runs() -> None:
    timing = _timing("daily 10:00", "daily 08:00-18:00", skips_blackouts=True)

    assert next_due(timing, MIDNIGHT, seed="one") is None
    assert due(timing, MIDNIGHT, MIDNIGHT + 3 * DAY, seed="one") is None


def test_week_of_blackouts_ends_in_no_loop() -> None:
    timing = _timing("daily 10:00", "daily 00:00-24:00")

    next_due(timing, MIDNIGHT, seed="one")


def test_put_off_run_is_due_after_the_blackout_alone() -> None:
    timing = _timing("daily 10:00", "daily 08:00-18:00")

    assert due(timing, MIDNIGHT, MIDNIGHT + 12 * HOUR, seed="one") is None
    assert due(timing, MIDNIGHT, MIDNIGHT + 18 * HOUR, seed="one")


def test_year_of_missed_minutes_is_found_at_once() -> None:
    timing = _timing("every 1m", "weekdays 08:00-18:00", jitter=timedelta(seconds=30))

    found = due(timing, MIDNIGHT - 365 * DAY, MIDNIGHT, seed="one")

    assert found is not None
    assert found.missed == 100


def test_things_that_are_spread_begin_at_their_place_and_before_half_the_time_is_over() -> None:
    hourly, often = _timing("every 1h"), _timing("every 10m")

    def offset(timing: Timing, share: float) -> timedelta:
        found = _next(replace(timing, share=share), MIDNIGHT)
        return found.at - found.nominal

    assert [offset(hourly, share) for share in (0, 0.5, 0.999)] == [
        timedelta(0),
        timedelta(minutes=7, seconds=30),
        timedelta(minutes=14, seconds=59),
    ]
    assert offset(often, 0.5) == timedelta(minutes=2, seconds=30)
    assert offset(replace(hourly, spread=timedelta(0)), 0.9) == timedelta(0)
    assert offset(replace(often, spread=HOUR), 0.9) < timedelta(minutes=10)


def test_what_is_spread_runs_once_for_each_moment() -> None:
    timing = _timing("every 1h", share=0.5, spread=timedelta(minutes=20))
    begin = MIDNIGHT + timedelta(minutes=10)

    first = due(timing, MIDNIGHT - HOUR, begin, seed="one")

    assert first == Due(key="2026-05-04T00:00:00Z", nominal=MIDNIGHT, at=begin)
    assert due(timing, MIDNIGHT - HOUR, begin - timedelta(seconds=1), seed="one") is None
    assert due(timing, MIDNIGHT, begin + HOUR / 2, seed="one") is None


def test_places_are_stable_and_all_over() -> None:
    shares = [share_of("assignment", f"vm{number}") for number in range(200)]

    assert shares == [share_of("assignment", f"vm{number}") for number in range(200)]
    assert 0 <= min(shares) < 0.05
    assert 0.95 < max(shares) < 1
