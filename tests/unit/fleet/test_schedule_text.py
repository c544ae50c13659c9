"""Schedules as people type them."""

import pytest

from holdfast.fleet.schedule_text import ScheduleNotUnderstood, format_schedule, parse_schedule


@pytest.mark.parametrize(
    "text",
    [
        "every 15m",
        "every 1h30m",
        "every 4h from 08:00",
        "every 4h from 08:00 to 20:00",
        "every 1h from 22:00 to 06:00",
        "daily 02:00",
        "daily 06:00,18:00",
        "mon,fri 22:00",
        "weekdays 21:30",
        "weekends 21:30",
        "monthly 1st 03:00",
        "monthly 1st,11th,22nd 03:00",
        "monthly last 03:00",
        "monthly last sat 03:00",
        "monthly second tue,thu 03:00",
        "yearly mar last sat 03:00",
        "yearly mar,sep 1st 03:00",
    ],
)
def test_schedule_is_written_as_it_was_typed(text: str) -> None:
    assert format_schedule(parse_schedule(text)) == text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Daily 2:00", "daily 02:00"),
        ("every 90m", "every 1h30m"),
        ("every 1d", "every 24h"),
        ("mon-fri 08:00", "weekdays 08:00"),
        ("sat-mon 08:00", "mon,sat,sun 08:00"),
        ("mon,tue,wed,thu,fri,sat,sun 08:00", "daily 08:00"),
        ("daily 18:00,06:00,18:00", "daily 06:00,18:00"),
        ("monthly 1st sat 03:00", "monthly first sat 03:00"),
        ("monthly last day 03:00", "monthly last 03:00"),
    ],
)
def test_other_ways_to_type_it_mean_the_same(typed: str, kept: str) -> None:
    assert format_schedule(parse_schedule(typed)) == kept
    assert parse_schedule(kept) == parse_schedule(typed)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "none of the known forms"),
        ("tomorrow", "none of the known forms"),
        ("every 10s", "between 1m and 31d"),
        ("every 40d", "between 1m and 31d"),
        ("every soon", "not a duration"),
        ("every 99999999999999999h", ""),
        ("every 2d from 08:00", "longer than the day"),
        ("every 4h from 08:00 to 08:00", "leave out 'to'"),
        ("daily 24:00", "no time"),
        ("daily 25:10", "no time"),
        ("daily", "none of the known forms"),
        ("munday 02:00", "no weekday"),
        ("monthly 32nd 02:00", "no day of the month"),
        ("monthly fifth sat 02:00", "none of first"),
        ("monthly 02:00", "a day of the month"),
        ("yearly foo 1st 02:00", "no month"),
    ],
)
def test_refusal_says_what_was_not_understood(text: str, reason: str) -> None:
    with pytest.raises(ScheduleNotUnderstood) as caught:
        parse_schedule(text)

    assert reason in str(caught.value)
