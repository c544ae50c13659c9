"""Replications as people see them: what is replicated where, how far behind, and how it was."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.errors import NotThere
from holdfast.app.control.machine_views import is_silent
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replication_judging import read_settings, rpo_of
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import replication_samples as sample_rows
from holdfast.catalog import replications as replication_rows
from holdfast.catalog.database import Session
from holdfast.catalog.replications import Filter, Replicated
from holdfast.catalog.tables import Replication, ReplicationSample
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right
from holdfast.replication.health_texts import remedy, sentence
from holdfast.replication.status import Health, Reason

# Samples of a minute are kept so long, those of an hour for as long as anybody may ask.
MINUTES_KEPT = timedelta(hours=25)
HOURS_KEPT = timedelta(days=31)
MOST_HOURS = 30 * 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """Why the health is not normal; `figures` fill the sentence of the code."""

    code: str
    health: str
    figures: dict[str, str]
    since: datetime | None
    # In the language of who asks: what it is, and what can be done or typed.
    said: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationView:
    id: str
    # The UUID of the virtual machine.
    vm: str
    name: str
    machine_id: str
    machine: str
    vault_id: str
    site: str
    # Where it stands, and how well, each with the time since when it is so.
    state: str
    state_since: datetime
    health: str
    health_since: datetime
    reasons: list[ReasonView]
    # How often it is to have a new point, in seconds; none: its host has not told yet.
    every: int | None
    # The newest instant it could be started at over there, and how long ago that was.
    latest_at: datetime | None
    rpo_seconds: float | None
    queue_bytes: int
    # Bytes a second, over the last minutes.
    throughput: float
    # Whether its host is heard of; if not, all of this is how it was then.
    is_heard: bool
    told_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationDetail:
    replication: ReplicationView
    # As its host keeps them.
    settings: dict[str, Any]
    status: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    at: datetime
    # The most there was within `seconds`; none: it had no point yet.
    rpo_seconds: float | None
    queue_bytes: int
    health: str
    # Whether its host was heard of then; if not, the site may have had newer points.
    is_heard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """How far behind it was, the oldest first; each sample stands for so many seconds."""

    seconds: int
    samples: list[Sample]


def list_replications(
    plane: Plane, actor: Actor, wanted: Filter, window: Window
) -> Page[ReplicationView]:
    """Sorted by name; of one vault, or of all the caller may look into."""
    parts, now = window.parts(2), plane.clock.now()
    with plane.database.read() as db:
        vault_id = any_vault(db, wanted.vault_id).id if wanted.vault_id else None
        if vault_id is not None:
            require(db, actor, Right.READ, vault_id)
        rows = replication_rows.listed(
            db,
            wanted,
            limit=window.one_more,
            vaults=readable_vaults(db, actor) if vault_id is None else (vault_id,),
            after=(parts[0], parts[1]) if parts else None,
        )
    return make_page(
        rows, window, key=lambda one: [one.row.name, one.row.id], view=lambda one: view_of(one, now)
    )


def show_replication(plane: Plane, actor: Actor, replication_id: str) -> ReplicationDetail:
    with plane.database.read() as db:
        found = replication_for(db, actor, replication_id, Right.READ)
    return ReplicationDetail(
        replication=view_of(found, plane.clock.now()),
        settings=found.row.settings,
        status=found.row.status,
    )


def show_history(plane: Plane, actor: Actor, replication_id: str, *, hours: int) -> History:
    """Each minute of a day; of longer times each hour."""
    since = plane.clock.now() - timedelta(hours=hours)
    with plane.database.read() as db:
        found = replication_for(db, actor, replication_id, Right.READ)
        rows = sample_rows.since(db, found.row.id, since)
    if timedelta(hours=hours) < MINUTES_KEPT:
        minutes = [row for row in rows if row.seconds == sample_rows.MINUTE]
        return History(seconds=sample_rows.MINUTE, samples=[_sample(row) for row in minutes])
    return History(seconds=sample_rows.HOUR, samples=[_sample(row) for row in _hours(rows)])


def replication_for(db: Session, actor: Actor, replication_id: str, right: Right) -> Replicated:
    """The replication, if the caller has the right on its host's vault."""
    found = replication_rows.found(db, replication_id)
    if found is None:
        # An administrator is told that it is not there; for all others it could be.
        require(db, actor, right, None)
        raise NotThere(what=_("replication"), name=replication_id)
    require(db, actor, right, found.machine.vault_id)
    return found


def view_of(found: Replicated, now: datetime) -> ReplicationView:
    row, machine, site, _keeper = found
    status = row.status or {}
    settings = read_settings(row.settings)
    return ReplicationView(
        id=row.id,
        vm=row.vm,
        name=row.name,
        machine_id=machine.id,
        machine=machine.name,
        vault_id=machine.vault_id,
        site=site.name,
        state=row.state,
        state_since=row.state_since,
        health=row.health,
        health_since=row.health_since,
        reasons=reasons_of(row, site=site.name),
        every=settings.every if settings else None,
        latest_at=row.latest_at,
        rpo_seconds=rpo_of(row, machine, now),
        queue_bytes=int(status.get("queue_bytes", 0)),
        throughput=float(status.get("throughput", 0)),
        is_heard=not is_silent(machine, now),
        told_at=row.told_at,
        created_at=row.created_at,
    )


def reasons_of(row: Replication, *, site: str = "") -> list[ReasonView]:
    found = (row.status or {}).get("reasons", ())
    return [_reason(one, row, site) for one in found]


def _reason(told: dict[str, Any], row: Replication, site: str) -> ReasonView:
    figures = told.get("figures", {})
    since = told.get("since")
    reason = Reason(
        code=told["code"],
        health=Health(told["health"]),
        since=datetime.fromisoformat(since) if since else row.health_since,
        figures=figures,
    )
    return ReasonView(
        code=reason.code,
        health=reason.health.value,
        figures=figures,
        since=reason.since,
        said=sentence(reason),
        remedy=remedy(reason, vm=row.name, site=site),
    )


def _hours(rows: "list[ReplicationSample] | Any") -> list[ReplicationSample]:
    """Those of the last day are put together as those before them were."""
    found = [row for row in rows if row.seconds == sample_rows.HOUR]
    minutes: dict[datetime, list[ReplicationSample]] = {}
    for row in rows:
        if row.seconds == sample_rows.MINUTE:
            hour = row.at.replace(minute=0, second=0, microsecond=0)
            minutes.setdefault(hour, []).append(row)
    for hour, some in minutes.items():
        found += [ReplicationSample(**one) for one in sample_rows.merged(some, hour)]
    return sorted(found, key=lambda row: row.at)


def _sample(row: ReplicationSample) -> Sample:
    return Sample(
        at=row.at,
        rpo_seconds=row.rpo_seconds,
        queue_bytes=row.queue_bytes,
        health=row.health,
        is_heard=row.is_heard,
    )
