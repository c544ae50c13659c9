"""Recovery points: told by their machines, shown with what holds each and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.machine_views import machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.policy_errors import PointsNotUnderstood
from holdfast.app.control.retaining import Told, points_of, verdicts
from holdfast.base.ids import is_file_id
from holdfast.base.texts import _
from holdfast.catalog import points as point_rows
from holdfast.catalog import policies as policy_rows
from holdfast.catalog.database import Session
from holdfast.catalog.policies import Filter
from holdfast.catalog.tables import Point
from holdfast.fleet.local_time import in_utc
from holdfast.fleet.messages import PointsTold, PointTold
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.policies import known_policy
from holdfast.fleet.roles import Right
from holdfast.vault.policy.retention import Verdict

MOST_POINTS = 50_000
_LARGEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """A rule that holds a point; `until` is the earliest end, None where nobody can know."""

    rule: str
    until: datetime | None
    is_forever: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PointView:
    id: str
    taken_at: datetime
    host: str
    paths: list[str]
    tags: list[str]
    bytes_total: int | None
    bytes_added: int | None
    # The policy that decides on it; None: nothing makes it go.
    policy: str | None
    holds: list[HoldView]
    # The next retain lets it go.
    is_expired: bool
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsTaken:
    new: int
    gone: int


def take_points(plane: Plane, actor: Actor, told: PointsTold) -> PointsTaken:
    """Every point of the machine that tells; those not named are gone."""
    if actor.kind != "machine":
        raise NotAllowed(actor=str(actor), right="tell-points", object="machine")
    if len(told.points) > MOST_POINTS:
        raise PointsNotUnderstood(reason=_("more than {most} points").format(most=MOST_POINTS))
    rows = {one.id: _row(actor.id, one) for one in told.points}
    with plane.database.write() as db:
        new, gone = point_rows.replace_all(db, actor.id, rows)
    return PointsTaken(new=new, gone=gone)


def list_points(plane: Plane, actor: Actor, machine_id: str, window: Window) -> Page[PointView]:
    """Newest first."""
    after = window.dated()
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.READ)
        points = point_rows.of_machine(db, machine.id)
        decided = _decided(db, machine.id, points, plane.clock.now())
    rows = [one for one in points if after is None or (one.taken_at, one.id) < after]
    return make_page(
        rows[: window.one_more],
        window,
        key=lambda one: [one.taken_at.isoformat(), one.id],
        view=lambda one: _view(one, *decided.get(one.id, (None, None))),
    )


def show_point(plane: Plane, actor: Actor, machine_id: str, point_id: str) -> PointView:
    """With the rules that hold it; by its id, or enough of its beginning."""
    with plane.database.read() as db:
        machine = machine_for(db, actor, machine_id, Right.READ)
        points = point_rows.of_machine(db, machine.id)
        found = [one for one in points if one.id.startswith(point_id)]
        if len(found) != 1:
            raise NotThere(what=_("recovery point"), name=point_id)
        decided = _decided(db, machine.id, points, plane.clock.now())
    return _view(found[0], *decided.get(found[0].id, (None, None)))


def _decided(
    db: Session, machine_id: str, points: Sequence[Point], now: datetime
) -> dict[str, tuple[str, Verdict[Told]]]:
    """What the policies of the machine say about its points."""
    found: dict[str, tuple[str, Verdict[Told]]] = {}
    for one in policy_rows.attached(db, Filter(machine_id=machine_id)):
        own = points_of(points, one.assignment.id)
        policy = known_policy(one.policy.body)
        for id_, verdict in verdicts(own, policy, now=now).items():
            found[id_] = (one.policy.name, verdict)
    return found


def _view(row: Point, policy: str | None, verdict: Verdict[Told] | None) -> PointView:
    holds = verdict.holds if verdict else ()
    return PointView(
        id=row.id,
        taken_at=row.taken_at,
        host=row.host,
        paths=row.paths,
        tags=row.tags,
        bytes_total=row.bytes_total,
        bytes_added=row.bytes_added,
        policy=policy,
        holds=[HoldView(rule=h.rule, until=h.until, is_forever=h.is_forever) for h in holds],
        is_expired=verdict is not None and not verdict.keep,
        expires_at=verdict.until if verdict else None,
    )


def _row(machine_id: str, told: PointTold) -> Point:
    texts = [told.host, *told.paths, *told.tags]
    sizes = [size for size in (told.bytes_total, told.bytes_added) if size is not None]
    if not is_file_id(told.id):
        raise PointsNotUnderstood(reason=_("'{id}' is no id").format(id=ascii(told.id[:80])[1:-1]))
    if any("\0" in text for text in texts) or any(not 0 <= size <= _LARGEST for size in sizes):
        raise PointsNotUnderstood(reason=_("a value of {id} cannot be").format(id=told.id[:8]))
    return Point(
        machine_id=machine_id,
        id=told.id,
        # Also of the year 1 or 9999: retention keeps and names it.
        taken_at=in_utc(told.taken_at),
        host=told.host,
        paths=told.paths,
        tags=told.tags,
        bytes_total=told.bytes_total,
        bytes_added=told.bytes_added,
    )
