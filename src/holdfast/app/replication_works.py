"""Enable the replication of a machine of this host, with all that the steps of it need."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.deadlines import within
from holdfast.app.named_steps import LeftOut
from holdfast.app.recovery_way_back import require_host, require_way_back
from holdfast.app.registration_state import find_registration
from holdfast.app.replication_enable import OnStep, Task
from holdfast.app.replication_ended import forget_end
from holdfast.app.replication_errors import (
    SiteNameUnresolved,
    SpoolNotWritable,
)
from holdfast.app.replication_first_copy import FirstCopy
from holdfast.app.replication_orders import is_followed
from holdfast.app.replication_peers import asked, limits_to, put_limits
from holdfast.app.replication_records import Enabling
from holdfast.app.replication_sites import address_of, find_site, joined_only
from holdfast.app.replication_wanted import Wish
from holdfast.app.vm_ready import keep_readiness, look_at_readiness
from holdfast.app.vm_works import HostWorks
from holdfast.app.vms import limits_of, show_vm
from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.files.report import Progress
from holdfast.fleet.replication_messages import ReplicationWanted, SourceSite
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_by_uuid
from holdfast.machines.preflight import MachineSeen, Sheet, Taken
from holdfast.recovery.autostart import take_autostart
from holdfast.recovery.newcomer_preflight import account_problems
from holdfast.recovery.readiness.texts import told
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_side import this_boot
from holdfast.replication.link_client import Peer
from holdfast.replication.link_errors import NotGranted
from holdfast.replication.receiver import Prepared, ReplicaWish, SeedWish
from holdfast.replication.replica_facts import ReplicaDisk
from holdfast.replication.settings import ReplicationSettings, Seed, SiteAddress
from holdfast.replication.source_folder import FOLDER, SourceFolder

_DNS_SECONDS = 10.0
# Until a site has heard from its server that we may write there: two of its heartbeats.
_GRANT_SECONDS = 90.0
_ASK_EVERY = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What a person has agreed to."""

    partly: bool = False
    one_way: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enabled:
    settings: ReplicationSettings
    # Whether something on this host goes on with it.
    is_followed: bool


def enable(  # noqa: PLR0913  what a command is told
    session: Session,
    name: str,
    site: str,
    wish: Wish,
    *,
    agreed: Agreed,
    on_step: OnStep,
    on_progress: Callable[[Progress], None],
) -> Enabled:
    found = show_vm(session, name, limits_of(session))
    assert found.seen is not None
    assert found.sheet is not None
    home, spec = session.settings.home, found.seen.spec
    known = SourceFolder(home, spec.uuid).settings()
    to = address_for(session, site, vm=spec.uuid, name=spec.name)
    if wish.limits is None:
        # Who shares the line shares its limits.
        wish = replace(wish, limits=limits_to(home, to.machine))
    wanted = wish.settings(spec, to, hypervisor=session.settings.libvirt, known=known)
    works = SourceWorks(
        session=session,
        wanted=wanted,
        seen=found.seen,
        sheet=found.sheet,
        on_progress=on_progress,
    )
    task = Task(
        session=session,
        wanted=Enabling(wanted=wanted, partly=agreed.partly, one_way=agreed.one_way),
        known=known,
        seen=found.seen,
        sheet=found.sheet,
        works=works,
    )
    done = task.run(on_step)
    return Enabled(settings=done.wanted, is_followed=is_followed(session))


