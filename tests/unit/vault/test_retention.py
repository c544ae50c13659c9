from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from holdfast.vault.policy.retention import (
    IMPLAUSIBLE,
    NEWEST,
    GroupBy,
    Policy,
    RetentionPlan,
    plan_retention,
)
from holdfast.vault.policy.retention_grammar import parse_every, parse_tagged, parse_within
from holdfast.vault.policy.retention_rules import Every, Rule, Unit

SEOUL = ZoneInfo("Asia/Seoul")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 30, 22, tzinfo=UTC)


@dataclass(frozen=True)
class At:
    """A point at an hour of a day."""

    taken_at: datetime
    host: str = "alpha"
    paths: tuple[str, ...] = ("/srv",)
    tags: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return f"{self.taken_at.isoformat()} {self.host} {sorted(self.tags)}"


def daily(first: date, last: date, *, hour: int = 21, missing: Iterable[date] = ()) -> list[At]:
    """One point each evening, but for the days missing."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    gone = set(missing)
    return [At(datetime(d.year, d.month, d.day, hour, tzinfo=UTC)) for d in days if d not in gone]


def plan(
    points: Iterable[At], *rules: Iterable[Rule], zone: ZoneInfo | None = None
) -> RetentionPlan[At]:
    flat = tuple(rule for group in rules for rule in group)
    return plan_retention(points, Policy(rules=flat, zone=zone), now=NOW)


def kept_days(found: RetentionPlan[At]) -> list[date]:
    return sorted(point.taken_at.date() for point in found.keep)


def test_without_rules_everything_stays() -> None:
    points = daily(date(2026, 1, 1), date(2026, 1, 9))

    assert len(plan(points).keep) == 9


def test_the_classic_scheme_of_generations() -> None:
    points = daily(date(2016, 1, 1), date(2026, 6, 30))

    found = plan(
        points,
        parse_every(Unit.DAILY, "7"),
        parse_every(Unit.WEEKLY, "4 on sat"),
        parse_every(Unit.MONTHLY, "12 on last sat"),
        parse_every(Unit.YEARLY, "10 on last sat of march"),
    )

    saturdays = [date(2026, 6, day) for day in (6, 13, 20, 27)]
    last_saturdays = [
        date(2025, 7, 26), date(2025, 8, 30), date(2025, 9, 27), date(2025, 10, 25),
        date(2025, 11, 29), date(2025, 12, 27), date(2026, 1, 31), date(2026, 2, 28),
        date(2026, 3, 28), date(2026, 4, 25), date(2026, 5, 30), date(2026, 6, 27),
    ]  # fmt: skip
    marches = [
        date(2017, 3, 25), date(2018, 3, 31), date(2019, 3, 30), date(2020, 3, 28),
        date(2021, 3, 27), date(2022, 3, 26), date(2023, 3, 25), date(2024, 3, 30),
        date(2025, 3, 29), date(2026, 3, 28),
    ]  # fmt: skip
    days = [date(2026, 6, day) for day in range(24, 31)]
    assert kept_days(found) == sorted({*saturdays, *last_saturdays, *marches, *days})


def test_a_missed_saturday_is_taken_over_by_the_next_point() -> None:
    points = daily(
        date(2026, 6, 1), date(2026, 6, 30), missing=[date(2026, 6, 13), date(2026, 6, 14)]
    )

    found = plan(points, parse_every(Unit.WEEKLY, "3 on sat"))

    assert kept_days(found) == [date(2026, 6, day) for day in (15, 20, 27, 30)]


def test_a_missed_month_and_year_are_taken_over_as_well() -> None:
    points = daily(
        date(2024, 1, 1), date(2026, 6, 30), missing=[date(2026, 3, 28), date(2026, 5, 30)]
    )

    monthly = plan(points, parse_every(Unit.MONTHLY, "2 on last sat"))
    yearly = plan(points, parse_every(Unit.YEARLY, "2 on last sat of march"))

    assert kept_days(monthly) == [date(2026, 5, 31), date(2026, 6, 27), date(2026, 6, 30)]
    assert kept_days(yearly) == [date(2025, 3, 29), date(2026, 3, 29), date(2026, 6, 30)]


def test_the_point_that_took_over_stays_the_same_day_after_day() -> None:
    missing = [date(2026, 6, 6)]
    rule = parse_every(Unit.WEEKLY, "2 on sat")

    for last in range(7, 13):
        found = plan(daily(date(2026, 5, 25), date(2026, 6, last), missing=missing), rule)
        assert date(2026, 6, 7) in kept_days(found)


def test_of_several_points_of_the_chosen_day_the_last_is_kept() -> None:
    saturday = datetime(2026, 6, 27, tzinfo=UTC)
    points = [At(saturday + timedelta(hours=hour)) for hour in (1, 9, 23)]

    found = plan([*points, At(NOW)], parse_every(Unit.WEEKLY, "1 on sat"))

    assert [point.taken_at.hour for point in found.keep] == [22, 23]


@pytest.mark.parametrize(
    ("text", "day"),
    [("1 on first day", 1), ("1 on day 15", 15), ("1 on last day", 30), ("1 on 2nd tue", 9)],
)
def test_days_of_the_month(text: str, day: int) -> None:
    points = daily(date(2026, 5, 15), date(2026, 6, 30), hour=20)

    found = plan(points, parse_every(Unit.MONTHLY, text))

    assert date(2026, 6, day) in kept_days(found)
    assert len(found.keep) == len({date(2026, 6, day), date(2026, 6, 30)})


def test_a_day_that_a_month_lacks_is_its_last_one() -> None:
    points = daily(date(2026, 1, 1), date(2026, 3, 30))

    found = plan(points, parse_every(Unit.MONTHLY, "3 on day 31"))

    assert date(2026, 2, 28) in kept_days(found)
    assert date(2026, 1, 31) in kept_days(found)


def test_the_newest_point_of_each_group_stays_whatever_the_rules_say() -> None:
    points = [At(NOW - timedelta(days=900)), At(NOW - timedelta(days=800), host="beta")]

    found = plan(points, [parse_tagged("never")])

    assert [verdict.holds[0].rule for verdict in found.verdicts] == [NEWEST, NEWEST]


def test_a_pause_in_the_backups_expires_nothing() -> None:
    points = daily(date(2020, 1, 1), date(2020, 1, 7))

    assert plan(points, parse_every(Unit.DAILY, "7")).remove == []


def test_points_from_the_future_are_kept_and_drive_nobody_out() -> None:
    honest = daily(date(2026, 6, 24), date(2026, 6, 30))
    forged = [At(NOW + timedelta(days=days)) for days in range(2, 400)]

    found = plan([*honest, *forged], parse_every(Unit.DAILY, "7"), [parse_within("7d")])

    assert found.remove == []
    assert found.implausible == forged[::-1]
    assert {verdict.holds[0].rule for verdict in found.verdicts if verdict.is_implausible} == {
        IMPLAUSIBLE
    }


def test_a_point_of_a_machine_without_a_clock_is_not_the_first_to_go() -> None:
    lost = At(datetime(1970, 1, 1, 3, tzinfo=UTC))

    found = plan([lost, At(NOW)], parse_every(Unit.LAST, "1"))

    assert lost in found.implausible


def test_points_with_tags_are_held_until_somebody_says_otherwise() -> None:
    old = NOW - timedelta(days=999)
    audit = At(old, tags=frozenset({"audit", "2025"}))
    other = At(old - timedelta(days=1), tags=frozenset({"audit"}))

    found = plan([At(NOW), audit, other], [parse_tagged("audit,2025")])

    assert found.remove == [other]
    held = next(verdict for verdict in found.verdicts if verdict.point == audit)
    assert held.holds[0].rule == "tag 2025,audit"
    assert held.holds[0].is_forever
    assert held.until is None


def test_days_are_those_of_the_zone_asked_for() -> None:
    points = [At(datetime(2026, 6, 29, hour, tzinfo=UTC)) for hour in (14, 16)]

    before = At(datetime(2026, 6, 20, tzinfo=UTC))

    utc = plan([before, *points], parse_every(Unit.DAILY, "2"))
    seoul = plan([before, *points], parse_every(Unit.DAILY, "2"), zone=SEOUL)

    assert utc.keep == [points[1], before]
    assert seoul.keep == [points[1], points[0]]


def test_an_hour_that_the_clock_repeats_counts_twice() -> None:
    # 02:30 summer time and 02:30 winter time of the 26th of October 2025.
    points = [At(datetime(2025, 10, 26, hour, 30, tzinfo=UTC)) for hour in (0, 1)]

    found = plan(points, parse_every(Unit.HOURLY, "2"), zone=BERLIN)

    assert len(found.keep) == 2


def test_a_day_of_23_hours_is_a_day() -> None:
    points = [At(datetime(2026, 3, day, 22, 30, tzinfo=UTC)) for day in (27, 28)]
    points += [At(datetime(2026, 3, day, 21, 30, tzinfo=UTC)) for day in (29, 30)]

    found = plan(points, parse_every(Unit.DAILY, "4"), zone=BERLIN)

    assert len(found.keep) == 4


@pytest.mark.parametrize(
    ("rules", "until"),
    [
        (parse_every(Unit.DAILY, "7"), None),
        (parse_every(Unit.WEEKLY, "4 on sat"), datetime(2026, 7, 25, tzinfo=UTC)),
        (parse_every(Unit.WEEKLY, "4 on mon"), None),
        ([parse_within("14d")], datetime(2026, 7, 13, 21, tzinfo=UTC)),
        (parse_every(Unit.LAST, "3"), None),
    ],
)
def test_expiry_is_told_where_it_can_be_known(rules: list[Rule], until: datetime | None) -> None:
    points = daily(date(2026, 6, 29), date(2026, 6, 29))

    (verdict,) = plan(points, rules).verdicts

    assert verdict.until == until


@pytest.mark.parametrize(
    ("rules", "until"),
    [
        (parse_every(Unit.DAILY, "7"), datetime(2024, 7, 6, tzinfo=UTC)),
        (parse_every(Unit.MONTHLY, "12"), datetime(2025, 6, 1, tzinfo=UTC)),
        (parse_every(Unit.YEARLY, "10"), datetime(2034, 1, 1, tzinfo=UTC)),
    ],
)
def test_newest_of_a_finished_period_stays_until_enough_newer_ones(
    rules: list[Rule], until: datetime
) -> None:
    earlier = At(datetime(2024, 6, 29, 21, tzinfo=UTC))
    begins = {Unit.DAILY: (2024, 6, 30), Unit.MONTHLY: (2024, 7, 1), Unit.YEARLY: (2025, 1, 1)}
    (rule,) = rules
    assert isinstance(rule, Every)
    later = At(datetime(*begins[rule.unit], 21, tzinfo=UTC))

    found = plan([earlier, later], rules)

    assert {one.point: one.until for one in found.verdicts} == {earlier: until, later: None}


def test_the_rules_that_hold_a_point_are_named() -> None:
    found = plan(
        daily(date(2026, 6, 27), date(2026, 6, 30)),
        parse_every(Unit.DAILY, "30"),
        parse_every(Unit.WEEKLY, "4 on saturday"),
        [parse_within("1y6m", Unit.MONTHLY)],
    )

    named = [[hold.rule for hold in verdict.holds] for verdict in found.verdicts]
    assert named == [
        ["daily 30", "within-monthly 1y6m"],
        ["daily 30"],
        ["daily 30"],
        ["daily 30", "weekly 4 on sat", "within-monthly 1y6m, oldest"],
    ]


def test_the_oldest_point_stays_while_a_rule_has_room() -> None:
    points = daily(date(2025, 5, 10), date(2026, 6, 30))

    few = plan(points, parse_every(Unit.YEARLY, "2"))
    more = plan(points, parse_every(Unit.YEARLY, "3"))

    assert kept_days(few) == [date(2025, 12, 31), date(2026, 6, 30)]
    assert kept_days(more) == [date(2025, 5, 10), *kept_days(few)]
    assert more.verdicts[-1].holds[0].rule == "yearly 3, oldest"
    assert more.verdicts[-1].until == datetime(2027, 1, 1, tzinfo=UTC)


def test_groups_are_decided_one_by_one() -> None:
    points = [
        At(NOW - timedelta(hours=hours), host=host, tags=frozenset({tag}))
        for hours in range(3)
        for host in ("alpha", "beta")
        for tag in ("a", "b")
    ]

    by_host = plan_retention(
        points,
        Policy(rules=tuple(parse_every(Unit.LAST, "1")), group_by=frozenset({GroupBy.HOST})),
        now=NOW,
    )

    assert [group.group.host for group in by_host.groups] == ["alpha", "beta"]
    assert len(by_host.keep) == 2
