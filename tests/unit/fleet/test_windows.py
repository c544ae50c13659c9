"""Parts of the week."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from holdfast.fleet.windows import (
    Rate,
    WindowNotUnderstood,
    covers_week,
    parse_window,
    rate_at,
    stretch_around,
)

UTC_ZONE = ZoneInfo("UTC")
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORK = Rate(window=parse_window("weekdays 08:00-18:00"), rate=1000)


@pytest.mark.parametrize(
    "text", ["weekdays 08:00-18:00", "sat 00:00-24:00", "daily 22:00-06:00", "mon,wed 08:00-08:00"]
)
def test_window_is_written_as_it_was_typed(text: str) -> None:
    assert str(parse_window(text)) == text


@pytest.mark.parametrize("text", ["", "weekdays", "08:00-18:00", "mon 8-18", "foo 08:00-18:00"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(WindowNotUnderstood):
        parse_window(text)


def test_window_over_midnight_reaches_the_next_morning() -> None:
    windows = [parse_window("sun 22:00-06:00")]

    found = stretch_around(windows, MONDAY + 5 * HOUR, UTC_ZONE)

    assert found is not None
    assert found.begin == MONDAY - 2 * HOUR
    assert found.end == MONDAY + 6 * HOUR
    assert stretch_around(windows, MONDAY + 6 * HOUR, UTC_ZONE) is None


def test_window_of_the_skipped_hour_is_empty() -> None:
    windows = [parse_window("sun 02:00-03:00")]
    berlin = ZoneInfo("Europe/Berlin")

    change = datetime(2026, 3, 29, 1, tzinfo=UTC)

    assert stretch_around(windows, change, berlin) is None
    assert stretch_around(windows, change - HOUR / 2, berlin) is None


def test_rate_holds_until_the_next_edge() -> None:
    assert rate_at([WORK], None, now=MONDAY + 9 * HOUR, zone=UTC_ZONE) == (
        1000,
        MONDAY + 18 * HOUR,
    )
    assert rate_at([WORK], 5000, now=MONDAY + 20 * HOUR, zone=UTC_ZONE) == (
        5000,
        MONDAY + 32 * HOUR,
    )


def test_first_of_overlapping_windows_counts() -> None:
    pause = Rate(window=parse_window("mon 12:00-13:00"), rate=0)

    rate, until = rate_at([pause, WORK], None, now=MONDAY + 12 * HOUR, zone=UTC_ZONE)

    assert rate == 0
    assert until == MONDAY + 13 * HOUR


def test_without_windows_the_default_holds_for_ever() -> None:
    assert rate_at([], 7, now=MONDAY, zone=UTC_ZONE) == (7, None)


@pytest.mark.parametrize(
    ("windows", "covered"),
    [
        (["daily 00:00-24:00"], True),
        (["weekdays 00:00-24:00", "sat,sun 00:00-24:00"], True),
        (["daily 20:00-08:00", "daily 08:00-20:00"], True),
        (["daily 20:00-08:00", "daily 08:00-19:59"], False),
        (["weekdays 00:00-24:00"], False),
        ([], False),
    ],
)
def test_week_without_a_gap_is_known(windows: list[str], covered: bool) -> None:
    assert covers_week(map(parse_window, windows)) is covered
