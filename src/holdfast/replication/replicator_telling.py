"""What is told of a replication: its state and what happened, judged and written down."""

import contextlib
import threading
from datetime import datetime
from typing import NamedTuple

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.machines.points import Consistency
from holdfast.replication.cycle_record import CycleRecord
from holdfast.replication.cycles import well_until
from holdfast.replication.event_log import EventLog, Kind
from holdfast.replication.judged_status import behind_by_now, status_of
from holdfast.replication.least_age import LeastAge, age_of
from holdfast.replication.log_head import LogHead
from holdfast.replication.observed import Observed
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.retrying import NO_FAILURE, Tries
from holdfast.replication.rpo import rpo_at
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.spool_guard import SpoolFacts, Spooling, judge, look
from holdfast.replication.states import Event, Standing, after, is_legal
from holdfast.replication.status import Happening, ReplicationStatus, Resync, State
from holdfast.replication.status_file import read_status, write_status

# The clock of this host was set, or it slept, if it is off by so much since the last look.
_JUMP_SECONDS = 5.0


class Told(msgspec.Struct, kw_only=True):
    """What the loop has seen last; changed under the lock of Telling."""

    since: datetime
    latest_point: str = ""
    latest_at: datetime | None = None
    latest_app_at: datetime | None = None
    # Of a freeze that held, whatever came of the applications.
    still_at: datetime | None = None
    queue_logs: int = 0
    queue_bytes: int = 0
    pending_bytes: int = 0
    walked_bytes: int = 0
    walk_bytes: int = 0
    limit: int | None = None
    scratch_peak_bytes: int = 0
    scratch_share: float = 0.0
    spooling: Spooling = Spooling.FREE
    taking: Tries = NO_FAILURE
    sending: Tries = NO_FAILURE
    left_out: dict[str, str] = {}
    resync: Resync | None = None
    was_written: bool = False
    # Of the log that is under way now.
    speed: float | None = None
    skew_seconds: float | None = None
    # It runs at both hosts; it was to start with its host, and its site has not answered yet.
    is_split: bool = False
    waits_for_site: bool = False

    @property
    def tries(self) -> Tries:
        """The graver of the two."""
        both = (self.taking, self.sending)
        return max(both, key=lambda tries: (tries.is_over, tries.failures))


class _Ages(NamedTuple):
    """Seconds, by the clock that nobody sets."""

    point: float
    success: float
    app_point: float


