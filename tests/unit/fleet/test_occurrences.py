"""The moments of a schedule, through clock changes and short months."""

import resource
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from holdfast.fleet.local_time import ZoneUnknown, ZoneUnreadable, read_zone
from holdfast.fleet.schedule_text import parse_schedule

BERLIN = ZoneInfo("Europe/Berlin")


def _local(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def _runs(text: str, after: datetime, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    schedule = parse_schedule(text)
    found = []
    for _number in range(count):
        after = schedule.first_after(after, zone)
        found.append(f"{after.astimezone(zone):%Y-%m-%d %H:%M %z}")
    return found


def test_skipped_time_runs_at_the_first_moment_after() -> None:
    # On 2026-03-29 clocks in Berlin go from 02:00 to 03:00.
    assert _runs("daily 02:30", _local("2026-03-28"), 3) == [
        "2026-03-28 02:30 +0100",
        "2026-03-29 03:00 +0200",
        "2026-03-30 02:30 +0200",
    ]


def test_times_skipped_together_run_once() -> None:
    assert _runs("daily 02:10,02:40,03:00", _local("2026-03-29"), 2) == [
        "2026-03-29 03:00 +0200",
        "2026-03-30 02:10 +0200",
    ]


def test_doubled_time_runs_once_the_first_time() -> None:
    # On 2026-10-25 clocks in Berlin show 02:00 to 03:00 twice.
    assert _runs("daily 02:30", _local("2026-10-25"), 2) == [
        "2026-10-25 02:30 +0200",
        "2026-10-26 02:30 +0100",
    ]


def test_interval_counts_real_hours_through_a_clock_change() -> None:
    assert _runs("every 1h", _local("2026-10-25 00:30"), 4) == [
        "2026-10-25 01:00 +0200",
        "2026-10-25 02:00 +0200",
        "2026-10-25 02:00 +0100",
        "2026-10-25 03:00 +0100",
    ]


def test_interval_from_to_begins_anew_each_day() -> None:
    assert _runs("every 5h from 08:00 to 20:00", _local("2026-05-01 12:00"), 4) == [
        "2026-05-01 13:00 +0200",
        "2026-05-01 18:00 +0200",
        "2026-05-02 08:00 +0200",
        "2026-05-02 13:00 +0200",
    ]


def test_interval_over_midnight_ends_the_next_day() -> None:
    assert _runs("every 4h from 22:00 to 06:00", _local("2026-05-01 12:00"), 4) == [
        "2026-05-01 22:00 +0200",
        "2026-05-02 02:00 +0200",
        "2026-05-02 06:00 +0200",
        "2026-05-02 22:00 +0200",
    ]


def test_interval_without_an_end_stops_before_the_next_begin() -> None:
    assert _runs("every 9h from 08:00", _local("2026-05-01 07:00"), 4) == [
        "2026-05-01 08:00 +0200",
        "2026-05-01 17:00 +0200",
        "2026-05-02 02:00 +0200",
        "2026-05-02 08:00 +0200",
    ]


def test_half_an_hour_of_clock_change_is_half_an_hour() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")

    # On 2026-10-04 clocks there go from 02:00 to 02:30.
    runs = _runs("daily 02:15", _local("2026-10-03 12:00", lord_howe), 1, lord_howe)

    assert runs == ["2026-10-04 02:30 +1100"]


def test_day_that_a_zone_left_out_runs_when_the_next_begins() -> None:
    apia = ZoneInfo("Pacific/Apia")

    runs = _runs("daily 06:00", _local("2011-12-29 12:00", apia), 2, apia)

    assert runs == ["2011-12-31 00:00 +1400", "2011-12-31 06:00 +1400"]


def test_time_that_a_clock_set_back_over_midnight_repeats_runs_the_first_time() -> None:
    st_johns = ZoneInfo("America/St_Johns")

    # On 2006-10-29 at 00:01 clocks there went back to 23:01 of the 28th.
    runs = _runs("daily 00:00", _local("2006-10-28 12:00", st_johns), 2, st_johns)

    assert runs == ["2006-10-29 00:00 -0230", "2006-10-30 00:00 -0330"]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("monthly 31st 03:00", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("monthly last 03:00", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("monthly last sat 03:00", ["2026-01-31", "2026-02-28", "2026-03-28"]),
        ("monthly first mon,wed 03:00", ["2026-01-05", "2026-01-07", "2026-02-02"]),
        ("yearly mar last sat 03:00", ["2026-03-28", "2027-03-27", "2028-03-25"]),
        ("yearly feb 29th 03:00", ["2026-02-28", "2027-02-28", "2028-02-29"]),
        ("weekdays 03:00", ["2026-01-01", "2026-01-02", "2026-01-05"]),
    ],
)
def test_days_of_the_calendar(text: str, runs: list[str]) -> None:
    found = _runs(text, datetime(2026, 1, 1, tzinfo=UTC), 3)

    assert [run[:10] for run in found] == runs


def test_last_one_up_to_a_moment_includes_it() -> None:
    schedule = parse_schedule("daily 02:00")
    two = _local("2026-05-01 02:00")

    assert schedule.last_until(two, BERLIN) == two
    assert schedule.last_until(two - timedelta(seconds=1), BERLIN) == two - timedelta(days=1)


def test_unknown_zone_names_those_that_are_near() -> None:
    with pytest.raises(ZoneUnknown) as caught:
        read_zone("Europe/Berln")

    assert "Europe/Berlin" in caught.value.advice


def test_a_zone_that_is_there_but_cannot_be_opened_is_not_called_unknown() -> None:
    ZoneInfo.clear_cache(only_keys=["Europe/Berlin"])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))

    try:
        with pytest.raises(ZoneUnreadable) as caught:
            read_zone("Europe/Berlin")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert "Too many open files" in str(caught.value)