def address_for(session: Session, site: str, *, vm: str, name: str) -> SiteAddress:
    """Of a registered host its server is asked, which also grants that this machine be written."""
    registration = find_registration(session.settings.home)
    if registration is None:
        return find_site(session.settings.home, site).address
    if (joined := joined_only(session.settings.home, site)) is not None:
        return joined
    from holdfast.app.unregister import link_of

    link = link_of(registration, AgentFolder.of(session.settings.home))
    # An end of before that nobody has heard of yet would end what begins now.
    forget_end(session.settings.home, vm)
    try:
        wanted = ReplicationWanted(vm=vm, name=name, site=site)
        return address_of(link.ask("POST", "/agent/replications/wanted", wanted, SourceSite))
    finally:
        link.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWorks:
    """The works on one machine, here and at the site."""

    session: Session
    wanted: ReplicationSettings
    seen: MachineSeen
    sheet: Sheet
    on_progress: Callable[[Progress], None]

    def require_account(self) -> None:
        with self._host() as host:
            for problem in account_problems(host):
                raise problem

    def spool_free(self) -> int:
        folder = os.path.join(self.session.settings.home, FOLDER)
        try:
            os.makedirs(folder, 0o700, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise SpoolNotWritable(folder=folder, reason=_("permission denied"))
            room = os.statvfs(folder)
        except OSError as err:
            raise SpoolNotWritable(folder=folder, reason=err.strerror) from err
        return room.f_bavail * room.f_frsize

    def reach(self) -> str:
        to = self.wanted.to
        self._resolve(to)
        with asked(self.session, to) as site:
            met = site.hello()
        said = _("{host}:{port}, machine {machine}, Holdfast {version}")
        return said.format(host=to.host, port=to.port, machine=to.machine, version=met.product)

    def _resolve(self, to: SiteAddress) -> None:
        """First, because what a name has no address for looks like a site that is away."""
        try:
            within(_DNS_SECONDS, lambda: socket.getaddrinfo(to.host, to.port))
        except OSError as err:
            raise SiteNameUnresolved(
                site=to.site, host=to.host, reason=err.strerror or err
            ) from err

    def prepare(self) -> str:
        prepared = self._prepared()
        free = format_size(prepared.free_bytes)
        if not prepared.is_new and prepared.facts.points:
            count = len(prepared.facts.points)
            return _("{free} free; points it has: {count}").format(free=free, count=count)
        return _("{free} free").format(free=free)

    def _prepared(self) -> Prepared:
        """A site that was told just now that we may write may not have heard it yet."""
        clock, wish = self.session.clock, self._wish()
        deadline = clock.monotonic() + (_GRANT_SECONDS if self._has_server() else 0.0)
        with asked(self.session, self.wanted.to) as site:
            while True:
                try:
                    require_host(site, wish.vm, site=self.wanted.to.site)
                    return self._seeded(site, site.prepare(wish))
                except NotGranted:
                    if clock.monotonic() >= deadline:
                        raise
                    clock.sleep(_ASK_EVERY)

    def _seeded(self, site: Peer, prepared: Prepared) -> Prepared:
        """Images that lie there become what the first copy is compared with."""
        wanted, facts = self.wanted, prepared.facts
        if wanted.seed is not Seed.IMAGE or facts.head or facts.draft is not None:
            return prepared
        wish = SeedWish(generation=new_name(), images=self._images(), disks=self._wish().disks)
        seeded = site.seed(wanted.vm, wish)
        return msgspec.structs.replace(prepared, facts=seeded)

    def _images(self) -> dict[str, str]:
        """By disk; a name alone is meant for the only one."""
        text = self.wanted.seed_from
        if "=" not in text and len(disks := self._wish().disks) == 1:
            return {disks[0].target: text}
        pairs = [one.partition("=") for one in text.split(",")]
        return {target.strip(): name.strip() for target, _equals, name in pairs}

    def _has_server(self) -> bool:
        return find_registration(self.session.settings.home) is not None

    def _wish(self) -> ReplicaWish:
        taken = [one for one in self.sheet.disks if one.taken in (Taken.TRACKED, Taken.COMPARED)]
        return ReplicaWish(
            vm=self.wanted.vm,
            name=self.wanted.name,
            disks=tuple(ReplicaDisk(target=one.target, size=one.size or 0) for one in taken),
            points=self.wanted.points,
            need_bytes=sum(self._used(one.target, one.size or 0) for one in taken),
        )

    def _used(self, target: str, size: int) -> int:
        image = self.seen.disks[target].image
        return min(size, image.allocated) if image is not None else size

    def way_back(self) -> str:
        wanted = self.wanted
        return require_way_back(self.session, wanted.to, wanted.vm, about=wanted.name)

    def install_extension(self) -> str:
        return self._of_host().install_extension()

    def remove_extension(self) -> None:
        self._of_host().remove_extension()

    def look_at_guest(self) -> str:
        """A doubt about a guest is no reason to have no copy of it."""
        with self._host() as host:
            ready = look_at_readiness(self.session, find_by_uuid(host, self.wanted.vm))
        keep_readiness(self.session, ready)
        if ready.is_blind:
            raise LeftOut(told(ready.findings))
        if ready.against:
            return told(ready.against)
        return _("as far as could be seen it comes up at the site")

    def _of_host(self) -> HostWorks:
        return HostWorks(session=self.session, vm=self.wanted.name, uuid=self.wanted.vm)

    def keep(self, settings: ReplicationSettings) -> None:
        folder = SourceFolder(self.session.settings.home, settings.vm)
        with folder.changing():
            now = folder.settings()
            # Somebody may have paused it while the preflights ran.
            paused = now.paused if now else settings.paused
            folder.keep_settings(msgspec.structs.replace(settings, paused=paused))
        put_limits(self.session.settings.home, settings.to.machine, settings.limits)

    def take_autostart(self) -> str:
        home, vm = self.session.settings.home, self.wanted.vm
        with self._host() as host:
            domain = find_by_uuid(host, vm)
            if take_autostart(RecordFolder(home, vm), domain, boot=this_boot()):
                return _("once its site has said that it runs nowhere else; not by libvirt")
        return _("it does not start with its host")

    def _host(self) -> Host:
        return Host.open(self.wanted.hypervisor or self.session.settings.libvirt)

    def copy(self) -> str:
        return self._first_copy().copy()

    def cycle(self) -> str:
        return self._first_copy().cycle()

    def _first_copy(self) -> FirstCopy:
        return FirstCopy(session=self.session, settings=self.wanted, on_progress=self.on_progress)
