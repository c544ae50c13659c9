"""Which recovery points to keep, and which rule holds each of them.

The newest point of each group is always kept. A point whose time cannot be right, more than a day
in the future or before this format existed, is kept and named, and never makes another one expire:
somebody who can only add points must not be able to drive out the old ones with a date of 2099.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from typing import Generic, TypeVar

from holdfast.vault.policy.retention_rules import Point, Rule

P = TypeVar("P", bound=Point)

NEWEST = "newest"
IMPLAUSIBLE = "implausible time"
NO_RULES = "no rules"

_TOO_FAR_AHEAD = timedelta(days=1)
_TOO_EARLY = datetime(2000, 1, 1, tzinfo=UTC)


class GroupBy(Enum):
    HOST = "host"
    PATHS = "paths"
    TAGS = "tags"


HOST_AND_PATHS = frozenset({GroupBy.HOST, GroupBy.PATHS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    rules: tuple[Rule, ...] = ()
    group_by: frozenset[GroupBy] = HOST_AND_PATHS
    # None counts days and weeks in the zone each point was taken in, as restic does.
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A rule that holds a point, and until when at least; None where nobody can know."""

    rule: str
    until: datetime | None = None
    is_forever: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Generic[P]):
    point: P
    holds: tuple[Hold, ...]

    @property
    def keep(self) -> bool:
        return bool(self.holds)

    @property
    def is_implausible(self) -> bool:
        return any(hold.rule == IMPLAUSIBLE for hold in self.holds)

    @property
    def until(self) -> datetime | None:
        """Before this moment the rules do not let go of the point; None where it is not known."""
        moments = [hold.until for hold in self.holds]
        if not moments or None in moments:
            return None
        return max(moment for moment in moments if moment is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What the points of a group have in common; None where it is not looked at."""

    host: str | None = None
    paths: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan(Generic[P]):
    group: Group
    # Newest first.
    verdicts: tuple[Verdict[P], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan(Generic[P]):
    groups: tuple[GroupPlan[P], ...]

    @property
    def verdicts(self) -> list[Verdict[P]]:
        return [verdict for group in self.groups for verdict in group.verdicts]

    @property
    def keep(self) -> list[P]:
        return [verdict.point for verdict in self.verdicts if verdict.keep]

    @property
    def remove(self) -> list[P]:
        return [verdict.point for verdict in self.verdicts if not verdict.keep]

    @property
    def implausible(self) -> list[P]:
        return [verdict.point for verdict in self.verdicts if verdict.is_implausible]


def plan_retention(points: Iterable[P], policy: Policy, *, now: datetime) -> RetentionPlan[P]:
    """Decide on every point; without any rule all are kept."""
    groups: dict[Group, list[P]] = {}
    for point in points:
        groups.setdefault(_group_of(point, policy.group_by), []).append(point)
    return RetentionPlan(
        groups=tuple(
            GroupPlan(group=group, verdicts=_verdicts(members, policy, now))
            for group, members in sorted(groups.items(), key=lambda item: _sort_key(item[0]))
        )
    )


def _group_of(point: Point, by: frozenset[GroupBy]) -> Group:
    return Group(
        host=point.host if GroupBy.HOST in by else None,
        paths=tuple(sorted(point.paths)) if GroupBy.PATHS in by else None,
        tags=tuple(sorted(point.tags)) if GroupBy.TAGS in by else None,
    )


def _sort_key(group: Group) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return group.host or "", group.paths or (), group.tags or ()


def _verdicts(members: Sequence[P], policy: Policy, now: datetime) -> tuple[Verdict[P], ...]:
    ordered = sorted(members, key=lambda point: (point.taken_at, point.id), reverse=True)
    plausible = [point for point in ordered if _TOO_EARLY <= point.taken_at <= now + _TOO_FAR_AHEAD]
    holds = _holds(plausible, policy)
    doubtful = (Hold(rule=IMPLAUSIBLE, is_forever=True),)
    return tuple(
        Verdict(point=point, holds=tuple(holds[point.id]) if point.id in holds else doubtful)
        for point in ordered
    )


def _holds(points: Sequence[Point], policy: Policy) -> dict[str, list[Hold]]:
    """What holds each point; an empty list lets it go."""
    holds: dict[str, list[Hold]] = {point.id: [] for point in points}
    if not policy.rules:
        return {name: [Hold(rule=NO_RULES, is_forever=True)] for name in holds}
    for rule in policy.rules:
        for pick in rule.picks(points, policy.zone):
            name = f"{rule}, oldest" if pick.is_oldest else str(rule)
            hold = Hold(rule=name, until=pick.until, is_forever=rule.is_forever)
            holds[points[pick.place].id].append(hold)
    if points and not holds[points[0].id]:
        holds[points[0].id].append(Hold(rule=NEWEST))
    return holds
