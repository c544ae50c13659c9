"""At a source: what its site wants of a machine is done, a look at the world at a time.

`replication run` asks the site every few seconds and gives its answer to this. Every order may come
again, and after a death at any moment the next process goes on with what the site says by then.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import VmMissing
from holdfast.machines.backup_errors import VmOperationRunning
from holdfast.machines.vm_lock import vm_lock
from holdfast.recovery import fencing
from holdfast.recovery.autostart import take_autostart
from holdfast.recovery.following import Following
from holdfast.recovery.handing_over import HandingOver
from holdfast.recovery.readiness.kept import look_told
from holdfast.recovery.record import ActKind, Fence, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_asking import ASKED, OF_BEFORE
from holdfast.recovery.source_errors import OrderNotKnown, SplitBrain, StartedByHand
from holdfast.recovery.source_notes import NotesFile
from holdfast.recovery.source_record import SourceRecord
from holdfast.recovery.up_note import mark_up, up_note
from holdfast.replication.resync import Because
from holdfast.replication.site_orders import OrderKind, SiteOrder, SourceTidings
from holdfast.replication.source_errors import SourceNotThere
from holdfast.replication.source_orders import USUAL_SECONDS, Loop, Obeying, OnOrder
from holdfast.replication.states import Event
from holdfast.replication.status import State

# It runs here, and whether and how it is shipped from here a reprotect will say.
_STANDING_STILL = frozenset(
    {
        Stage.FAILING_OVER,
        Stage.FAILED_OVER,
        Stage.COMMITTED,
        Stage.REPROTECTING,
        Stage.FAILING_BACK,
    }
)
# What leads to the machine being taken from this host.
_TAKING = (OrderKind.CATCH_UP, OrderKind.HAND_OVER, OrderKind.HAND_OVER_LIVE)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of an order so far; `facts` are told to the site."""

    is_done: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThisHost:
    """`boot` is another word each time it was started; `machine` is its id in records."""

    boot: str
    machine: str = ""


# For kinds of orders that others know how to obey.
Handler = Callable[[Loop, SiteOrder, NotesFile], Answer]


