"""Replications: told by the agents of hosts, shown to people, and ended by them."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from holdfast.app.control import (
    replication_changing,
    replication_ends,
    replication_grants,
    replication_roles,
    replication_topology,
    replication_views,
    replications,
)
from holdfast.app.control.job_views import JobView
from holdfast.app.control.replication_changing import ReplicationChange
from holdfast.app.control.replication_topology import Topology
from holdfast.app.control.replication_views import (
    MOST_HOURS,
    History,
    ReplicationDetail,
    ReplicationView,
)
from holdfast.catalog.replications import Filter
from holdfast.fleet.replication_messages import (
    ReplicationEnded,
    ReplicationRoles,
    ReplicationsTold,
    ReplicationWanted,
    SourceSite,
)
from holdfast.replication.status import Health, State
from holdfast.server.api.assignments import tags_of
from holdfast.server.callers import Machine, Person, ThePlane
from holdfast.server.nudging import nudge
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["replication"])
_Hours = Annotated[int, Query(ge=1, le=MOST_HOURS, description="How far back.")]


@router.get("/replications")
def list_replications(  # noqa: PLR0913  what they can be chosen by
    plane: ThePlane,
    person: Person,
    window: Paging,
    *,
    vault: str | None = None,
    machine: str | None = None,
    site: str | None = None,
    vm: Annotated[str | None, Query(description="Name or UUID.")] = None,
    state: Annotated[list[State] | None, Query()] = None,
    health: Annotated[list[Health] | None, Query()] = None,
) -> Page[ReplicationView]:
    """Sorted by the names of their machines."""
    wanted = Filter(
        vault_id=vault,
        machine_id=machine,
        site=site,
        vm=vm,
        states=tuple(one.value for one in state or ()),
        healths=tuple(one.value for one in health or ()),
    )
    return replication_views.list_replications(plane, person, wanted, window)


@router.get("/replication-topology")
def topology(plane: ThePlane, person: Person, vault: str | None = None) -> Topology:
    """Which hosts replicate to which sites, and how well."""
    return replication_topology.show_topology(plane, person, vault=vault)


@router.get("/replications/{replication_id}")
def show(plane: ThePlane, person: Person, replication_id: str) -> ReplicationDetail:
    """With settings and status as its host keeps them."""
    return replication_views.show_replication(plane, person, replication_id)


@router.get("/replications/{replication_id}/history")
def history(plane: ThePlane, person: Person, replication_id: str, hours: _Hours = 24) -> History:
    """How far behind it was: each minute of a day, or each hour of up to thirty."""
    return replication_views.show_history(plane, person, replication_id, hours=hours)


@router.patch("/replications/{replication_id}", status_code=201)
def change(
    plane: ThePlane, person: Person, replication_id: str, wanted: ReplicationChange
) -> JobView:
    """A job of its host, which says what is against it; to keep points for less time is for contributors."""
    made = replication_changing.change_replication(plane, person, replication_id, wanted)
    nudge(made.id)
    return made


@router.delete("/replications/{replication_id}", status_code=204)
def end(
    plane: ThePlane, person: Person, replication_id: str, *, keep_replica: bool = False
) -> None:
    """Both sides clean up when they next come; the replica goes, which needs a PIN, or is kept."""
    replication_ends.end_replication(plane, person, replication_id, keep_replica=keep_replica)


@router.get("/agent/replication", response_model=ReplicationRoles, responses={304: {}})
def told(
    plane: ThePlane,
    machine: Machine,
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> ReplicationRoles | Response:
    """What the machine that asks has to do with replication."""
    found = replication_roles.told_roles(plane, machine)
    headers = {"ETag": f'"{found.etag}"'}
    if if_none_match is not None and found.etag in tags_of(if_none_match):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return found


@router.post("/agent/replications/wanted")
def want(plane: ThePlane, machine: Machine, wanted: ReplicationWanted) -> SourceSite:
    """May the machine that asks replicate one of its virtual machines there? Then where that is."""
    return replication_grants.want(plane, machine, wanted)


@router.put("/agent/replications", status_code=204)
def tell(plane: ThePlane, machine: Machine, told: ReplicationsTold) -> None:
    """All replications of the host, and how those are that have changed."""
    replications.take_replications(plane, machine, told)


@router.post("/agent/replications/ended", status_code=204)
def ended(plane: ThePlane, machine: Machine, told: ReplicationEnded) -> None:
    """The host has cleaned up."""
    replication_ends.take_end(plane, machine, told)
