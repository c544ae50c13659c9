"""How short retention may be, and what is shorter than what."""

import pytest

from holdfast.fleet.floors import gaps, is_shorter, shortfalls
from holdfast.fleet.retention_text import format_retention, parse_retention


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        ([], []),
        (["daily 7", "weekly 4", "monthly 3", "yearly 1"], []),
        (["daily 7", "weekly 4", "monthly 12"], []),
        (["daily 366"], []),
        (["within 1y"], []),
        (["within-daily 1y"], []),
        (["daily all"], []),
        (["daily 7", "weekly 4 on sat", "monthly 3 on last sat", "yearly 1 on day 1 of jan"], []),
        (["daily 6", "weekly 4", "monthly 12"], ["daily"]),
        (["daily 7"], ["weekly", "monthly", "yearly"]),
        (["daily 28"], ["monthly", "yearly"]),
        (["within-weekly 1y"], ["daily"]),
        (["last 9999"], ["daily", "weekly", "monthly", "yearly"]),
        (["tag a"], ["daily", "weekly", "monthly", "yearly"]),
    ],
)
def test_what_is_missing_to_the_floor(rules: list[str], missing: list[str]) -> None:
    assert [one.unit for one in shortfalls(parse_retention(rules))] == missing


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        ([], []),
        (["daily 7"], []),
        (["weekly 4 on sat"], []),
        (["daily 6"], ["daily"]),
        (["daily 30", "weekly 2", "monthly 2"], ["monthly"]),
        (["daily 7", "weekly 2"], ["weekly"]),
        (["last 2"], ["daily"]),
        (["last 2", "weekly 4"], []),
        (["within 3d"], ["daily"]),
    ],
)
def test_what_a_rule_is_about_has_a_floor(rules: list[str], missing: list[str]) -> None:
    assert [one.unit for one in gaps(parse_retention(rules))] == missing


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["daily 7"], ["daily 6"]),
        (["daily 7", "weekly 4"], ["daily 7"]),
        (["daily 9999"], ["daily 5000"]),
        ([], ["yearly all"]),
        (["weekly 4"], ["weekly 4 on sat"]),
        (["within 14d"], ["within 13d"]),
        (["within 14d"], ["within-daily 14d"]),
        (["within 1m"], ["within 30d"]),
        (["last 5"], ["daily 3"]),
        (["tag audit"], ["tag other"]),
        (["tag audit"], ["daily 7"]),
        (["yearly all"], ["yearly 50"]),
    ],
)
def test_shorter_is_seen(old: list[str], new: list[str]) -> None:
    assert is_shorter(parse_retention(new), parse_retention(old))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["daily 7"], ["daily 7"]),
        (["daily 7"], ["daily 8", "last 1"]),
        (["daily 7"], []),
        (["weekly 4"], ["weekly all"]),
        (["daily 7"], ["within 8d"]),
        (["within-daily 14d"], ["within 14d"]),
        (["last 3"], ["within 10d"]),
        (["hourly 10"], ["last 10"]),
        (["tag audit,2025"], ["tag audit"]),
        (["monthly 12"], ["monthly 12", "weekly 4"]),
    ],
)
def test_longer_or_equal_is_not_shorter(old: list[str], new: list[str]) -> None:
    assert not is_shorter(parse_retention(new), parse_retention(old))


def test_rules_are_written_as_they_are_typed() -> None:
    texts = ["last 3", "weekly 4 on sat", "monthly 2 on day 31", "within-daily 1y6m", "tag a,b"]

    assert format_retention(parse_retention(texts)) == texts
