"""What a policy's retention means for the points a machine has told of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.catalog.tables import Point
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
    """A point that would go, and what holds it now; nothing: no policy does."""

    point: Told
    held_by: tuple[str, ...]


def verdicts(points: Iterable[Point], policy: Policy, *, now: datetime) -> dict[str, Verdict[Told]]:
    """Of every point under this policy, by its id."""
    return {verdict.point.id: verdict for verdict in _plan(points, policy, now).verdicts}


def points_of(points: Iterable[Point], paths: Sequence[str]) -> list[Point]:
    """Those that an assignment of these paths has made."""
    wanted = set(paths)
    return [point for point in points if set(point.paths) == wanted]


def losses(
    points: Sequence[Point], *, old: Policy | None, new: Policy, now: datetime
) -> list[Loss]:
    """The points held now that the new policy would let go, newest first."""
    before = verdicts(points, old, now=now) if old is not None else {}
    gone = _plan(points, new, now).remove
    held = {id_: tuple(hold.rule for hold in verdict.holds) for id_, verdict in before.items()}
    found = [
        Loss(point=point, held_by=held.get(point.id, ()))
        for point in gone
        if old is None or held[point.id]
    ]
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
