"""At the old home of a machine: its disks become the base of a replica, where they lie.

Asked for over the link, by the site the machine was replicated to. The definition is barred before
anything is looked at, so nobody starts the machine meanwhile; nothing that runs is ever ended.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.disks import images
from holdfast.hypervisor.barred import FENCED, without_bar
from holdfast.hypervisor.checkpoints import forget_checkpoint, list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import Domain, list_domains
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.machines.offline import image_of
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.vm_disks import required_disks
from holdfast.machines.vm_lock import once_free, vm_lock
from holdfast.recovery.fencing import bar, is_fenced
from holdfast.recovery.home_preflight import HomeSeen, home_problems
from holdfast.recovery.live_leftovers import settle
from holdfast.recovery.newcomer_preflight import account_problems
from holdfast.recovery.record import Promoted, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder, with_event
from holdfast.recovery.way_back_errors import (
    HomeKnowsNewer,
    NotItsSite,
    ProtectionOff,
    StillRunsAtHome,
    TargetUnsupported,
)
from holdfast.recovery.way_back_notes import (
    adopted_before,
    adopted_name,
    keep_adopted,
    was_split,
)
from holdfast.replication.adoption import Adopted, AdoptWish, LookWish, WayBack
from holdfast.replication.home_looking import Looked, Shipped, look_home
from holdfast.replication.offline_cycle import Resting
from holdfast.replication.receiver import ReplicaWish
from holdfast.replication.replica_adopting import Adopting, HomeImage
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.replica_folder import layer_name, open_folder
from holdfast.replication.resync import Because
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SourceFolder

WORK = "reprotect"
_HYPERVISOR = "QEMU"
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOfMachines:
    """This host as the old home of what ran here; `site` is its own, where replicas are kept."""

    home: str
    scratch: str
    site: Site
    clock: Clock
    connect: Callable[[], AbstractContextManager[Host]]
    # The machine ids by which the site of a replication may come to this host.
    ids_of: Callable[[ReplicationSettings], frozenset[str]]
    # Of a source, by the id it comes by.
    reach: Callable[[str], WayBack] = lambda _machine: WayBack(error="unknown")
    on_step: Callable[[str], None] = lambda _step: None

    def adopt(self, vm: str, wish: AdoptWish) -> Adopted:
        """Safe to be asked again: what was adopted for the same act is told again."""
        settings = self._settings(vm, wish)
        folder = RecordFolder(self.home, vm)
        self._require_older(folder, settings, wish.epoch)
        with self._connected(settings.name) as host:
            domain = _find(host, vm)
            self._fence(folder, domain, settings, wish)
            self._keep_home(folder, wish)
            if domain is not None:
                self._settle(folder, domain, settings)
            with self._held(settings):
                self._halt(settings)
                adopted = self._before(folder, vm, wish)
                adopted = adopted or self._adopt(folder, domain, settings, wish)
                self._settle_record(folder, wish)
            if domain is not None:
                _forget_checkpoints(domain)
        self.on_step("forgotten")
        return adopted

    def look(self, vm: str, wish: LookWish) -> tuple[HoldfastError, ...]:
        """What the adoption would stop at now, and what this host lacks for the machine to run."""
        found: list[HoldfastError] = []
        try:
            found.extend(self._in_the_way(vm, wish))
        except HoldfastError as err:
            found.append(err)
        return tuple(found)

    def way_back(self, machine: str) -> WayBack:
        return self.reach(machine)

    def _in_the_way(self, vm: str, wish: LookWish) -> Iterator[HoldfastError]:
        if wish.epoch is None:
            yield from self._account()
            return
        settings, folder = self._settings(vm, wish), RecordFolder(self.home, vm)
        self._require_older(folder, settings, wish.epoch)
        with self._connected(settings.name) as host:
            domain = _find(host, vm)
            if domain is not None and domain.is_active():
                raise StillRunsAtHome(about=settings.name)
            denied = tuple(account_problems(host))
            yield from denied
            # Where it is to be a site again it starts as its point is described.
            if not denied and not wish.is_forward:
                yield from home_problems(self._seen(host, domain, folder.load(), settings))

    def _account(self) -> Iterator[HoldfastError]:
        """One that only keeps replicas needs no hypervisor."""
        try:
            connection = self.connect()
        except HoldfastError:
            return
        with connection as host:
            yield from account_problems(host)

    def _seen(
        self,
        host: Host,
        domain: Domain | None,
        record: RecoveryRecord | None,
        settings: ReplicationSettings,
    ) -> HomeSeen:
        fence = record.fence if record else None
        now = _definition(record or RecoveryRecord(vm=settings.vm, name=settings.name), domain)
        original = fence.definition if fence and fence.definition else now
        return HomeSeen(
            host=host, home=self.home, store=self.site.folder, now=now, original=original
        )

    def _settings(self, vm: str, wish: AdoptWish | LookWish) -> ReplicationSettings:
        settings = SourceFolder(self.home, vm).settings()
        if settings is None:
            raise ProtectionOff(about=vm, site=self.site.folder.name)
        if wish.source not in self.ids_of(settings):
            raise NotItsSite(about=settings.name, site=settings.to.site)
        return settings

    def _require_older(
        self, folder: RecordFolder, settings: ReplicationSettings, epoch: int
    ) -> None:
        record = folder.load()
        if record is not None and record.epoch > epoch:
            raise HomeKnowsNewer(about=settings.name, theirs=record.epoch, ours=epoch)

    def _before(self, folder: RecordFolder, vm: str, wish: AdoptWish) -> Adopted | None:
        """The replica stands, and goes on from there."""
        facts, known = self.site.state(vm), adopted_before(folder)
        name = adopted_name(vm, wish.act)
        if facts is None or known is None or name not in (facts.head, *facts.history):
            return None
        is_same = known.facts.head == name
        return msgspec.structs.replace(known, facts=facts) if is_same else None

    def _connected(self, about: str) -> AbstractContextManager[Host]:
        try:
            connection = self.connect()
        except HoldfastError as err:
            raise TargetUnsupported(about=about, reason=err) from err
        return connection

    @contextmanager
    def _held(self, settings: ReplicationSettings) -> Iterator[None]:
        """Its replication may be looking at it for a moment."""

        def take() -> None:
            lock = vm_lock(self.home, settings.vm, self.clock, name=settings.name, work=WORK)
            stack.enter_context(lock)

        with ExitStack() as stack:
            once_free(take, self.clock, within=_PATIENCE)
            yield

    def _settle(self, folder: RecordFolder, domain: Domain, settings: ReplicationSettings) -> None:
        """What a machine that left while it ran wrote at last is on images that are to go."""
        site = settings.to.machine
        once_free(
            lambda: settle(domain, folder, self.clock, home=self.home, site=site),
            self.clock,
            within=_PATIENCE,
        )

    def _fence(
        self,
        folder: RecordFolder,
        domain: Domain | None,
        settings: ReplicationSettings,
        wish: AdoptWish,
    ) -> None:
        """It may not have heard from its site yet; durable before the disks are looked at."""
        if domain is not None and domain.is_active():
            raise StillRunsAtHome(about=settings.name)
        record = folder.load()
        is_noted = record is not None and record.fence is not None and record.epoch >= wish.epoch
        # Somebody may have taken its bar off to start it by hand.
        if is_noted and (domain is None or is_fenced(domain)):
            return
        fence = record.fence if record else None
        if domain is not None:
            fresh = bar(domain, self.clock, act=wish.act, epoch=wish.epoch)
            fence = fresh if fresh.definition or fence is None else fence
        folder.change(
            lambda found: with_event(
                msgspec.structs.replace(
                    found, epoch=wish.epoch, runs_at=settings.to.machine, fence=fence
                ),
                self.clock,
                "fenced",
            ),
            first=RecoveryRecord(vm=settings.vm, name=settings.name),
        )
        self.on_step("fenced")

    def _keep_home(self, folder: RecordFolder, wish: AdoptWish) -> None:
        """It was failed over to here, and on from here: where it came from is its home still."""
        record, facts = folder.load(), self.site.state(folder.vm)
        home = record.home if record else ""
        is_beyond = record is not None and record.promoted is not None and not wish.is_forward
        if not home and is_beyond and facts is not None and facts.source != wish.source:
            home = facts.source
        if home == wish.source:
            # It went home, and comes from there again.
            home = ""
        if record is not None and home != record.home:
            folder.change(lambda found: msgspec.structs.replace(found, home=home))

    def _adopt(
        self,
        folder: RecordFolder,
        domain: Domain | None,
        settings: ReplicationSettings,
        wish: AdoptWish,
    ) -> Adopted:
        record = folder.load()
        assert record is not None
        spec = _spec(record, domain)
        disks, _left_out = required_disks(spec)
        looked = self._looked(spec, disks, record, wish)
        self.on_step("looked")
        source = SourceFolder(self.home, settings.vm)
        sent = source.sent()
        work = Adopting(
            generation=adopted_name(settings.vm, wish.act),
            source=wish.source,
            images=tuple(
                self._image(settings.vm, image_of(spec, disk), each)
                for disk, each in zip(disks, looked, strict=True)
            ),
            suspects={each.disk.target: each.suspects for each in looked if not each.disk.why},
        )
        replica = ReplicaWish(
            vm=settings.vm, name=settings.name, source=wish.source, disks=(), points=settings.points
        )
        adopted = Adopted(
            facts=ReplicaFacts(
                vm=settings.vm, name=settings.name, source=wish.source, head=work.generation
            ),
            since=sent.acked.name if sent and sent.acked else "",
            disks=tuple(each.disk for each in looked),
            settings=settings,
        )
        # Before it is so: afterwards the images may go by other names.
        keep_adopted(folder, adopted)
        self.on_step("noted")
        facts = self.site.adopt_images(replica, work)
        self.on_step("adopted")
        return msgspec.structs.replace(adopted, facts=facts)

    def _settle_record(self, folder: RecordFolder, wish: AdoptWish) -> None:
        """What was started from a point here is over: its images are layers, and need no pin."""
        before = folder.load()
        stage = Stage.PROTECTED if wish.is_forward else Stage.PROTECTED_IN_REVERSE
        promoted = before.promoted if before else None
        if before is None or before.stage is Stage.FAILING_BACK:
            # On the way already to what comes after.
            return
        if promoted is not None:
            self.site.unpin(folder.vm, promoted.generation, who=promoted.pin)
            if not self._stands_on(folder.vm, promoted):
                shutil.rmtree(promoted.folder, ignore_errors=True)
        folder.change(
            lambda found: msgspec.structs.replace(found, stage=stage, promoted=None, act=None)
        )

    def _stands_on(self, vm: str, promoted: Promoted) -> bool:
        """One that had moved here for good has its own images there: the replica stands upon them."""
        place = Path(promoted.folder)
        if not place.is_relative_to(self.site.folder):
            return True
        # There is no point of it yet to be asked for its originals.
        layers = open_folder(self.site.folder, vm).read().layers
        originals = [Path(layer.original.path) for layer in layers if layer.original]
        return any(path.is_relative_to(place) for path in originals)

    def _halt(self, settings: ReplicationSettings) -> None:
        """What was shipped from here last is the beginning of nothing any more but of a comparison."""
        source, now = SourceFolder(self.home, settings.vm), self.clock.now()
        with source.lock:
            sent = source.sent()
            if sent is not None and not sent.must_walk:
                source.keep_walk(None)
                source.keep_sent(sent.must(Because.REPROTECT, now))

    def _looked(
        self,
        spec: DomainSpec,
        disks: tuple[DiskSpec, ...],
        record: RecoveryRecord,
        wish: AdoptWish,
    ) -> tuple[Looked, ...]:
        source = SourceFolder(self.home, record.vm)
        sent, place = source.sent(), ScratchPlace.of(self.scratch, record.vm)
        acked = sent.acked.name if sent and sent.acked else ""
        is_split = wish.is_split or was_split(record)
        shipped = Shipped(sent=sent, data=source.data_map(acked), is_distrusted=is_split)
        # Of one who was killed: nobody else is at work while we hold the machine.
        place.clear()
        with place.made():
            resting = Resting(machine=spec, folder=place.folder, clock=self.clock)
            return look_home(resting, spec, disks, shipped)

    def _image(self, vm: str, path: Path, looked: Looked) -> HomeImage:
        """One that was started from a point of the replica here stands upon a layer of it."""
        disk = looked.disk
        upon = ""
        if path.is_relative_to(self.site.folder / vm) and disk.format == "qcow2":
            below = images.inspect(path, format_="qcow2", looks_below=False).backing
            name = layer_name(Path(below).name) if below else None
            upon = name.generation if name else ""
        return HomeImage(
            target=disk.target, path=path, format=disk.format, size=disk.size, upon=upon
        )


def require_hypervisor(host: Host, about: str) -> None:
    """That a machine can come back to this host at all."""
    kind = host.kind()
    if kind != _HYPERVISOR:
        raise TargetUnsupported(about=about, reason=kind)


def _find(host: Host, vm: str) -> Domain | None:
    require_hypervisor(host, vm)
    return next((domain for domain in list_domains(host) if domain.uuid == vm), None)


def _spec(record: RecoveryRecord, domain: Domain | None) -> DomainSpec:
    return read_domain(_definition(record, domain))


def _definition(record: RecoveryRecord, domain: Domain | None) -> str:
    """As it was before the bar; one that was undefined since is known by what was kept of it."""
    if domain is not None and domain.is_persistent():
        return without_bar(domain.xml(inactive=True), mark=FENCED)
    kept = record.fence.definition if record.fence else ""
    if not kept:
        raise ProtectionOff(about=record.name, site="-")
    return without_bar(kept, mark=FENCED)


def _forget_checkpoints(domain: Domain) -> None:
    """Their bitmaps stay in the images, which are not written; but nobody could undefine it."""
    for checkpoint in reversed(list_checkpoints(domain)):
        forget_checkpoint(domain, checkpoint.name)
