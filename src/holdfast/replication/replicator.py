"""The loop of one machine: takes steps when they are due, and sends them as the link allows.

Two threads: one reads and one sends, so that a slow link costs no cycle. All that must outlive
them stands in files before it counts, and a death at any moment costs at most what was being done.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.fleet.retrying import LADDER
from holdfast.fleet.windows import parse_window, stretch_around
from holdfast.hypervisor.checkpoints import changed_bytes
from holdfast.hypervisor.domains import Domain
from holdfast.machines.backup_errors import VmOperationRunning, VmStarted
from holdfast.machines.downgrades import AS_SET, downgrade
from holdfast.machines.points import Consistency
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.stillness import AsItIs, Stillness
from holdfast.replication.disk_changes import disk_changes
from holdfast.replication.generations import Move, next_move
from holdfast.replication.listening import Listener
from holdfast.replication.replica_facts import ReplicaDisk
from holdfast.replication.replicator_finding import Finder
from holdfast.replication.replicator_plan import Act, LoopFacts, what_now, window_is_open
from holdfast.replication.replicator_schedule import Due, Schedule, due_now
from holdfast.replication.replicator_shipper import Shipper, walked_bytes
from holdfast.replication.replicator_telling import Telling
from holdfast.replication.replicator_tools import Tools
from holdfast.replication.replicator_turns import TurnGate
from holdfast.replication.replicator_wishes import ResyncWish, read_wishes, take_up
from holdfast.replication.resync import Because
from holdfast.replication.retrying import HURRIED, NO_FAILURE, after_failure, may_try
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.shipping import is_another_replica
from holdfast.replication.source_advance import Did, Done, advance, want_walk
from holdfast.replication.source_errors import HostNotRegistered, SiteAway, SourceNotThere
from holdfast.replication.source_facts import Generation, Sent, Walk
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.source_job import Outbox, SourceJob, known
from holdfast.replication.source_making import StepMade
from holdfast.replication.spool_guard import look, room
from holdfast.replication.states import Event
from holdfast.replication.status import ReplicationStatus, Resync, State
from holdfast.replication.waiting_logs import merge_waiting

_TICK_SECONDS = 0.5
# Beside a backup, a cycle waits for its end and is not a failure.
_BUSY_SECONDS = 2.0
_PENDING_SECONDS = 30.0


class Replicator:
    """`advance` may be another way to take a step, for machines that are taken together."""

    def __init__(
        self,
        uuid: str,
        tools: Tools,
        gate: TurnGate,
        *,
        together: "Callable[[Replicator, SourceJob], Done] | None" = None,
    ) -> None:
        self.uuid = uuid
        self._tools = tools
        self._gate = gate
        self._together = together
        self.folder = SourceFolder(tools.home, uuid)
        self._settings = self.folder.require_settings()
        self.telling = Telling(self.folder, tools.clock)
        self._outbox = Outbox(
            uuid=uuid,
            site=self._settings.to.site,
            folder=self.folder,
            clock=tools.clock,
            on_step=self._on_step,
        )
        self.shipper = Shipper(
            self._outbox, tools, self.telling, lambda: self._settings, waits=lambda: self._waits
        )
        self._finder = Finder(tools.connect, here=tools.hypervisor)
        self._schedule = self._new_schedule()
        self._stop = threading.Event()
        self._stir_reader, self._stir_sender = threading.Event(), threading.Event()
        self._busy_until = float("-inf")
        self._pending_at = float("-inf")
        self._cycle_wished = False
        # What the site has, after a comparison that it refused; a step that comes through ends that.
        self._has_asked = False
        # Whoever ends the replication waits for us.
        self._held: int | None = None
        self._resync_wish: ResyncWish | None = None
        # The site waits for all there is.
        self._is_hurried = False
        self._obeying = tools.on_order(self)
        self._listener = Listener(
            uuid,
            tools,
            self._obeying,
            to=lambda: self._settings.to,
            on_error=self._failed,
            on_skew=self.telling.skewed,
        )
        self._threads = [
            threading.Thread(target=self._read_on, name=f"replicate-{uuid[:8]}", daemon=True),
            threading.Thread(target=self._send_on, name=f"ship-{uuid[:8]}", daemon=True),
            threading.Thread(target=self._listen, name=f"hear-{uuid[:8]}", daemon=True),
        ]

    @property
    def settings(self) -> ReplicationSettings:
        return self._settings

    @property
    def state(self) -> State:
        return self.telling.state

    def start(self) -> None:
        self._held = self.folder.hold()
        self.shipper.tell_what_is_over()
        for thread in self._threads:
            thread.start()

    def ask_to_stop(self) -> None:
        """A step under way ends or is undone."""
        self._stop.set()
        self._stir_reader.set()
        self._stir_sender.set()
        self._listener.stir()

    def join_reader(self) -> None:
        """Nothing is left on the machine after that; a log may still be on its way."""
        _ended(self._threads[:1])

    def is_over(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        _ended(self._threads)
        self._finder.close()
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def write_status(self) -> ReplicationStatus:
        self.telling.told.limit = self._tools.limit(self._settings.to)
        self.shipper.queue()
        return self.telling.write(self._settings, zone=self._tools.zone)

    # What reads.

    def _read_on(self) -> None:
        while not self._stop.is_set():
            try:
                self.tick()
            except Exception as err:
                # Whatever it is, the machine is tried again, and a person sees why.
                self._failed(err)
            self._stir_reader.wait(_TICK_SECONDS)
            self._stir_reader.clear()

    def tick(self) -> Act:
        """One look, and one thing done if one is to be done."""
        self._look_at_wishes()
        sent, walk = known(self._outbox)
        self._tell_walk(sent, walk)
        due = self._due()
        facts = self._facts(sent, walk, is_due=due is not None)
        if due is None and self._cycle_wished:
            # Somebody asked for it, or the last one failed: no slot, so it cannot be missed.
            wished = replace(facts, is_due=True)
            if what_now(wished) is Act.STEP:
                due, facts = Due(at=self._tools.clock.now()), wished
        act = what_now(facts)
        if due is not None and act is not Act.STEP:
            self._slot_passed(due, act, is_first=facts.is_first)
        if act in (Act.STEP, Act.WALK):
            self._do(due if act is Act.STEP else None)
        self._look_at_pending(act, sent)
        return act

    def _slot_passed(self, due: Due, act: Act, *, is_first: bool) -> None:
        """A pause is nobody's failure, and before the first copy there is nothing to be behind."""
        self._slot_taken()
        if act is Act.WALK and not is_first:
            self.telling.cycles.miss([*due.missed, due.at], code="resync-required")
        if act is Act.SKIP:
            self.telling.cycles.miss([*due.missed, due.at], code=self._why_passed())

    def _facts(self, sent: Sent, walk: Walk | None, *, is_due: bool) -> LoopFacts:
        told = self.telling.told
        move = next_move(sent, walk, waits=bool(told.queue_logs))
        return LoopFacts(
            is_due=is_due,
            is_paused=self._settings.paused is not None,
            is_given_up=self.telling.state is State.SUSPENDED,
            is_halted=self._obeying.is_halted,
            may_try=self._may_take() and not self._is_busy(),
            is_connected=self.shipper.is_connected,
            queue=told.queue_logs,
            spooling=self.telling.spool(self._settings),
            has_walk=walk is not None,
            is_walk_waiting=move is Move.WAIT,
            wants_walk=sent.base is None or bool(sent.must_walk),
            # Where there is no point, there is nothing a window could spare.
            is_first=sent.base is None and not told.latest_point,
            may_resync=self._may_resync(),
        )

    def _do(self, due: Due | None) -> None:
        with self._turn() as has_turn:
            if not has_turn:
                return
            if due is not None:
                self.telling.cycles.miss(due.missed)
                self.telling.cycles.begin(due.at)
                self._slot_taken()
            before = known(self._outbox)[0].base
            try:
                done = self._advance()
            except (VmOperationRunning, VmStarted) as err:
                # A backup holds it, or it was started; it is looked at again in a moment.
                if due is not None:
                    self.telling.cycles.delay(due.at, code=err.code)
                self._busy_until = self._tools.clock.monotonic() + _BUSY_SECONDS
                self._cycle_wished = True
                return
            except HoldfastError as err:
                if due is not None:
                    self.telling.cycles.fail(due.at, code=err.code)
                self._failed(err)
                # Not in the next slot, which may be a quarter of an hour away.
                self._cycle_wished |= self.telling.told.taking.failures > 0
                return
        self.telling.told.taking = NO_FAILURE
        self._has_asked = False
        self._note(done, due)
        if done.step is not None and before is not None:
            self._note_disks(before, done.step.generation)
        self._stir_sender.set()

    def _turn(self) -> contextlib.AbstractContextManager[bool]:
        """Of one that is taken with others nobody waits for a turn: it would keep all of them."""
        if self._is_together():
            return contextlib.nullcontext(enter_result=True)
        return self._gate.turn(self._settings.priority, gives_up=self._stop.is_set)

    def _is_together(self) -> bool:
        return self._together is not None and bool(self._settings.group)

    def _advance(self) -> Done:
        found = self._finder.find(self._settings, self._others)
        self._moved(found.domain, found.uri)
        job = self.job(found.domain)
        if self._together is not None and self._is_together() and not self._is_walking():
            return self._together(self, job)
        return advance(job, may_walk=self._may_resync())

    def _is_walking(self) -> bool:
        return next_move(*known(self._outbox), waits=False) is not Move.STEP

    def is_expected(self) -> bool:
        """By the others of its group, when a cycle is due."""
        is_halted = self._settings.paused is not None or self.telling.state is State.SUSPENDED
        return not (is_halted or self._stop.is_set() or self._is_walking())

    def job(self, domain: Domain) -> SourceJob:
        tools = self._tools
        return SourceJob(
            domain=domain,
            site=self._settings.to.site,
            home=tools.home,
            place=ScratchPlace.of(tools.scratch, self.uuid),
            clock=tools.clock,
            folder=self.folder,
            receiver=self.shipper.receiver,
            stillness=self._stillness,
            least=self._settings.least,
            slice_bytes=tools.slice_bytes,
            reserve=tools.reserve,
            scratch_share=self._settings.scratch.act,
            room=self._room,
            on_step=self._on_step,
        )

    def _room(self) -> int:
        return room(look(self.folder.spool), self._settings.spool)

    def find(self) -> Domain:
        return self._finder.find(self._settings, self._others).domain

    def _others(self) -> Iterator[str]:
        return iter(self._tools.other_hosts())

    def _moved(self, domain: Domain, uri: str) -> None:
        """It goes by another name, or lives elsewhere: what is kept of it says so from now on."""
        told = self.telling
        told.move(Event.HOST_FOUND)
        changes: dict[str, object] = {}
        if domain.name != self._settings.name:
            changes["name"] = domain.name
        if uri != (self._settings.hypervisor or self._tools.hypervisor):
            changes["hypervisor"] = uri
            told.happened("moved", "host-moved")
        if changes:
            self._settings = msgspec.structs.replace(self._settings, **changes)
            self.folder.change_settings(lambda now: msgspec.structs.replace(now, **changes))

    def _stillness(self, domain: Domain) -> Stillness:
        """Frozen as often as asked for; each cycle would cost the guest more than it is worth."""
        settings, told = self._settings, self.telling.told
        wants_always = settings.least is not Consistency.CRASH
        if not settings.app_every and not wants_always:
            return AsItIs(downgrade("freeze-never"))
        last, now = told.still_at, self._tools.clock.now()
        # As late as half an interval before, it would come too late the next time.
        wait = timedelta(seconds=max(0.0, settings.app_every - settings.every / 2))
        if last is not None and now - last < wait and now >= last and not wants_always:
            return AsItIs(downgrade("freeze-not-due"))
        return self._tools.stillness(domain, settings)

    def _note(self, done: Done, due: Due | None) -> None:
        telling = self.telling
        match done.did:
            case Did.STEP if done.step is not None:
                self._note_step(done.step, due)
            case Did.SLICE if done.made is not None:
                telling.told.left_out = done.made.log.head.left_out
                self.shipper.remember(done.made.log)
                self._stir_reader.set()
            case Did.WALK_BEGUN:
                telling.move(Event.COPY_BEGAN, Event.RESYNC_BEGAN)
                telling.happened("first-copy" if done.why == Because.FIRST else "resync", done.why)
                self._resync_wish = None
                self._stir_reader.set()
            case Did.LOST:
                telling.move(Event.RESYNC_NEEDED)
                telling.happened("audit" if done.why == "map-wrong" else "resync", done.why)
                if due is not None:
                    telling.cycles.fail(due.at, code="resync-required")
                self._stir_reader.set()
            case Did.UNCHANGED:
                self._note_unchanged(due)
            case _:
                if due is not None:
                    telling.cycles.fail(due.at, code=done.did.value)

    def _note_step(self, step: StepMade, due: Due | None) -> None:
        telling, head = self.telling, step.log.head
        telling.move(Event.WENT_ON)
        self._cycle_wished = False
        telling.told.left_out = head.left_out
        self.shipper.remember(step.log)
        self.shipper.disks = tuple(
            ReplicaDisk(target=disk.target, size=disk.size) for disk in head.disks
        )
        telling.cycles.spooled(
            due.at if due else self._tools.clock.now(),
            head.until,
            dirty=step.dirty,
            log_bytes=step.log.size,
        )
        told = telling.told
        told.scratch_peak_bytes = max(told.scratch_peak_bytes, step.scratch_bytes)
        told.scratch_share = step.scratch_share
        told.pending_bytes = 0
        if head.consistency is not Consistency.CRASH:
            told.still_at = head.taken_at
        for each in head.downgrades:
            if each.code not in AS_SET:
                telling.happened("downgraded", each.code)
        gone = merge_waiting(self._outbox)
        if gone:
            telling.cycles.merged(gone)
            telling.happened("merged", "queue-long")

    def _note_disks(self, before: Generation, now: Generation) -> None:
        for what, why, disk, size in disk_changes(before.disks, now.disks):
            self.telling.happened(what, why, size=size, disk=disk)

    def _note_unchanged(self, due: Due | None) -> None:
        """It is off, and nobody has written: what the site has is what it is."""
        telling = self.telling
        self._cycle_wished = False
        sent, _walk = known(self._outbox)
        if sent.spooled is None and sent.acked is not None:
            telling.move(Event.ALL_SHIPPED)
            if due is not None:
                telling.cycles.spooled(due.at, sent.acked.name, dirty={}, log_bytes=0)
                telling.cycles.shipped(sent.acked.name, wire_bytes=0, seconds=0.0)

    def _failed(self, err: Exception) -> None:
        telling = self.telling
        if isinstance(err, SourceNotThere | HostNotRegistered):
            telling.move(Event.HOST_GONE)
        if isinstance(err, SiteAway):
            # Its own failure counts, and is seen where it is sent.
            return
        telling.failed(err)
        if self._asks_anew(err):
            return
        now = self._tools.clock.now()
        telling.told.taking = after_failure(telling.told.taking, err, now, waits=self._waits)
        if telling.told.taking.is_over:
            telling.happened("gave-up", telling.told.taking.code)
            telling.move(Event.GAVE_UP)

    def _asks_anew(self, err: Exception) -> bool:
        """Who compares may be the first to see another replica there; once is no failure."""
        if self._has_asked or not (isinstance(err, HoldfastError) and is_another_replica(err)):
            return False
        self._has_asked = True
        self.shipper.ask_anew()
        self._stir_sender.set()
        return True

    @property
    def _waits(self) -> Sequence[timedelta]:
        """Between tries after a failure."""
        return HURRIED if self._is_hurried else LADDER

    def _may_take(self) -> bool:
        now = self._tools.clock.now()
        return may_try(self.telling.told.taking, now, waits=self._waits)

    def _is_busy(self) -> bool:
        return self._tools.clock.monotonic() < self._busy_until

    def _why_passed(self) -> str:
        told = self.telling.told
        if told.resync is not None:
            return "resync-required"
        return told.tries.code or ("spool-stopped" if told.spooling.value == "stopped" else "")

    def _look_at_wishes(self) -> None:
        settings = self.folder.settings()
        if settings is None:
            # It was disabled; whoever owns this loop ends it.
            self._stop.set()
            return
        if settings.every != self._settings.every or settings.group != self._settings.group:
            self._settings = settings
            self._schedule = self._new_schedule()
        self._pause(settings)
        self._settings = settings
        wishes = read_wishes(self.folder)
        if wishes.retry is not None:
            self.telling.told.taking = NO_FAILURE
            self.shipper.retry_now()
            self.telling.move(Event.RESUMED)
        if wishes.cycle is not None:
            self._cycle_wished = True
        if wishes.resync is not None:
            self._resync_wish = wishes.resync
            want_walk(self._outbox)
            self.telling.move(Event.RESYNC_NEEDED)
        take_up(self.folder, wishes)
        if wishes.retry is not None or wishes.resync is not None:
            self._stir_sender.set()

    def _pause(self, settings: ReplicationSettings) -> None:
        before, now = self._settings.paused, settings.paused
        if now is not None and self.telling.state is not State.PAUSED:
            self.telling.move(Event.PAUSED)
            self.telling.happened("paused", "ordered")
        if before is not None and now is None:
            self.telling.happened("resumed", "ordered")
        if now is None and self.telling.state is State.PAUSED:
            self.telling.move(Event.RESUMED)
            self._stir_sender.set()

    def _may_resync(self) -> bool:
        if self._is_hurried:
            return True
        wish, tools = self._resync_wish, self._tools
        now = tools.clock.now()
        window = self._settings.resync_window
        is_in = not window or stretch_around([parse_window(window)], now, tools.zone) is not None
        return window_is_open(
            now=now,
            not_before=wish.at if wish else None,
            is_now=bool(wish and wish.is_now),
            is_in_window=is_in,
        )

    def _tell_walk(self, sent: Sent, walk: Walk | None) -> None:
        told = self.telling.told
        told.walk_bytes = walk.walk_bytes if walk else 0
        told.walked_bytes = walked_bytes(walk)
        if walk is not None and walk.is_resync:
            told.resync = Resync(why=walk.why, since=walk.begun_at)
        elif sent.must_walk and sent.must_walk_since is not None:
            at = self._resync_wish.at if self._resync_wish else None
            told.resync = Resync(why=sent.must_walk, since=sent.must_walk_since, at=at)
        else:
            told.resync = None

    def _look_at_pending(self, act: Act, sent: Sent) -> None:
        """While nothing is taken, how much it grows; asked now and then."""
        base, now = sent.base, self._tools.clock.monotonic()
        if act is not Act.WAIT or base is None or now < self._pending_at:
            return
        self._pending_at = now + _PENDING_SECONDS
        if self._settings.paused is None and self.telling.told.spooling.value != "stopped":
            return
        with contextlib.suppress(HoldfastError):
            domain = self.find()
            self.telling.told.pending_bytes = sum(
                sum(changed_bytes(domain, name).values()) for name in base.checkpoints
            )

    def _due(self) -> Due | None:
        now, monotonic = self._tools.clock.now(), self._tools.clock.monotonic()
        return due_now(self._schedule, monotonic=monotonic, now=now)

    def _slot_taken(self) -> None:
        self._schedule = self._schedule.taken(self._tools.clock.monotonic())

    def _new_schedule(self) -> Schedule:
        settings, clock = self._settings, self._tools.clock
        return Schedule.begun(
            settings.group or settings.vm,
            settings.every,
            monotonic=clock.monotonic(),
            wall=_seconds(clock.now()),
        )

    def _on_step(self, step: str) -> None:
        self.telling.log.trace(step)
        self._tools.on_step(self.uuid, step)

    # What sends.

    def _send_on(self) -> None:
        while not self._stop.is_set():
            shipped = None
            try:
                if self._may_send():
                    shipped = self.shipper.once()
            except Exception as err:
                self._failed(err)
            if shipped is not None:
                # A walk goes on, and what waited for the queue can begin.
                self._stir_reader.set()
                continue
            self._stir_sender.wait(_TICK_SECONDS)
            self._stir_sender.clear()

    def _may_send(self) -> bool:
        if self._obeying.is_halted:
            return False
        return self._settings.paused is None and self.telling.state is not State.SUSPENDED

    # What hears the site.

    def _listen(self) -> None:
        self._listener.run(self._stop.is_set)

    def sent(self) -> Sent:
        return known(self._outbox)[0]

    def trouble(self) -> dict[str, str]:
        tries = self.telling.told.tries
        return {"trouble": tries.code, "sentence": tries.sentence} if tries.failures else {}

    def hurry(self, *, is_hurried: bool) -> None:
        if is_hurried and not self._is_hurried:
            # The site has answered just now.
            self.shipper.retry_now()
        self._is_hurried = is_hurried
        if is_hurried:
            self._cycle_wished = True
            self._stir_reader.set()
            self._stir_sender.set()

    def move(self, *events: Event) -> None:
        self.telling.move(*events)

    def happened(self, what: str, why: str) -> None:
        self.telling.happened(what, why)

    def mind(self, *, is_split: bool, waits_for_site: bool) -> None:
        self.telling.told.is_split = is_split
        self.telling.told.waits_for_site = waits_for_site

    def send_now(self) -> None:
        self._stir_sender.set()

    def tell_now(self) -> None:
        self._listener.stir()

    def on_step(self, step: str) -> None:
        self._on_step(step)


def _ended(threads: Sequence[threading.Thread]) -> None:
    """One that was never begun has."""
    for thread in threads:
        if thread.ident is not None:
            thread.join()


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
