"""Retention in a policy: a list of rules, one text each, as a plan of retention names them.

last 3                    the newest three
daily 7                   hourly, daily, weekly, monthly, yearly; "all" instead of a number
weekly 4 on sat
monthly 12 on last sat
yearly 10 on last sat of march
within 14d                all that are at most so much older than the newest
within-daily 1y6m         one a day, so long
tag audit,2025            whatever bears these marks
"""

import re
from collections.abc import Iterable

from holdfast.vault.policy.retention_grammar import parse_every, parse_tagged, parse_within
from holdfast.vault.policy.retention_rules import Every, Rule, Tagged, Unit, Within
from holdfast.vault.upkeep_errors import RuleNotUnderstood

_WITHIN = "within"
# More than so many points, or years, is a slip of the pen.
_TOO_LONG = re.compile(r"\d{5}")
_MOST_YEARS = 100


def parse_retention(texts: Iterable[str]) -> tuple[Rule, ...]:
    return tuple(rule for text in texts for rule in _parsed(text))


def format_retention(rules: Iterable[Rule]) -> list[str]:
    return [str(rule) for rule in rules]


def retain_arguments(texts: Iterable[str]) -> dict[str, list[str]]:
    """The same for a job: "weekly 4 on sat" is keep_weekly with "4 on sat"."""
    found: dict[str, list[str]] = {}
    for rule in parse_retention(texts):
        word, _space, rest = str(rule).partition(" ")
        found.setdefault(f"keep_{word.replace('-', '_')}", []).append(rest)
    return found


def _parsed(text: str) -> list[Every] | list[Within] | list[Tagged]:
    word, _space, rest = text.strip().partition(" ")
    kind = word.lower()
    if kind == "tag" and rest.strip():
        return [parse_tagged(rest)]
    if _TOO_LONG.search(rest):
        raise RuleNotUnderstood(rule=text, reason="9999 is the most")
    units = {unit.value: unit for unit in Unit}
    if kind in units:
        return list(parse_every(units[kind], rest))
    if kind == _WITHIN:
        return [_plausible(parse_within(rest), text)]
    unit = units.get(kind.removeprefix(f"{_WITHIN}-"))
    if kind.startswith(f"{_WITHIN}-") and unit not in (None, Unit.LAST):
        return [_plausible(parse_within(rest, unit), text)]
    raise RuleNotUnderstood(rule=text, reason="it begins with last, daily, within-daily, tag …")


def _plausible(rule: Within, text: str) -> Within:
    span = rule.span
    days = span.years * 366 + span.months * 31 + span.days + span.hours // 24
    if days > _MOST_YEARS * 366:
        raise RuleNotUnderstood(rule=text, reason="a hundred years are the most")
    return rule
