import pytest

from holdfast.vault.policy.retention_grammar import parse_every, parse_tagged, parse_within
from holdfast.vault.policy.retention_rules import Unit
from holdfast.vault.upkeep_errors import RuleNotUnderstood


@pytest.mark.parametrize(
    ("unit", "text", "rules"),
    [
        (Unit.LAST, "3", ["last 3"]),
        (Unit.DAILY, " 7 ", ["daily 7"]),
        (Unit.DAILY, "all", ["daily all"]),
        (Unit.WEEKLY, "unlimited", ["weekly all"]),
        (Unit.WEEKLY, "4 on sat", ["weekly 4 on sat"]),
        (Unit.WEEKLY, "4 ON Saturday,wed", ["weekly 4 on sat", "weekly 4 on wed"]),
        (Unit.MONTHLY, "12 on last sat", ["monthly 12 on last sat"]),
        (Unit.MONTHLY, "12 on 1st monday", ["monthly 12 on first mon"]),
        (Unit.MONTHLY, "12 on first day", ["monthly 12 on day 1"]),
        (Unit.MONTHLY, "12 on day 1,15", ["monthly 12 on day 1", "monthly 12 on day 15"]),
        (Unit.YEARLY, "10 on last sat of march", ["yearly 10 on last sat of mar"]),
        (Unit.YEARLY, "2 on last day of jun,december",
         ["yearly 2 on day 31 of jun", "yearly 2 on day 31 of dec"]),
    ],
)  # fmt: skip
def test_what_people_type_is_understood(unit: Unit, text: str, rules: list[str]) -> None:
    found = parse_every(unit, text)

    assert [str(rule) for rule in found] == rules
    assert [
        str(again) for rule in rules for again in parse_every(unit, rule.split(" ", 1)[1])
    ] == rules


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (Unit.DAILY, ""),
        (Unit.DAILY, "0"),
        (Unit.DAILY, "-3"),
        (Unit.DAILY, "٣"),
        (Unit.DAILY, "seven"),
        (Unit.DAILY, "7 on sat"),
        (Unit.WEEKLY, "4 on"),
        (Unit.WEEKLY, "4 on caturday"),
        (Unit.WEEKLY, "4 on last sat"),
        (Unit.MONTHLY, "12 on sat"),
        (Unit.MONTHLY, "12 on fifth sat"),
        (Unit.MONTHLY, "12 on day 32"),
        (Unit.YEARLY, "10 on last sat"),
        (Unit.YEARLY, "10 on last sat of marsh"),
    ],
)
def test_what_is_not_understood_is_said(unit: Unit, text: str) -> None:
    with pytest.raises(RuleNotUnderstood, match="is no retention rule"):
        parse_every(unit, text)


def test_durations_are_those_of_restic_and_weeks() -> None:
    assert str(parse_within("2y5m7d3h")) == "within 2y5m7d3h"
    assert str(parse_within("2w 1d")) == "within 15d"
    assert str(parse_within("90d", Unit.DAILY)) == "within-daily 90d"
    with pytest.raises(RuleNotUnderstood):
        parse_within("3x")
    with pytest.raises(RuleNotUnderstood):
        parse_within("")


def test_tags_are_separated_by_commas() -> None:
    assert parse_tagged("a, b,").tags == {"a", "b"}
