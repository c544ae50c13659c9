"""How much each vault holds, how fast it grows, and until when there is room for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.reports.trend import (
    DAY,
    LONGEST,
    Level,
    Trend,
    daily,
    reach,
    trend_of,
)
from holdfast.app.control.vault_rows import live_vault
from holdfast.catalog import vault_samples as sample_rows
from holdfast.catalog.database import Session
from holdfast.catalog.vault_samples import Held, Noted
from holdfast.fleet.roles import Right

_SOON = 30 * DAY
# How far ahead is drawn: as far as was looked back, within these.
_LEAST_DRAWN, _MOST_DRAWN = 14, 90
_DRAWN_IN = 30


class Outlook(StrEnum):
    FULL = "full"  # there is no room any more
    SOON = "soon"  # it may be full within a month
    AHEAD = "ahead"  # it will be full one day within two years
    FAR = "far"  # not within two years, as it looks
    UNKNOWN = "unknown"  # less than a week is known


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    at: datetime
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AheadView:
    """Four times in five it will lie between `low` and `high`."""

    at: datetime
    expected: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthView:
    """Bytes a day; the truth lies between `low` and `high` four times in five."""

    per_day: float
    low: float
    high: float
    # What it was learnt from.
    days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitView:
    """When a limit is reached; a moment that is None lies beyond two years."""

    # "quota" or "disk"
    of: str
    limit: int
    used: int
    outlook: str
    expected: datetime | None
    earliest: datetime | None
    latest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultCapacity:
    vault_id: str
    vault: str
    bytes_stored: int
    files_stored: int
    machines: int
    quota_bytes: int | None
    # Of the disk it lies on, with all that lies there; none where nobody can know.
    disk_free: int | None
    disk_total: int | None
    # None: less than a week is known.
    growth: GrowthView | None
    # At most two, the one that comes first before the other.
    limits: list[LimitView]
    # One level each day, the oldest first, and what is expected from now on.
    history: list[LevelView]
    ahead: list[AheadView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    made_at: datetime
    # Sorted by what needs room first.
    vaults: list[VaultCapacity]


def forecast(plane: Plane, actor: Actor, *, vault: str | None = None) -> Capacity:
    """Of one vault, by id or name, or of all the caller may look into."""
    now = plane.clock.now()
    with plane.database.read() as db:
        among = vaults_asked(db, actor, vault)
        found = sample_rows.held(db, among=among)
        samples = sample_rows.since(db, now - LONGEST, among=among)
    views = [_vault(one, samples.get(one.vault.id, ()), now) for one in found]
    return Capacity(made_at=now, vaults=sorted(views, key=_urgency))


def vaults_asked(db: Session, actor: Actor, vault: str | None) -> frozenset[str] | None:
    """The ids of those a report is about; None: all there are."""
    if vault is None:
        return readable_vaults(db, actor)
    wanted = live_vault(db, vault)
    require(db, actor, Right.READ, wanted.id)
    return frozenset((wanted.id,))


def _vault(held: Held, samples: Sequence[Noted], now: datetime) -> VaultCapacity:
    utc = now.astimezone(UTC)
    levels = [Level(at=one.at, size=one.bytes_stored) for one in samples if one.at < utc]
    levels.append(Level(at=utc, size=held.size))
    trend = trend_of(levels)
    last = next((one for one in reversed(samples) if one.disk_total is not None), None)
    limits = [*_quota(held, trend, utc), *_disk(samples, last, utc)]
    return VaultCapacity(
        vault_id=held.vault.id,
        vault=held.vault.name,
        bytes_stored=held.size,
        files_stored=held.files,
        machines=held.machines,
        quota_bytes=held.vault.quota_bytes,
        disk_free=last.disk_free if last else None,
        disk_total=last.disk_total if last else None,
        growth=_growth(trend),
        limits=sorted(limits, key=_when),
        history=[LevelView(at=one.at, size=round(one.size)) for one in daily(levels)],
        ahead=_ahead(trend),
    )


def _quota(held: Held, trend: Trend | None, now: datetime) -> list[LimitView]:
    quota = held.vault.quota_bytes
    return [] if quota is None else [_limit("quota", quota, held.size, trend, now)]


def _disk(samples: Sequence[Noted], last: Noted | None, now: datetime) -> list[LimitView]:
    """By all that fills the disk: what else lies there leaves no room either."""
    if last is None or last.disk_free is None or last.disk_total is None:
        return []
    used = [
        Level(at=one.at, size=one.disk_total - one.disk_free)
        for one in samples
        if one.disk_free is not None and one.disk_total is not None
    ]
    here = last.disk_total - last.disk_free
    return [_limit("disk", last.disk_total, here, trend_of(used), now)]


def _limit(of: str, limit: int, used: int, trend: Trend | None, now: datetime) -> LimitView:
    if used >= limit:
        outlook, when = Outlook.FULL, None
    elif trend is None:
        outlook, when = Outlook.UNKNOWN, None
    else:
        when = reach(trend, limit)
        is_soon = when.earliest is not None and when.earliest - now <= _SOON
        is_ahead = when.expected is not None
        outlook = Outlook.SOON if is_soon else Outlook.AHEAD if is_ahead else Outlook.FAR
    is_full = outlook is Outlook.FULL
    return LimitView(
        of=of,
        limit=limit,
        used=used,
        outlook=outlook.value,
        expected=now if is_full else when.expected if when else None,
        earliest=now if is_full else when.earliest if when else None,
        latest=now if is_full else when.latest if when else None,
    )


def _growth(trend: Trend | None) -> GrowthView | None:
    if trend is None:
        return None
    off = trend.per_day_off()
    return GrowthView(
        per_day=trend.per_day, low=trend.per_day - off, high=trend.per_day + off, days=trend.days
    )


def _ahead(trend: Trend | None) -> list[AheadView]:
    if trend is None:
        return []
    far = min(_MOST_DRAWN, max(_LEAST_DRAWN, round(trend.days)))
    step = max(1, far // _DRAWN_IN)
    return [_point(trend, day) for day in range(0, far + 1, step)]


def _point(trend: Trend, day: int) -> AheadView:
    expected, spread = trend.expected(day), trend.spread(day)
    return AheadView(
        at=trend.at + day * DAY,
        expected=round(max(0.0, expected)),
        low=round(max(0.0, expected - spread)),
        high=round(max(0.0, expected + spread)),
    )


_ORDER = tuple(one.value for one in Outlook)


def _when(limit: LimitView) -> tuple[int, float]:
    moment = limit.expected or limit.earliest
    return _ORDER.index(limit.outlook), moment.timestamp() if moment else float("inf")


def _urgency(view: VaultCapacity) -> tuple[tuple[int, float], str]:
    last = (len(_ORDER), 0.0)
    return min((_when(one) for one in view.limits), default=last), view.vault
