"""What must hold for any schedule, zone, jitter and blackout."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from holdfast.fleet.schedule import Timing, due, next_due
from holdfast.fleet.schedule_text import format_schedule, parse_schedule
from holdfast.fleet.windows import covers_week, parse_window, stretch_around

hours = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
times = st.lists(hours, min_size=1, max_size=3).map(",".join)
weekday_names = st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
weekdays = st.one_of(
    st.sampled_from(["daily", "weekdays", "weekends"]),
    st.lists(weekday_names, min_size=1, max_size=3).map(",".join),
)
month_days = st.one_of(
    st.integers(1, 31).map("{}th".format),
    st.just("last"),
    st.builds(
        "{} {}".format,
        st.sampled_from(["first", "second", "third", "fourth", "last"]),
        weekday_names,
    ),
)
months = st.lists(st.sampled_from(["jan", "feb", "mar", "oct", "dec"]), min_size=1, max_size=2)
texts = st.one_of(
    st.integers(1, 3000).map("every {}m".format),
    st.builds("every {}m from {}".format, st.integers(1, 1440), hours),
    st.builds("every {}m from {} to {}".format, st.integers(1, 1440), hours, hours).filter(
        lambda text: text.split()[3] != text.split()[5]
    ),
    st.builds("{} {}".format, weekdays, times),
    st.builds("monthly {} {}".format, month_days, times),
    st.builds("yearly {} {} {}".format, months.map(",".join), month_days, times),
)
zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})).map(ZoneInfo)
# From 1995 to 2037, where clocks change by rules on record.
moments = st.integers(788_918_400, 2_114_380_800).map(lambda at: datetime.fromtimestamp(at, UTC))
windows = st.builds("{} {}-{}".format, weekdays, hours, hours).map(parse_window)
blackouts = st.lists(windows, max_size=3).map(tuple).filter(lambda found: not covers_week(found))
timings = st.builds(
    Timing,
    schedule=texts.map(parse_schedule),
    zone=zones,
    jitter=st.integers(0, 7200).map(lambda seconds: timedelta(seconds=seconds)),
    blackouts=blackouts,
    skips_blackouts=st.booleans(),
)


@given(text=texts)
def test_every_schedule_is_written_and_read_back(text: str) -> None:
    schedule = parse_schedule(text)

    assert parse_schedule(format_schedule(schedule)) == schedule


@given(text=texts, zone=zones, moment=moments)
def test_no_occurrence_lies_between_neighbours(text: str, zone: ZoneInfo, moment: datetime) -> None:
    schedule = parse_schedule(text)

    before, after = schedule.last_until(moment, zone), schedule.first_after(moment, zone)

    assert before <= moment < after
    assert schedule.first_after(before, zone) == after
    assert schedule.last_until(after, zone) == after
    assert schedule.last_until(after - timedelta.resolution, zone) == before


@given(timing=timings, moment=moments)
def test_runs_go_forward_outside_blackouts_one_per_occurrence(
    timing: Timing, moment: datetime
) -> None:
    keys = []
    for _number in range(5):
        found = next_due(timing, moment, seed="machine")
        if found is None:
            break
        assert found.at > moment
        assert found.nominal <= found.at
        assert stretch_around(timing.blackouts, found.at, timing.zone) is None
        keys.append(found.key)
        moment = found.at

    assert len(set(keys)) == len(keys)


@given(timing=timings, moment=moments, wait=st.integers(0, 100_000))
def test_what_comes_next_is_what_is_due_then(timing: Timing, moment: datetime, wait: int) -> None:
    coming = next_due(timing, moment, seed="machine")
    if coming is None:
        return

    found = due(timing, moment - timedelta(days=400), coming.at, seed="machine")

    assert found is not None
    assert (found.key, found.at) == (coming.key, coming.at)
    later = due(timing, coming.nominal, coming.at + timedelta(seconds=wait), seed="machine")
    assert later is None or later.nominal > coming.nominal
