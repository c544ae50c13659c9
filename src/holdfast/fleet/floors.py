"""How short a retention may be, and when one is shorter than another.

The floor is that of the original products with their security features on: seven days, four weeks,
three months, one year. A finer rule that reaches as far is as good: twelve months are a year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from holdfast.vault.policy.retention import Policy, plan_retention
from holdfast.vault.policy.retention_rules import Every, Rule, Tagged, Unit, Within

FLOOR: tuple[tuple[Unit, int], ...] = (
    (Unit.DAILY, 7), (Unit.WEEKLY, 4), (Unit.MONTHLY, 3), (Unit.YEARLY, 1),
)  # fmt: skip
# How many of a finer unit certainly fill a coarser one.
_FILL: dict[Unit, dict[Unit, int]] = {
    Unit.DAILY: {Unit.DAILY: 1, Unit.HOURLY: 24},
    Unit.WEEKLY: {Unit.WEEKLY: 1, Unit.DAILY: 7, Unit.HOURLY: 7 * 24},
    Unit.MONTHLY: {Unit.MONTHLY: 1, Unit.WEEKLY: 5, Unit.DAILY: 31, Unit.HOURLY: 31 * 24},
    Unit.YEARLY: {
        Unit.YEARLY: 1, Unit.MONTHLY: 12, Unit.WEEKLY: 53, Unit.DAILY: 366, Unit.HOURLY: 366 * 24,
    },
}  # fmt: skip
_DAYS = {Unit.DAILY: 1, Unit.WEEKLY: 7, Unit.MONTHLY: 30, Unit.YEARLY: 365}
_HISTORY_HOURS, _HISTORY_DAYS = 20 * 24, 12 * 366
_TODAY = datetime(2026, 6, 17, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A part of the floor that a retention does not reach."""

    unit: str
    wanted: int


def shortfalls(rules: Sequence[Rule]) -> list[Shortfall]:
    """What is missing to the floor; without any rule everything is kept."""
    if not rules:
        return []
    return [
        Shortfall(unit=unit.value, wanted=wanted)
        for unit, wanted in FLOOR
        if not any(_reaches(rule, unit, wanted) for rule in rules)
    ]


def gaps(rules: Sequence[Rule]) -> list[Shortfall]:
    """Where these rules fall short of the floor of what they are about.

    A policy of weekly points needs no daily ones; one that reaches no part of the floor, as two
    points in all, falls short of its first.
    """
    missing = shortfalls(rules)
    if len(missing) == len(FLOOR):
        return missing[:1]
    named = {rule.unit.value for rule in rules if isinstance(rule, Every)}
    return [one for one in missing if one.unit in named]


def is_shorter(new: Sequence[Rule], old: Sequence[Rule]) -> bool:
    """Whether the new rules could let go of a point that the old ones hold.

    Where rules cannot be compared as such, they are tried on a long history of points; what reaches
    beyond it counts as shorter, since nobody could say.
    """
    if not new:
        return False
    if not old:
        return True
    uncovered = [rule for rule in old if not any(_covers(one, rule) for one in new)]
    if not uncovered:
        return False
    return bool(_kept(tuple(uncovered)) - _kept(tuple(new))) or any(map(_goes_beyond, uncovered))


def _reaches(rule: Rule, unit: Unit, wanted: int) -> bool:
    match rule:
        case Every():
            needed = _FILL[unit].get(rule.unit)
            return needed is not None and (rule.count is None or rule.count >= needed * wanted)
        case Within():
            span = rule.span
            days = span.years * 365 + span.months * 30 + span.days + span.hours / 24
            fine_enough = rule.unit is None or rule.unit in _FILL[unit]
            return fine_enough and days >= _DAYS[unit] * wanted
        case _:
            return False


def _covers(new: Rule, old: Rule) -> bool:
    """Whether the new rule holds at least what the old one holds, by its own words."""
    match new, old:
        case Every(), Every():
            is_same = (new.unit, new.slot) == (old.unit, old.slot)
            return is_same and (new.count is None or (old.count or _HISTORY_DAYS**2) <= new.count)
        case Within(), Within():
            return new.unit in (None, old.unit) and _is_longer(new, old)
        case Tagged(), Tagged():
            # Without tags it holds the points that bear none.
            return new == old or bool(new.tags and new.tags <= old.tags)
        case _:
            return False


def _is_longer(new: Within, old: Within) -> bool:
    ends = [rule.span.before(_TODAY) for rule in (new, old)]
    parts = [(s.years * 12 + s.months, s.days * 24 + s.hours) for s in (new.span, old.span)]
    return ends[0] <= ends[1] and all(a >= b for a, b in zip(*parts, strict=True))


def _goes_beyond(rule: Rule) -> bool:
    """Whether it holds even the oldest point of the history, or such as are not in it."""
    return isinstance(rule, Tagged) or _history()[-1].id in _kept((rule,))


def _kept(rules: tuple[Rule, ...]) -> frozenset[str]:
    plan = plan_retention(_history(), Policy(rules=rules, zone=UTC), now=_TODAY)
    return frozenset(point.id for point in plan.keep)


@dataclass(frozen=True, slots=True)
class _Imagined:
    id: str
    taken_at: datetime
    host: str = "host"
    paths: tuple[str, ...] = ("/",)
    tags: frozenset[str] = frozenset()


@cache
def _history() -> tuple[_Imagined, ...]:
    """One an hour for weeks, then one a day for years; newest first."""
    hours = [timedelta(hours=number) for number in range(_HISTORY_HOURS)]
    days = [timedelta(days=number) for number in range(_HISTORY_HOURS // 24, _HISTORY_DAYS)]
    return tuple(_Imagined(str(number), _TODAY - age) for number, age in enumerate(hours + days))
