"""What a policy's retention means for the points a machine has told of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.catalog.tables import Point
from holdfast.fleet.backup_options import tag_of
from holdfast.fleet.policies import Policy
from holdfast.vault.policy.retention import Policy as Retention
from holdfast.vault.policy.retention import RetentionPlan, Verdict, plan_retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A point, as retention looks at it."""

    id: str
    taken_at: datetime
    host: str
    paths: tuple[str, ...]
    tags: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A point that would go, and what holds it now."""

    point: Told
    held_by: tuple[str, ...]


def verdicts(points: Iterable[Point], policy: Policy, *, now: datetime) -> dict[str, Verdict[Told]]:
    """Of every point under this policy, by its id."""
    return {verdict.point.id: verdict for verdict in _plan(points, policy, now).verdicts}


def points_of(points: Iterable[Point], assignment_id: str) -> list[Point]:
    """Those that this assignment has made: its retention concerns them and no others."""
    mark = tag_of(assignment_id)
    return [point for point in points if mark in point.tags]


def losses(points: Sequence[Point], *, old: Policy, new: Policy, now: datetime) -> list[Loss]:
    """The points held now that the new policy would let go, newest first."""
    before = verdicts(points, old, now=now)
    held = {id_: tuple(hold.rule for hold in verdict.holds) for id_, verdict in before.items()}
    gone = _plan(points, new, now).remove
    found = [Loss(point=one, held_by=held[one.id]) for one in gone if held[one.id]]
    return sorted(found, key=lambda loss: loss.point.taken_at, reverse=True)


def _plan(points: Iterable[Point], policy: Policy, now: datetime) -> RetentionPlan[Told]:
    retention = Retention(rules=policy.rules, zone=policy.place)
    return plan_retention(map(_told, points), retention, now=now)


def _told(point: Point) -> Told:
    return Told(
        id=point.id,
        taken_at=point.taken_at,
        host=point.host,
        paths=tuple(point.paths),
        tags=frozenset(point.tags),
    )