class Telling:
    """To be used from every thread of a machine's loop."""

    def __init__(self, folder: SourceFolder, clock: Clock) -> None:
        folder.make()
        self._folder = folder
        self._clock = clock
        self._lock = threading.RLock()
        self._before = self._read()
        self.cycles = CycleRecord(folder.path, clock)
        self.log = EventLog(folder.path, clock)
        self._standing = _standing_of(self._before)
        self._point_age, self._success_age, self._app_age = LeastAge(), LeastAge(), LeastAge()
        # Of the wall clock before the one that nobody sets.
        self._offset: float | None = None
        self._happened: list[Happening] = []
        self.told = Told(since=clock.now())
        if self._before is not None:
            self.told.latest_point = self._before.latest_point
            self.told.latest_at = self._before.latest_at
            self.told.latest_app_at = self._before.latest_app_at
            self.told.spooling = self._before.spooling
            self.told.left_out = self._before.left_out
            behind = behind_by_now(self._before, clock.now()) or 0.0
            self._point_age.of(self.told.latest_point, behind, clock.monotonic())

    @property
    def state(self) -> State:
        with self._lock:
            return self._standing.state

    @property
    def halted(self) -> State:
        with self._lock:
            return self._standing.halted

    def move(self, *events: Event) -> None:
        """What cannot follow from where it is changes nothing."""
        with self._lock:
            for event in events:
                if is_legal(self._standing, event):
                    before, self._standing = self._standing, after(self._standing, event)
                    if before.state is not self._standing.state:
                        self.log.write(Kind.STATE, self._standing.state, why=event)

    def skewed(self, seconds: float) -> None:
        """The site's clock is so far ahead of ours, by what it said just now."""
        with self._lock:
            self.told.skew_seconds = seconds

    def happened(self, what: str, why: str, *, size: int = 0, disk: str = "") -> None:
        with self._lock:
            self._happened.append(
                Happening(what=what, at=self._clock.now(), why=why, bytes=size, disk=disk)
            )
            self.log.write(Kind.HAPPENED, what, why=why, size=size, disk=disk)

    def failed(self, err: Exception) -> None:
        """It is tried again, or given up; by whom is not this one's business."""
        code = err.code if isinstance(err, HoldfastError) else type(err).__name__
        self.log.write(Kind.FAILED, code, why=str(err))

    def point(self, head: LogHead, *, size: int) -> None:
        """The site has it now, by a log of that size."""
        self.log.write(Kind.POINT, head.until, why=head.consistency, size=size)
        with self._lock:
            told = self.told
            told.latest_point, told.latest_at = head.until, head.taken_at
            if head.consistency is Consistency.APPLICATION:
                told.latest_app_at = head.taken_at
            told.was_written = False

    def facts(self, facts: ReplicaFacts | None) -> None:
        """What the site says; of points that are spoiled it has none."""
        with self._lock:
            good = [point for point in facts.points if not point.is_spoiled] if facts else []
            told = self.told
            told.latest_point = good[-1].generation if good else ""
            told.latest_at = good[-1].taken_at if good else None
            # The one made last, whatever the clock said then.
            app = [p.taken_at for p in good if p.consistency is Consistency.APPLICATION]
            told.latest_app_at = app[-1] if app else None
            still = [p.taken_at for p in good if p.consistency is not Consistency.CRASH]
            if still and told.still_at is None:
                told.still_at = still[-1]
            told.was_written = bool(facts and facts.written)

    def spool(self, settings: ReplicationSettings) -> Spooling:
        """Looked at anew."""
        with self._lock:
            seen = self._spool_facts()
            before = self.told.spooling
            self.told.spooling = judge(seen, settings.spool, before=before)
            if self.told.spooling is Spooling.STOPPED and before is not Spooling.STOPPED:
                self.happened("spool-stopped", "site-away")
            return self.told.spooling

    def write(self, settings: ReplicationSettings, **changes: object) -> ReplicationStatus:
        with self._lock:
            told = self.told
            now, monotonic = self._clock.now(), self._clock.monotonic()
            self._look_at_clock(now, monotonic)
            ages = self._ages(now, monotonic)
            seen = Observed(
                settings=settings,
                standing=self._standing,
                since=told.since,
                cycles=self.cycles.cycles,
                latest_point=told.latest_point,
                latest_at=told.latest_at,
                latest_app_at=told.latest_app_at,
                least_behind=ages.point,
                least_since_success=ages.success,
                least_since_app=ages.app_point,
                queue_logs=told.queue_logs,
                queue_bytes=told.queue_bytes,
                pending_bytes=told.pending_bytes,
                walked_bytes=told.walked_bytes,
                walk_bytes=told.walk_bytes,
                throughput=told.speed,
                limit=told.limit,
                scratch_peak_bytes=told.scratch_peak_bytes,
                scratch_share=told.scratch_share,
                spool=self._spool_facts(),
                spooling=told.spooling,
                tries=told.tries,
                skew_seconds=told.skew_seconds,
                left_out=told.left_out,
                resync=told.resync,
                was_written=told.was_written,
                is_split=told.is_split,
                waits_for_site=told.waits_for_site,
                **changes,  # type: ignore[arg-type]  # of Observed, by its names
            )
            status = status_of(seen, now, before=self._before, happened=self._happened)
            self._happened.clear()
            self._before = status
            write_status(self._folder.path, status)
            return status

    def _look_at_clock(self, now: datetime, monotonic: float) -> None:
        """That times before and after do not belong together is told; ages are reckoned on."""
        offset = now.timestamp() - monotonic
        jump, self._offset = offset - (self._offset or offset), offset
        if abs(jump) > _JUMP_SECONDS:
            self.happened("clock-set", "clock-ahead" if jump > 0 else "clock-back")

    def _ages(self, now: datetime, monotonic: float) -> _Ages:
        told, cycles = self.told, self.cycles
        behind = rpo_at(told.latest_at, now) or 0.0
        success = well_until(cycles.cycles, told.since, told.latest_at)
        successes = told.since, told.latest_point, cycles.successes
        app = told.latest_app_at or told.since
        return _Ages(
            point=self._point_age.of(told.latest_point, behind, monotonic),
            success=self._success_age.of(successes, age_of(success, now), monotonic),
            app_point=self._app_age.of(app, age_of(app, now), monotonic),
        )

    def _spool_facts(self) -> SpoolFacts:
        with contextlib.suppress(OSError):
            return look(self._folder.spool)
        return SpoolFacts()

    def _read(self) -> ReplicationStatus | None:
        with contextlib.suppress(HoldfastError):
            return read_status(self._folder.path)
        return None


def _standing_of(before: ReplicationStatus | None) -> Standing:
    if before is None or before.state is State.OFF:
        return Standing(state=State.READY_FOR_INITIAL_COPY)
    return Standing(state=before.state, halted=before.halted)
