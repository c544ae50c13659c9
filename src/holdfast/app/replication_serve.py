"""The process of a site: takes replicas in, thins them, and merges what no point needs."""

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from holdfast.app.drill_tending import TrialTender
from holdfast.app.recovery_keeping import UpTender
from holdfast.app.recovery_way_back import SourcesHere, home_of_machines
from holdfast.app.replication_admission import SiteFolder
from holdfast.app.replication_grants import AdmittedGrants, ServersGrants
from holdfast.app.replication_intake import IntakePace
from holdfast.app.replication_own_site import SitePlan, site_plan, site_role
from holdfast.app.replication_process import Work, alone
from holdfast.app.stop_signals import stopped_by_signals
from holdfast.app.unregister import renew
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.latch import Latch
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.recovery.desk import desk_of
from holdfast.recovery.live_sockets import doors_of
from holdfast.replication.link_errors import OwnCertificateForClients
from holdfast.replication.link_server import LinkServer, ListenAt, SiteRules
from holdfast.replication.pace import Pace
from holdfast.replication.replicas_away import GRACE
from holdfast.replication.site import Site

_TICK = 0.5
_TEND_EVERY = 10.0
_ANY = "0.0.0.0"  # noqa: S104  a site is there to be reached


class OnStart(Protocol):
    def __call__(self, site: str, machine: str, *, folder: str, listening: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeWish:
    """What is None stays as it was said before."""

    folder: str | None = None
    # Host and port; no host: every address.
    listen: tuple[str, int] | None = None
    name: str | None = None
    is_agents: bool = False


def serve(session: Session, wish: ServeWish, *, on_start: OnStart) -> None:
    """Returns when it is told to; what is being taken in is ended or left to be gone on with."""
    home = session.settings.home
    with alone(home, Work.SERVE, is_agents=wish.is_agents), stopped_by_signals() as stop:
        _note(session, wish)
        while not stop.is_set():
            plan = site_plan(home)
            _serve(session, plan, stop, on_start)


def _note(session: Session, wish: ServeWish) -> None:
    home = session.settings.home
    is_told = wish.folder is not None or wish.listen is not None or wish.name is not None
    if not is_told or site_role(home) is not None:
        return
    folder = SiteFolder(home)
    known = folder.make(wish.name or os.uname().nodename, session.clock)
    host, port = wish.listen or (known.host, known.port)
    told = msgspec.structs.replace(
        known,
        name=wish.name or known.name,
        folder=os.path.abspath(wish.folder) if wish.folder else known.folder,
        host=host,
        port=port,
    )
    if told != known:
        folder.save(told)


def _serve(session: Session, plan: SitePlan, stop: Latch, on_start: OnStart) -> None:
    """Until it is told to stop, or is to be another site."""
    home, clock = session.settings.home, session.clock
    folder = Path(plan.folder)
    known = Site(folder, clock)
    desk = desk_of(home, plan.machine, clock, SourcesHere(home=home, site=known))
    back = home_of_machines(session, known)
    site = Site(
        folder,
        clock,
        machines=lambda: machines_here(session),
        desk=desk,
        home=back,
        grace=GRACE,
    )
    site.clean()
    intake = IntakePace(session)
    with _port_of(session, plan, site, intake.pace) as server:
        listening = f"{plan.host or _ANY}:{server.port}"
        on_start(plan.name, plan.machine, folder=plan.folder, listening=listening)
        tender = _Tender(session, site, plan.machine)
        try:
            while not stop.is_set() and _is_still(home, plan):
                tender.tick()
                intake.refresh()
                clock.sleep(_TICK)
        finally:
            tender.end()


def _port_of(session: Session, plan: SitePlan, site: Site, pace: Pace | None = None) -> LinkServer:
    home = session.settings.home
    grants = ServersGrants(home) if plan.is_servers else AdmittedGrants(home, site)
    rules = SiteRules(
        grants=grants,
        is_revoked=grants.is_revoked,
        doors=doors_of(home),
        pace=pace,
        on_refused=lambda err: session.warn(f"{err} {err.advice}"),
    )
    at = ListenAt(hosts=(plan.host,), port=plan.port)
    try:
        return LinkServer(site, plan.identity, rules, clock=session.clock, at=at)
    except OwnCertificateForClients:
        if not plan.is_servers:
            raise
        # It was given before hosts were connected to.
        renew(session)
        return LinkServer(site, plan.identity, rules, clock=session.clock, at=at)


def _is_still(home: str, plan: SitePlan) -> bool:
    """What a server or a person has changed since is obeyed by beginning anew."""
    try:
        return site_plan(home) == plan
    except HoldfastError:
        return False


class _Tender:
    """Looks after replicas while nothing of theirs is being taken in; one layer at a time."""

    def __init__(self, session: Session, site: Site, machine: str) -> None:
        self._session = session
        self._site = site
        self._next = float("-inf")
        self._warned: dict[str, str] = {}
        self._trials = TrialTender(session, site, self._warn_once)
        self._up = UpTender(session, site, machine, self._warn_once)

    def end(self) -> None:
        self._trials.end()

    def tick(self) -> None:
        moment = self._session.clock.monotonic()
        if moment < self._next:
            return
        self._next = moment + _TEND_EVERY
        self._remove_those_to_be_removed()
        self._purge()
        for vm in self._site.replicas():
            self._tend(vm)
        self._trials.tick()
        self._up.tick()

    def _tend(self, vm: str) -> None:
        try:
            if self._site.tend(vm):
                # There is more to do: not in ten seconds only.
                self._next = float("-inf")
            self._warned.pop(vm, None)
        except HoldfastError as err:
            self._warn_once(vm, err)

    def _remove_those_to_be_removed(self) -> None:
        """Replications that were ended while this site was away."""
        role = site_role(self._session.settings.home)
        for vm in role.removals if role else ():
            try:
                self._site.remove(vm)
            except HoldfastError as err:
                self._warn_once(vm, err)

    def _purge(self) -> None:
        try:
            self._site.purge_due()
            self._warned.pop("", None)
        except HoldfastError as err:
            self._warn_once("", err)

    def _warn_once(self, vm: str, err: HoldfastError) -> None:
        if self._warned.get(vm) != str(err):
            self._warned[vm] = str(err)
            self._session.warn(f"{err} {err.advice}")


def machines_here(session: Session) -> Sequence[DomainSpec]:
    """Those of this host, if it has any: one of them might use a replica."""
    if importlib.util.find_spec("libvirt") is None:
        return ()
    from holdfast.hypervisor.connection import Host
    from holdfast.hypervisor.domains import list_domains, specs_of

    try:
        with Host.open(session.settings.libvirt) as host:
            return [*specs_of(list_domains(host))]
    except HoldfastError:
        return ()
