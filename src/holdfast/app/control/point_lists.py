"""Recovery points of many machines: in a list, and on a calendar."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.machine_views import machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.vault_rows import any_vault
from holdfast.catalog import points as point_rows
from holdfast.catalog.database import Session
from holdfast.catalog.points import CLASS_MARK, CLASSES, Glance, Placed, PointFilter
from holdfast.fleet.local_time import read_zone
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right

VM_MARK = "vm:"
# A year and the days around it, as a calendar shows them.
MOST_DAYS = 400
MOST_GLANCES = 100_000
# Whoever asks for other years means none of these.
_EARLIEST, _LATEST = date(1990, 1, 1), date(9000, 1, 1)
_OF_A_VM = "vm"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointWanted:
    """Which points; what is None restricts nothing."""

    # By its id or name.
    vault: str | None = None
    machine: str | None = None
    # The UUID of a virtual machine.
    vm: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointLine:
    """A point in a list over machines."""

    id: str
    machine_id: str
    machine: str
    vault_id: str
    taken_at: datetime
    host: str
    paths: list[str]
    tags: list[str]
    # Of the virtual machine it is of; None: it is of files.
    vm: str | None
    # application, filesystem or crash; None: of files, or its machine does not say.
    consistency: str | None
    bytes_total: int | None
    bytes_added: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """A day with points, by the clocks of the zone that was asked for."""

    day: date
    points: int
    bytes_added: int
    newest_at: datetime
    # How many there are of each class; those without one are not counted.
    classes: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    zone: str
    first: date
    last: date
    # Days without a point are not named; oldest first.
    days: list[CalendarDay]
    points: int


def list_all_points(
    plane: Plane, actor: Actor, wanted: PointWanted, window: Window
) -> Page[PointLine]:
    """Newest first, of every machine the caller may look at."""
    before = _before(window)
    with plane.database.read() as db:
        found = point_rows.over_machines(
            db,
            _filter(db, actor, wanted),
            vaults=readable_vaults(db, actor),
            limit=window.one_more,
            before=before,
        )
    return make_page(found, window, key=_key, view=_line)


def points_calendar(
    plane: Plane,
    actor: Actor,
    wanted: PointWanted,
    *,
    first: date | None = None,
    last: date | None = None,
    zone: str = "UTC",
) -> Calendar:
    """The days from first to last, each with what was kept on it; at most about a year, up to today."""
    place = read_zone(zone)
    last = last or plane.clock.now().astimezone(place).date()
    last = min(max(last, _EARLIEST), _LATEST)
    earliest = last - timedelta(days=MOST_DAYS - 1)
    first = max(first or earliest, earliest)
    limits = PointWanted(
        vault=wanted.vault,
        machine=wanted.machine,
        vm=wanted.vm,
        since=_midnight(first, place),
        before=_midnight(last + timedelta(days=1), place),
    )
    with plane.database.read() as db:
        found = point_rows.glances(
            db,
            _filter(db, actor, limits),
            vaults=readable_vaults(db, actor),
            limit=MOST_GLANCES,
        )
    days = [one for one in days_of(found, place) if first <= one.day <= last]
    return Calendar(
        zone=zone, first=first, last=last, days=days, points=sum(one.points for one in days)
    )


def days_of(found: list[Glance], zone: ZoneInfo) -> list[CalendarDay]:
    """Points, newest first, by the day that a clock there shows; oldest day first."""
    by_day: dict[date, list[Glance]] = {}
    for one in found:
        by_day.setdefault(one.taken_at.astimezone(zone).date(), []).append(one)
    return [_day(day, members) for day, members in sorted(by_day.items())]


def _day(day: date, members: list[Glance]) -> CalendarDay:
    counted = Counter(one.consistency for one in members if one.consistency)
    return CalendarDay(
        day=day,
        points=len(members),
        bytes_added=sum(one.bytes_added or 0 for one in members),
        newest_at=max(one.taken_at for one in members),
        classes={name: counted[name] for name in CLASSES if counted[name]},
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _filter(db: Session, actor: Actor, wanted: PointWanted) -> PointFilter:
    """Raise for a vault or a machine that is not the caller's to look at."""
    vault_id = any_vault(db, wanted.vault).id if wanted.vault else None
    if vault_id is not None:
        require(db, actor, Right.READ, vault_id)
    if wanted.machine is not None:
        machine_for(db, actor, wanted.machine, Right.READ)
    return PointFilter(
        vault_id=vault_id,
        machine_id=wanted.machine,
        mark=f"{VM_MARK}{wanted.vm}" if wanted.vm else None,
        since=wanted.since,
        before=wanted.before,
    )


def _line(one: Placed) -> PointLine:
    row = one.point
    consistency = _marked(row.tags, CLASS_MARK)
    return PointLine(
        id=row.id,
        machine_id=row.machine_id,
        machine=one.machine,
        vault_id=one.vault_id,
        taken_at=row.taken_at,
        host=row.host,
        paths=row.paths,
        tags=row.tags,
        vm=_marked(row.tags, VM_MARK) if _OF_A_VM in row.tags else None,
        consistency=consistency if consistency in CLASSES else None,
        bytes_total=row.bytes_total,
        bytes_added=row.bytes_added,
    )


def _marked(tags: list[str], mark: str) -> str | None:
    return next((tag.removeprefix(mark) for tag in tags if tag.startswith(mark)), None)


def _key(one: Placed) -> list[str]:
    row = one.point
    return [row.taken_at.isoformat(), row.id, row.machine_id]


def _before(window: Window) -> tuple[datetime, str, str] | None:
    parts = window.parts(3)
    return (window.moment(parts[0]), parts[1], parts[2]) if parts else None
