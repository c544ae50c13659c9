"""Servers that share a database watch each other, and take over the work of one that died.

Dead is who has not said for some seconds that it lives. Whose clock is right does not matter: each
server measures, by its own clock, how long a peer's last word has stayed the same. A server that
cannot reach the database learns nothing about the others, and begins to measure anew.

A process that only stood still wakes up to find that its workflows are others' now: the engine
refuses it the next step, and its steps bear to be done twice (see `working`).
"""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbos import DBOS

from holdfast.catalog import clocks, workers
from holdfast.server.workflows.holding import VERSION, Held
from holdfast.server.workflows.upkeep import after_a_crash

if TYPE_CHECKING:
    from datetime import datetime

_log = logging.getLogger(__name__)
# How many beats lie between two looks for work of servers that left in order, or long ago.
_ORPHANS = 15
# And between two looks at the clock.
_CLOCK = 60


class Lookout:
    """A thread that says that this server lives, and looks who else does."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._heard: dict[str, tuple[datetime, float]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        self._beats = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Leave in order: what is still under way is for the others, at once."""
        self._stop.set()
        self._thread.join()
        with self._held.plane.database.write() as db:
            workers.forget(db, self._held.executor_id)

    def say_alive(self) -> None:
        with self._held.plane.database.write() as db:
            now = self._held.plane.clock.now()
            workers.beat(db, self._held.executor_id, version=VERSION, now=now)

    def silent(self) -> dict[str, "datetime"]:
        """Who has said nothing new for too long, and their last word; called once a beat."""
        clock, limit = self._held.plane.clock, self._held.limits.dead.total_seconds()
        # Before the look: should we be frozen in between, the others must not seem silent.
        now = clock.monotonic()
        with self._held.plane.database.read() as db:
            said = {row.executor_id: row.seen_at for row in workers.every(db)}
        self._heard = {
            name: before
            if (before := self._heard.get(name)) is not None and before[0] == seen
            else (seen, now)
            for name, seen in said.items()
            if name != self._held.executor_id
        }
        return {name: seen for name, (seen, since) in self._heard.items() if now - since >= limit}

    def _run(self) -> None:
        while not self._stop.wait(self._held.limits.beat.total_seconds()):
            try:
                self._beat()
            except Exception:
                self._heard.clear()
                _log.warning("cannot look after the other servers", exc_info=True)

    def _beat(self) -> None:
        self.say_alive()
        for name, seen_at in self.silent().items():
            self.take_over(name, seen_at=seen_at)
        if self._beats % _CLOCK == 0:
            self._compare_clocks()
        self._beats += 1
        if self._beats % _ORPHANS == 0:
            self.take_orphans()

    def _compare_clocks(self) -> None:
        plane = self._held.plane
        if said := clocks.warning(plane.database, plane.clock):
            _log.warning("%s: requests may be done twice; set the time of both by NTP", said)

    def take_over(self, executor_id: str, *, seen_at: "datetime") -> int:
        """Every workflow that one had in work when it said its last word; how many they are."""
        with self._held.plane.database.write() as db:
            # Held to the end: of several survivors one resumes, and the others find nothing left.
            # Should it die in between, the row is still there for the next.
            row = workers.lock(db, executor_id)
            if row is None or row.seen_at != seen_at:
                # Taken over by another, or back in between.
                return 0
            pending = _pending([executor_id])
            _resume(pending)
            workers.forget(db, executor_id)
        self._heard.pop(executor_id, None)
        DBOS.start_workflow(after_a_crash)
        _log.warning("took over %d workflows of %s", len(pending), executor_id)
        return len(pending)

    def take_orphans(self) -> int:
        """Work of servers that have no row: they left in order, or were taken over half-way."""
        if not self._orphans():
            return 0
        with self._held.plane.database.write() as db:
            # Survivors do this one after the other: all of them lock the same row.
            rows = workers.every(db)
            workers.lock(db, rows[0].executor_id)
            pending = self._orphans()
            _resume(pending)
        return len(pending)

    def _orphans(self) -> list["_Pending"]:
        with self._held.plane.database.read() as db:
            living = {row.executor_id for row in workers.every(db)}
        if self._held.executor_id not in living:
            return []
        return [one for one in _pending(None) if one.executor_id not in living]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    workflow_id: str
    queue: str | None
    executor_id: str


def _pending(executors: list[str] | None) -> list[_Pending]:
    found = DBOS.list_workflows(
        status="PENDING", executor_id=executors, load_input=False, load_output=False
    )
    return [
        _Pending(
            workflow_id=one.workflow_id, queue=one.queue_name, executor_id=one.executor_id or ""
        )
        for one in found
    ]


def _resume(pending: Iterable[_Pending]) -> None:
    for one in pending:
        # Without its queue it would no longer count for the queue's limits.
        DBOS.resume_workflow(one.workflow_id, queue_name=one.queue)
