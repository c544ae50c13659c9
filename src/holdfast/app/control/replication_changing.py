"""Other settings for a replication that is there: ordered of its host, which judges them."""

from dataclasses import asdict, dataclass
from datetime import timedelta

from holdfast.app.control.job_orders import order_job
from holdfast.app.control.job_views import JobView
from holdfast.app.control.jobs import list_jobs
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replication_errors import ReplicationUnchanged
from holdfast.app.control.replication_views import replication_for
from holdfast.catalog.jobs import JobFilter
from holdfast.fleet.arguments import ReplicationSettings, source_of
from holdfast.fleet.jobs import Kind
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Right

_LOOKED_THROUGH = 200
# What was refused before is no news any more.
_RECENT = timedelta(days=3)
_AGREED = frozenset(("partly", "one_way"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationChange(ReplicationSettings):
    """Of one that is there: what is None stays."""


def change_replication(
    plane: Plane, actor: Actor, replication_id: str, change: ReplicationChange
) -> JobView:
    """By a job of its host, which looks at all that it looks at when a replication begins."""
    with plane.database.read() as db:
        found = replication_for(db, actor, replication_id, Right.RUN_JOBS)
    said = {name: value for name, value in asdict(change).items() if value is not None}
    if not said.keys() - _AGREED:
        raise ReplicationUnchanged(about=found.row.name)
    arguments = {"vm": found.row.name, "to": found.site.name, **said}
    kind = Kind.REPLICATE.value
    return order_job(plane, actor, found.machine.id, kind=kind, arguments=arguments)


def last_change(plane: Plane, actor: Actor, replication_id: str) -> JobView | None:
    """The newest order that set it; None: it was longer ago, or set on its host."""
    with plane.database.read() as db:
        found = replication_for(db, actor, replication_id, Right.READ)
    about = {source_of(Kind.REPLICATE, {"vm": one}) for one in (found.row.name, found.row.vm)}
    since = plane.clock.now() - _RECENT
    wanted = JobFilter(machine_id=found.machine.id, kinds=(Kind.REPLICATE.value,), since=since)
    jobs = list_jobs(plane, actor, wanted, Window(limit=_LOOKED_THROUGH)).items
    return next((one for one in jobs if one.source in about), None)
