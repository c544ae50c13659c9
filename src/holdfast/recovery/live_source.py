"""At a source: a machine leaves for its site while it runs, as the site orders.

Beside the loop's own obedience: the order that moves it is obeyed here, and what a try has left on
the machine's disks is put back, or thrown away once the machine runs at the site.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.machines.backup_errors import VmOperationRunning
from holdfast.recovery import fencing
from holdfast.recovery.live_errors import LiveInterrupted
from holdfast.recovery.live_leaving import FREEZE, Leaving, Means
from holdfast.recovery.live_leftovers import settle
from holdfast.recovery.live_note import read_live
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_notes import NotesFile
from holdfast.recovery.source_record import SourceRecord
from holdfast.recovery.source_side import Answer
from holdfast.replication.replicator_tools import Door
from holdfast.replication.settings import SiteAddress
from holdfast.replication.site_orders import OrderKind, SiteOrder, SourceTidings
from holdfast.replication.source_orders import Loop, Obeying, OnOrder


class LiveSources:
    """Of all machines of this host; `handle` is the source side's for HAND_OVER_LIVE."""

    def __init__(
        self,
        home: str,
        clock: Clock,
        *,
        door: Callable[[SiteAddress], Door],
        limit: Callable[[SiteAddress], int | None],
    ) -> None:
        self._home, self._clock = home, clock
        self._door, self._limit = door, limit
        self._lock = threading.Lock()
        self._leaving: dict[str, Leaving] = {}
        self._settling: dict[str, threading.Thread] = {}
        # What was told to keep the leftovers of a machine where they are: once, not at each look.
        self._kept_by: dict[str, str] = {}

    @property
    def handlers(self) -> Mapping[OrderKind, Callable[[Loop, SiteOrder, NotesFile], Answer]]:
        return {OrderKind.HAND_OVER_LIVE: self.handle}

    def around(self, on_order: OnOrder) -> OnOrder:
        """The same, with a look at what earlier tries have left."""
        return lambda loop: _Tidy(self, loop, on_order(loop))

    def handle(self, loop: Loop, order: SiteOrder, notes: NotesFile) -> Answer:
        leaving = self._leaving.get(loop.uuid)
        if leaving is not None and leaving.attempt == order.options.get("attempt"):
            leaving.hear(order)
            if leaving.error is not None:
                raise leaving.error
            return Answer(is_done=leaving.is_gone, facts=self._facts(leaving))
        if leaving is not None and leaving.is_at_work:
            # One that was given up; see `mind`.
            return Answer()
        if order.options.get("phase") != FREEZE:
            return self._gone_before(loop, order)
        return self._begin(loop, order, notes)

    def mind(self, loop: Loop, order: SiteOrder | None) -> None:
        """A try that was given up holds the machine from whatever is wanted instead of it."""
        leaving = self._leaving.get(loop.uuid)
        if leaving is None or order is None or not leaving.is_at_work:
            return
        is_live = order.kind is OrderKind.HAND_OVER_LIVE
        if not (is_live and order.options.get("attempt") == leaving.attempt):
            leaving.let_go()

    def look(self, loop: Loop) -> None:
        """Whether something is left that nobody is at work upon."""
        folder = RecordFolder(self._home, loop.uuid)
        leaving = self._leaving.get(loop.uuid)
        if (leaving is not None and leaving.is_at_work) or read_live(folder) is None:
            return
        with self._lock:
            at_work = self._settling.get(loop.uuid)
            if at_work is None or not at_work.is_alive():
                thread = threading.Thread(
                    target=self._settle, args=(loop,), name=f"settle-{loop.uuid[:8]}", daemon=True
                )
                self._settling[loop.uuid] = thread
                thread.start()

    def _begin(self, loop: Loop, order: SiteOrder, notes: NotesFile) -> Answer:
        folder = RecordFolder(self._home, loop.uuid)
        if read_live(folder) is not None:
            # Of an earlier try: its images are taken off first.
            return Answer()
        base = loop.sent().base
        notes.change(
            act=order.act,
            kind=order.kind,
            since=self._clock.now(),
            base=base.name if base else "",
            was_running=True,
            is_barring=False,
        )
        leaving = self._leaving[loop.uuid] = Leaving(loop, order, self._means(loop, folder))
        leaving.start()
        return Answer(facts=self._facts(leaving))

    def _gone_before(self, loop: Loop, order: SiteOrder) -> Answer:
        """By a process that was ended: whether it had come to its end, the machine tells."""
        folder = RecordFolder(self._home, loop.uuid)
        note, domain = read_live(folder), loop.find()
        is_same = note is not None and note.attempt == order.options.get("attempt")
        if is_same and not domain.is_active() and fencing.is_fenced(domain):
            # The site sees whether it is there; if it is not, this host is asked to have it back.
            fence = fencing.bar(domain, self._clock, act=order.act, epoch=order.epoch)
            SourceRecord(folder, self._clock).fence(loop.settings, fence)
            facts = {"attempt": order.options.get("attempt", ""), "live": "gone"}
            return Answer(is_done=True, facts=facts)
        raise LiveInterrupted(about=domain.name)

    def _facts(self, leaving: Leaving) -> Mapping[str, str]:
        return {"attempt": leaving.attempt, **leaving.facts()}

    def _means(self, loop: Loop, folder: RecordFolder) -> Means:
        to = loop.settings.to
        door = self._door(to)
        assert door.tunnels is not None, "a site on another host"
        tunnels, keep_fence = door.tunnels, SourceRecord(folder, self._clock).fence
        return Means(
            home=self._home,
            clock=self._clock,
            folder=folder,
            tunnels=lambda act: tunnels(loop.uuid, act),
            limit=lambda: self._limit(to),
            keep=lambda fence: keep_fence(loop.settings, fence),
            clean=lambda: self._settle(loop),
        )

    def _settle(self, loop: Loop) -> None:
        """What cannot be put back now is looked at again in a moment."""
        folder = RecordFolder(self._home, loop.uuid)
        with contextlib.suppress(VmOperationRunning):
            try:
                site = loop.settings.to.machine
                settle(loop.find(), folder, self._clock, home=self._home, site=site)
                self._kept_by.pop(loop.uuid, None)
            except HoldfastError as err:
                if self._kept_by.get(loop.uuid) != err.code:
                    loop.happened("live-leftovers", err.code)
                self._kept_by[loop.uuid] = err.code


class _Tidy:
    """Obeys as the one within does."""

    def __init__(self, live: LiveSources, loop: Loop, within: Obeying) -> None:
        self._live, self._loop, self._within = live, loop, within

    @property
    def is_halted(self) -> bool:
        return self._within.is_halted

    def tidings(self) -> SourceTidings:
        return self._within.tidings()

    def hear(self, order: SiteOrder | None) -> float:
        self._live.mind(self._loop, order)
        seconds = self._within.hear(order)
        self._live.look(self._loop)
        return seconds

    def unheard(self) -> None:
        self._within.unheard()
        self._live.look(self._loop)
