"""Sites: folders of registered machines that take replicas in."""

from dataclasses import dataclass

from fastapi import APIRouter

from holdfast.app.control import replications, sites
from holdfast.app.control.sites import NewSite, ReplicaView, SiteView
from holdfast.fleet.replication_messages import SiteTold
from holdfast.server.callers import Machine, Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["replication"])


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteWanted:
    name: str
    # The id of the registered machine it is on.
    machine: str
    folder: str
    # HOST or HOST:PORT, where hosts that replicate reach it; empty: what it calls itself, 9443.
    address: str = ""


@router.get("/sites")
def list_sites(
    plane: ThePlane,
    person: Person,
    window: Paging,
    vault: str | None = None,
    machine: str | None = None,
) -> Page[SiteView]:
    """Sorted by name."""
    return sites.list_sites(plane, person, window, vault=vault, machine=machine)


@router.post("/sites", status_code=201)
def add(plane: ThePlane, person: Person, wanted: SiteWanted) -> SiteView:
    """From its next heartbeat on the machine takes replicas in."""
    new = NewSite(
        name=wanted.name, machine_id=wanted.machine, folder=wanted.folder, address=wanted.address
    )
    return sites.add_site(plane, person, new)


@router.get("/sites/{site}")
def show(plane: ThePlane, person: Person, site: str) -> SiteView:
    """By id or name."""
    return sites.show_site(plane, person, site)


@router.get("/sites/{site}/replicas")
def list_replicas(plane: ThePlane, person: Person, site: str, window: Paging) -> Page[ReplicaView]:
    """What lies there, whether or not anything is still replicated to it."""
    return sites.list_replicas(plane, person, site, window)


@router.delete("/sites/{site}", status_code=204)
def remove(plane: ThePlane, person: Person, site: str, *, force: bool = False) -> None:
    """What lies on its disk stays there."""
    sites.remove_site(plane, person, site, force=force)


@router.put("/agent/site", status_code=204)
def tell(plane: ThePlane, machine: Machine, told: SiteTold) -> None:
    """Every replica at the site of the machine that tells: those not named are gone."""
    replications.take_site(plane, machine, told)
