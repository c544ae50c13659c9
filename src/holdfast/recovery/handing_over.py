"""At a source: bring the site all there is, and hand the machine over.

Each call looks at the world and does the next thing; nothing here waits. What was begun goes on
with the next call, in whatever process that is.
"""

from collections.abc import Callable

from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.hypervisor.barred import FENCED, without_bar
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import Domain
from holdfast.machines.offline import image_of
from holdfast.machines.vm_disks import required_disks
from holdfast.machines.vm_lock import vm_lock
from holdfast.recovery import fencing
from holdfast.recovery.record import Fence
from holdfast.recovery.shutting_down import ShuttingDown
from holdfast.recovery.source_errors import SourceMemorySaved, SourceNotReady, SourceTransient
from holdfast.recovery.source_notes import NotesFile
from holdfast.replication.offline_cycle import is_unchanged
from holdfast.replication.site_orders import OrderKind, SiteOrder
from holdfast.replication.source_facts import Generation
from holdfast.replication.source_orders import Loop
from holdfast.replication.states import STATES
from holdfast.replication.status import State
from holdfast.replication.why_texts import why_text

_NOT_AT_WORK = (State.PAUSED, State.SUSPENDED, State.HOST_NOT_REGISTERED)


class HandingOver:
    """`keep` makes the fence durable, `kept` is the one that is."""

    def __init__(
        self,
        loop: Loop,
        notes: NotesFile,
        clock: Clock,
        *,
        home: str,
        keep: Callable[[Fence], None],
        kept: Callable[[], Fence | None],
    ) -> None:
        self._loop = loop
        self._notes = notes
        self._clock = clock
        self._home = home
        self._keep, self._kept = keep, kept
        self._shutting = ShuttingDown(clock)

    @property
    def how(self) -> str:
        """How the guest was shut down."""
        return self._shutting.how

    def catch_up(self, order: SiteOrder) -> bool:
        """Whether the site has a point that was made since it was asked for."""
        domain = self._begun(order)
        if self._notes.now.is_barring and not domain.is_active():
            # The site has not heard that it was handed over. Nothing is to be brought any more, and
            # what is barred knows of no images.
            return True
        sent = self._loop.sent()
        if sent.must_walk:
            # It may take long, and goes on by itself: a person comes back then.
            text = _("first all of it has to be compared with what its site has: {why}")
            state = text.format(why=why_text(sent.must_walk))
            raise SourceNotReady(about=domain.name, state=state)
        base = sent.base.name if sent.base else ""
        if not domain.is_active():
            return self._is_shipped(domain)
        if base == self._notes.now.base:
            self._loop.hurry(is_hurried=True)
        is_newer = sent.acked is not None and sent.acked.name != self._notes.now.base
        return is_newer and sent.spooled is None

    def hand_over(self, order: SiteOrder) -> bool:
        """Whether the site has all of it, and nobody can start it here."""
        domain = self._begun(order)
        if self._notes.now.is_barring and fencing.is_fenced(domain):
            return self._is_kept(order) or self._barred(domain, order)
        if domain.is_active():
            self._notes.change(was_running=True, is_barring=False)
            self._loop.on_step("shutting-down")
            self._shutting.look(domain, order)
            return False
        self._loop.on_step("off")
        return self._is_shipped(domain) and self._barred(domain, order)

    def _begun(self, order: SiteOrder) -> Domain:
        loop, now = self._loop, self._notes.now
        domain = loop.find()
        if order.act != now.act or order.kind is not now.kind:
            # It is off by what this host was told, and by nobody's wish here.
            is_ours = now.is_handing_over or now.is_barring
            base = loop.sent().base
            self._notes.change(
                act=order.act,
                kind=order.kind,
                since=self._clock.now(),
                base=base.name if base else "",
                was_running=(now.was_running and is_ours) or domain.is_active(),
                is_barring=now.is_barring and self._stays_barred(domain, order),
            )
            loop.on_step(order.kind.value)
        if not domain.is_persistent():
            raise SourceTransient(about=domain.name)
        is_whole = domain.is_active() or now.is_barring or order.is_forced
        if not is_whole and domain.has_saved_memory():
            raise SourceMemorySaved(about=domain.name)
        if loop.settings.paused is not None or loop.state in _NOT_AT_WORK:
            raise SourceNotReady(about=domain.name, state=_(STATES[loop.state]))
        if loop.sent().acked is None:
            raise SourceNotReady(about=domain.name, state=_("its site has nothing of it yet"))
        return domain

    def _stays_barred(self, domain: Domain, order: SiteOrder) -> bool:
        """It is begun anew where somebody has taken the bar off meanwhile."""
        return order.kind is not OrderKind.CATCH_UP or fencing.is_fenced(domain)

    def _is_kept(self, order: SiteOrder) -> bool:
        """All was done before; the site has only not said anything else yet."""
        fence = self._kept()
        return fence is not None and fence.act == order.act

    def _is_shipped(self, domain: Domain) -> bool:
        """Of one that is off: nobody has written since the generation that the site has."""
        sent = self._loop.sent()
        if not is_unchanged(self._loop.job(domain), sent.base):
            self._loop.hurry(is_hurried=True)
            return False
        return sent.spooled is None and not sent.must_walk

    def _barred(self, domain: Domain, order: SiteOrder) -> bool:
        """Whether it is, and nobody was quicker: started, or started and ended again."""
        self._loop.on_step("in-step")
        work = "failover"
        with vm_lock(self._home, domain.uuid, self._clock, name=domain.name, work=work):
            self._notes.change(is_barring=True)
            self._loop.on_step("barring")
            fence = fencing.bar(domain, self._clock, act=order.act, epoch=order.epoch)
            self._loop.on_step("barred")
            if domain.is_active() or not _is_as_shipped(domain, self._loop.sent().base):
                fencing.unbar(domain, fence)
                self._notes.change(is_barring=False)
                return False
            self._keep(fence)
            self._loop.on_step("fence-kept")
        self._loop.hurry(is_hurried=False)
        return True


def _is_as_shipped(domain: Domain, base: Generation | None) -> bool:
    """The images of a barred machine are those the generation was made of."""
    spec = read_domain(without_bar(domain.xml(inactive=True), mark=FENCED))
    disks, _left_out = required_disks(spec)
    for disk in disks:
        seen = image_of(domain, disk).stat()
        look = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)
        if base is None or base.images.get(disk.target) != look:
            return False
    return True
