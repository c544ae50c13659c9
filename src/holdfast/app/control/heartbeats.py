"""Heartbeats: thousands of machines say every half minute that they live, and how they are.

The first beat after a quiet second is written at once; those that follow within the second are
kept in memory and written together, in one statement. What a crash loses of them comes again.
"""

import logging
import threading
from datetime import datetime, timedelta
from typing import Any

from holdfast.app.control.assignments import etag_of
from holdfast.app.control.machine_names import heard_host
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.replication_roles import SITES_BEAT, roles_of
from holdfast.catalog import heartbeats as beat_rows
from holdfast.fleet.messages import Heartbeat, HeartbeatReply

_log = logging.getLogger(__name__)
_TOGETHER = 1.0
BETWEEN = timedelta(seconds=30)
_RENEW_BEFORE = timedelta(days=30)


class HeartbeatBook:
    """One for a server process."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._lock = threading.Lock()
        self._waiting: dict[str, dict[str, Any]] = {}
        self._written = float("-inf")
        self._timer: threading.Timer | None = None

    def note(self, machine_id: str, beat: Heartbeat, *, now: datetime) -> None:
        row = {
            "machine": machine_id,
            "at": now,
            "version": beat.agent_version,
            "told": {**beat.facts, "running": beat.running, "clock": beat.at.isoformat()},
        }
        with self._lock:
            self._waiting[machine_id] = row
            if self._timer is not None:
                return
            quiet = self._plane.clock.monotonic() - self._written
            if quiet < _TOGETHER:
                self._timer = threading.Timer(_TOGETHER - quiet, self._flush_later)
                self._timer.daemon = True
                self._timer.start()
                return
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            rows, self._waiting = list(self._waiting.values()), {}
            self._written = self._plane.clock.monotonic()
        if rows:
            with self._plane.database.write() as db:
                beat_rows.store(db, rows)

    def close(self) -> None:
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self.flush()

    def _flush_later(self) -> None:
        with self._lock:
            self._timer = None
        try:
            self.flush()
        except Exception:
            # The database is away for a moment; the next beats come by themselves.
            _log.warning("heartbeats not written", exc_info=True)


def beat(plane: Plane, actor: Actor, book: HeartbeatBook, told: Heartbeat) -> HeartbeatReply:
    """What the machine should know before its next beat."""
    now = plane.clock.now()
    book.note(actor.id, told, now=now)
    with plane.database.read() as db:
        end, host = beat_rows.known(db, actor.id)
        etag, roles = etag_of(db, actor.id), roles_of(plane, db, actor.id)
    if told.name != (host or actor.name):
        heard_host(plane, actor, told.name)
    return HeartbeatReply(
        at=now,
        assignments_etag=etag,
        renew_certificate=end is not None and end - now < _RENEW_BEFORE,
        next_seconds=(SITES_BEAT if roles.site else BETWEEN).total_seconds(),
        replication_etag=roles.etag,
    )