def this_boot() -> str:
    """Another one each time this host has been started."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def source_side(
    home: str,
    clock: Clock,
    *,
    handlers: Mapping[OrderKind, Handler] | None = None,
    boot: Callable[[], str] = this_boot,
    machine: str = "",
    usual: float = USUAL_SECONDS,
) -> OnOrder:
    """For `Tools.on_order`; `usual` is how long until the site is asked again in peace.

    `machine` is this host's own id, as the record of one that was failed over to here has it.
    """

    def made(loop: Loop) -> Obeying:
        return SourceSide(
            loop,
            home,
            clock,
            handlers=handlers or {},
            this=ThisHost(boot=boot(), machine=machine),
            usual=usual,
        )

    return made


class SourceSide:
    def __init__(
        self,
        loop: Loop,
        home: str,
        clock: Clock,
        *,
        handlers: Mapping[OrderKind, Handler],
        this: ThisHost,
        usual: float = USUAL_SECONDS,
    ) -> None:
        self._loop = loop
        self._home = home
        self._clock = clock
        self._handlers = handlers
        self._boot = this.boot
        self._usual, self._following = usual, Following(usual)
        folder = self._folder = RecordFolder(home, loop.uuid)
        self._records = SourceRecord(folder, clock, machine=this.machine)
        self._notes = NotesFile(folder.path)
        self._handing = HandingOver(
            loop,
            self._notes,
            clock,
            home=home,
            keep=self._keep,
            kept=lambda: self._records.load(loop.settings).fence,
        )
        self._answer = Answer()
        self._error: HoldfastError | None = None
        self._is_split = self._waits = False
        self._is_halted = True
        self._failed_start = ""
        self._has_autostart = False
        self._asked: dict[str, str] = {}
        self._doers: Mapping[OrderKind, Callable[[SiteOrder], Answer]] = {
            OrderKind.NOTHING: self._at_peace,
            OrderKind.CATCH_UP: self._caught_up,
            OrderKind.HAND_OVER: self._handed_over,
            OrderKind.FENCE: self._fenced,
            OrderKind.RELEASE: self._released,
        }
        with contextlib.suppress(HoldfastError):
            # One that does not read leaves it halted: it says what this host gave away.
            self._look_at_record()

    @property
    def is_halted(self) -> bool:
        return self._is_halted

    def tidings(self) -> SourceTidings:
        record, notes, error = self._look_at_record(), self._notes.now, self._error
        is_active = self._is_active()
        acked = self._loop.sent().acked
        is_held = notes.is_handing_over or (record.is_barred and not is_active)
        return SourceTidings(
            epoch=record.epoch,
            is_active=is_active,
            is_fenced=is_held and not self._is_split,
            act=notes.act,
            doing=notes.kind,
            is_done=self._answer.is_done,
            generation=acked.name if acked else "",
            error=error.code if error else "",
            said=str(error) if error else "",
            advice=error.advice if error else "",
            facts={
                "state": self._loop.state.value,
                **look_told(self._folder.path),
                **self._answer.facts,
                **self._asked,
            },
        )

    def hear(self, order: SiteOrder | None) -> float:
        self._error, self._answer = None, Answer()
        self._is_split = False
        wanted = order or SiteOrder()
        # Which of several orders this is an answer to.
        self._asked = {ASKED: wanted.options[ASKED]} if ASKED in wanted.options else {}
        try:
            self._answer = self._obeyed(wanted)
        except VmOperationRunning:
            # A cycle or a backup has it; it is looked at again in a moment.
            pass
        except HoldfastError as err:
            self._error = err
        self._look_at_record()
        self._loop.mind(is_split=self._is_split, waits_for_site=False)
        if self._is_split:
            return self._usual
        now = self._clock.monotonic()
        return self._following.seconds(wanted, is_done=self._answer.is_done, now=now)

    def unheard(self) -> None:
        """Nobody knows whether it may run here."""
        record = self._look_at_record()
        waits = self._is_to_start(record) and self._is_active() is False
        self._loop.mind(is_split=self._is_split, waits_for_site=waits)

    def _obeyed(self, order: SiteOrder) -> Answer:
        settings = self._loop.settings
        record = self._records.load(settings)
        if order.epoch < record.epoch and order.kind is not OrderKind.NOTHING:
            # Of before: the site has been put back to an older state.
            if order.kind is OrderKind.FENCE and not record.runs_at and self._is_active():
                # It has started the machine by that, and this host never gave it away since.
                self._split()
            return Answer(facts={OF_BEFORE: str(record.epoch)})
        if order.runs_at == settings.to.machine and order.epoch >= record.epoch:
            return self._fenced(order)
        if order.act and order.act == self._notes.now.refused and order.kind in _TAKING:
            raise StartedByHand(about=settings.name)
        if order.kind in self._handlers:
            return self._handlers[order.kind](self._loop, order, self._notes)
        do = self._doers.get(order.kind)
        if do is None:
            raise OrderNotKnown(about=settings.name, what=order.kind.value)
        return do(order)

    def _caught_up(self, order: SiteOrder) -> Answer:
        return self._told(done=self._handing.catch_up(order))

    def _handed_over(self, order: SiteOrder) -> Answer:
        done = self._handing.hand_over(order)
        if done:
            self._loop.move(Event.FAILOVER_BEGAN)
        return self._told(done=done)

    def _told(self, *, done: bool) -> Answer:
        facts = {"shut-down": self._handing.how} if self._handing.how else {}
        if not done:
            facts |= self._loop.trouble()
        return Answer(is_done=done, facts=facts)

    def _fenced(self, order: SiteOrder) -> Answer:
        settings = self._loop.settings
        record = self._records.load(settings)
        if record.epoch < order.epoch or record.runs_at != settings.to.machine:
            # First of all: nothing here may think any more that it is its own.
            self._records.give(settings, order)
            self._is_halted = True
            self._loop.on_step("given")
        self._loop.hurry(is_hurried=False)
        self._loop.move(Event.FAILOVER_BEGAN, Event.FAILOVER_DONE)
        domain = self._domain()
        if self._is_active():
            self._split()
        fence = record.fence
        if fence is None or fence.epoch < order.epoch or self._is_put_back(domain):
            self._bar(domain, order)
        return Answer(is_done=True)

    def _split(self) -> None:
        """Neither of the two is ended: which one is right only a person knows."""
        self._is_split = True
        settings = self._loop.settings
        self._records.split(settings)
        raise SplitBrain(about=settings.name)

    def _is_put_back(self, domain: Domain | None) -> bool:
        """Somebody has defined it anew, without the bar: a fence that only a note knows is none."""
        if domain is None or self._is_coming_home():
            return False
        return not fencing.is_fenced(domain)

    def _bar(self, domain: Domain | None, order: SiteOrder) -> None:
        if domain is None:
            # Nobody can start what is not there.
            self._keep(Fence(act=order.act, epoch=order.epoch, since=self._clock.now()))
            return
        with self._locked(domain):
            fence = fencing.bar(domain, self._clock, act=order.act, epoch=order.epoch)
            self._loop.on_step("fenced")
            if domain.is_active():
                # Somebody was quicker, and it runs.
                self._split()
            self._keep(fence)
        self._loop.happened("failed-over", "ordered")

    def _released(self, order: SiteOrder) -> Answer:
        """It is this host's again, as it was; the record of its changes goes on."""
        settings, domain = self._loop.settings, self._domain()
        record = self._records.load(settings)
        if domain is not None:
            with self._locked(domain):
                if fencing.is_fenced(domain):
                    fencing.unbar(domain, record.fence)
            self._loop.on_step("unbarred")
        self._records.take_back(settings, order)
        self._loop.on_step("taken-back")
        if domain is not None and self._notes.now.was_running and not domain.is_active():
            domain.start()
            self._loop.on_step("started")
        self._notes.put(self._notes.now.released())
        self._loop.hurry(is_hurried=False)
        self._loop.move(Event.FAILOVER_UNDONE)
        return Answer(is_done=True)

    def _at_peace(self, order: SiteOrder) -> Answer:
        """Nothing is wanted, and no greater epoch is known there: it is this host's own."""
        self._take_autostart()
        record = self._records.load(self._loop.settings)
        if order.epoch > record.epoch:
            return self._released(order)
        if self._loop.state is State.FAILED_OVER and not self._is_halted:
            # It came home, and is shipped from here again; or has been already.
            self._loop.move(Event.RESYNC_NEEDED)
            if self._loop.sent().is_settled:
                self._loop.move(Event.RESYNC_DONE)
        notes = self._notes.now
        is_by_hand = notes.is_handing_over and not self._is_halted and self._is_active()
        if notes.kind is OrderKind.CATCH_UP or is_by_hand:
            # Nobody wants it any more; or a person did not wait for that, and has started it.
            self._notes.put(notes.released())
            self._loop.hurry(is_hurried=False)
        if self._is_to_start(record) and not self._is_halted:
            self._start()
        return Answer(is_done=True)

    def _take_autostart(self) -> None:
        """Once: of a machine protected by an older release, or told to libvirt since."""
        domain = None if self._has_autostart else self._domain()
        if domain is not None:
            take_autostart(self._folder, domain, boot=self._boot)
            self._has_autostart = True

    def _start(self) -> None:
        """With its host, as libvirt would have, once it is known that it runs nowhere else."""
        domain = self._domain()
        if domain is None:
            return
        if not domain.is_active():
            try:
                domain.start()
            except HoldfastError as err:
                self._not_started(err)
                return
            self._records.started(self._loop.settings, why="host-started")
        self._notes.change(boot=self._boot)
        if self._went_down():
            mark_up(self._folder.path, self._boot, self._clock)

    def _not_started(self, err: HoldfastError) -> None:
        """It is tried again, and told of once."""
        if err.code != self._failed_start:
            self._failed_start = err.code
            self._loop.happened("not-started", err.code)
        raise err

    def _is_to_start(self, record: RecoveryRecord) -> bool:
        """As it was told once; or it was failed over to here, and ran until the host went down."""
        is_told = bool(record.starts_with_host) and self._notes.now.boot != self._boot
        return is_told or (record.promoted is not None and self._went_down())

    def _went_down(self) -> bool:
        note = up_note(self._folder.path)
        return note is not None and note.is_to_start(self._boot)

    def _look_at_record(self) -> RecoveryRecord:
        """One that does not read halts it: by it this host knows what it gave away."""
        record = self._records.load(self._loop.settings)
        is_theirs = record.runs_at == self._loop.settings.to.machine
        is_given = is_theirs or record.is_barred or self._awaits_reprotect(record)
        self._is_halted = is_given or self._notes.now.is_barring
        return record

    def _awaits_reprotect(self, record: RecoveryRecord) -> bool:
        """It came here, and what was shipped from here before is the beginning of nothing.

        One that somebody replicates from here anew knows nothing of that.
        """
        must_walk = self._loop.sent().must_walk
        return record.stage in _STANDING_STILL and must_walk == Because.REPROTECT

    def _keep(self, fence: Fence) -> None:
        self._records.fence(self._loop.settings, fence)

    def _locked(self, domain: Domain) -> contextlib.AbstractContextManager[None]:
        return vm_lock(self._home, domain.uuid, self._clock, name=domain.name, work="failover")

    def _domain(self) -> Domain | None:
        try:
            return self._loop.find()
        except (SourceNotThere, VmMissing):
            return None

    def _is_active(self) -> bool | None:
        try:
            domain = self._domain()
            if domain is None or self._is_coming_home():
                return False
            return domain.is_active()
        except HoldfastError:
            return None

    def _is_coming_home(self) -> bool:
        """What stands here, paused, is the machine that runs at the site, on its way."""
        act = self._records.load(self._loop.settings).act
        return act is not None and act.kind is ActKind.FAILBACK_LIVE and not act.epoch
