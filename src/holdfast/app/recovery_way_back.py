"""Between a host and the old home of a machine: who is who, and whether one gets through."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.app.replication_admission import SiteFolder
from holdfast.app.replication_own_site import SitePlan, is_site, site_plan
from holdfast.app.replication_peers import asked
from holdfast.app.replication_sites import KnownSite, known_sites
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.connection import Host
from holdfast.recovery.adopting_back import HomeOfMachines
from holdfast.recovery.way_back_errors import (
    FoundThere,
    HomeIsNoSite,
    HomeUnreachable,
    WayBackMissing,
)
from holdfast.replication import link_errors
from holdfast.replication.adoption import LookWish, WayBack
from holdfast.replication.link_client import Peer
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.site import Site

if TYPE_CHECKING:
    from holdfast.app.recovery_here import Here

# The link itself, and not what the other side has to say.
_NOT_THROUGH = (
    link_errors.SiteUnreachable,
    link_errors.LinkLost,
    link_errors.LinkSilent,
    link_errors.LinkClosed,
    link_errors.SiteStopping,
)


def home_of(home: str, source: str) -> SiteAddress | None:
    """The site at the host that a replica here came from; `source` is the id it comes by.

    Where a server introduces hosts, that is one id; else it goes by the name it was let in under.
    """
    sites = {one.name: one for one in known_sites(home)}
    for one in sites.values():
        if one.address.machine == source:
            return one.address
    own = SiteFolder(home).load()
    for name, admitted in (own.admitted if own else {}).items():
        if admitted.machine == source and name in sites:
            return sites[name].address
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesHere:
    """Who is who among the sources of this site; `home` is Holdfast's."""

    home: str
    site: Site

    def source_of(self, vm: str) -> str:
        facts = self.site.state(vm)
        return facts.source if facts else ""

    def site_at(self, machine: str) -> str:
        to = home_of(self.home, machine)
        return to.machine if to else ""


def ids_of(home: str) -> Callable[[ReplicationSettings], frozenset[str]]:
    """By which ids the site of a replication comes to this host as a source."""

    def found(settings: ReplicationSettings) -> frozenset[str]:
        own = SiteFolder(home).load()
        admitted = own.admitted.get(settings.to.site) if own else None
        return frozenset({settings.to.machine} | ({admitted.machine} if admitted else set()))

    return found


def home_of_machines(session: Session, site: Site) -> HomeOfMachines:
    """This host, as its site needs it when a machine is to come back."""
    settings = session.settings

    def connect() -> AbstractContextManager[Host]:
        return Host.open(settings.libvirt)

    return HomeOfMachines(
        home=settings.home,
        scratch=settings.vm_scratch,
        site=site,
        clock=session.clock,
        connect=connect,
        ids_of=ids_of(settings.home),
        reach=lambda machine: reached(session, machine),
    )


def reached(session: Session, source: str) -> WayBack:
    """At a site: whether this host gets through to a source of it, as it would have to one day."""
    to = home_of(session.settings.home, source)
    if to is None:
        said = _("it knows no site at this host")
        return WayBack(error=HomeIsNoSite.code, said=said)
    try:
        with asked(session, to) as peer:
            peer.hello()
    except HoldfastError as err:
        return WayBack(site=to.site, error=err.code, said=str(err))
    return WayBack(site=to.site)


def require_way_back(session: Session, to: SiteAddress, vm: str, *, about: str) -> str:
    """At a source: that its site could bring the machine back; what this host is called there."""
    with asked(session, to) as peer:
        found = peer.way_back(vm)
    if found.error:
        reason = found.said or found.error
        raise WayBackMissing(about=about, site=to.site, reason=reason)
    return found.site


def doubts_of_way_back(here: "Here") -> list[str]:
    """Before a machine leaves its home by a person's will: that it could come back, in a sentence."""
    replica = here.replica()
    found = reached(here.session, replica.source) if replica is not None else None
    if found is None or not found.error:
        return []
    sentence = _("From here {about} could not go back to its home: {reason}")
    return [sentence.format(about=here.name, reason=found.said or found.error)]


def looked_at(peer: Peer, vm: str, wish: LookWish) -> tuple[HoldfastError, ...] | None:
    """What the other host is said to lack by itself; None: it is of a version that cannot say."""
    try:
        return peer.look(vm, wish)
    except link_errors.RequestNotUnderstood:
        return None


def require_host(peer: Peer, vm: str, *, site: str) -> None:
    """That the account the site works by may start machines, before anything depends on that."""
    for found in looked_at(peer, vm, LookWish()) or ():
        raise FoundThere(site=site, found=found)


def other_host(here: "Here") -> SiteAddress:
    """Where the machine is to be shipped from here: to its old home, or to its site again."""
    settings, replica, record = here.settings(), here.replica(), here.record()
    if record.promoted is None and settings is not None:
        found: SiteAddress | None = _known(here.home, settings.to.machine)
    else:
        source = record.home or (replica.source if replica is not None else "")
        found = home_of(here.home, source) if source else None
    if found is None:
        raise HomeIsNoSite(about=here.name, here=own_name(here.home))
    return found


@contextlib.contextmanager
def through_to(session: Session, to: SiteAddress, *, about: str) -> Iterator[Peer]:
    """The other host, which has answered; raises that it cannot be reached."""
    with asked(session, to) as peer:
        try:
            peer.hello()
        except HoldfastError as err:
            raise HomeUnreachable(about=about, site=to.site, reason=err) from err
        try:
            yield peer
        except _NOT_THROUGH as err:
            raise HomeUnreachable(about=about, site=to.site, reason=err) from err


def own_name(home: str) -> str:
    """What this host is called as a site."""
    plan: SitePlan | None = site_plan(home) if is_site(home) else None
    return plan.name if plan else "-"


def _known(home: str, machine: str) -> SiteAddress | None:
    sites: list[KnownSite] = known_sites(home)
    return next((one.address for one in sites if one.address.machine == machine), None)
