"""How a replication is doing: written at the source, read by people, servers and the doctor."""

from datetime import datetime
from enum import StrEnum

import msgspec

from holdfast.replication.settings import Paused
from holdfast.replication.spool_guard import SpoolFacts, Spooling

VERSION = 1


class State(StrEnum):
    OFF = "off"
    READY_FOR_INITIAL_COPY = "ready-for-initial-copy"
    WAITING_FOR_INITIAL_COPY = "waiting-for-initial-copy"
    INITIAL_COPY = "initial-copy"
    REPLICATING = "replicating"
    # All that was written is at the other site, and the machine is off: a planned failover may go.
    SYNCED = "synced"
    FAILOVER_WAITING = "failover-waiting"
    FAILED_OVER = "failed-over"
    SUSPENDED = "suspended"
    PAUSED = "paused"
    RESYNC_REQUIRED = "resync-required"
    RESYNCHRONIZING = "resynchronizing"
    HOST_NOT_REGISTERED = "host-not-registered"


class Health(StrEnum):
    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why the health is not normal; `figures` fill the sentence of the code."""

    code: str
    health: Health
    since: datetime
    # When it was last so bad; after that it is kept for a while, so that nothing flaps.
    last_at: datetime | None = None
    figures: dict[str, str] = {}


class Happening(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A resync, a downgraded point, a merged queue: what, when, why, and what it cost."""

    what: str
    at: datetime
    why: str
    bytes: int = 0
    # The one it is about; empty: the whole machine.
    disk: str = ""


class DiskChurn(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    # In the last hour.
    dirty_bytes_per_second: float


class Resync(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why everything is, or must be, compared; `at` is when that may begin, empty: at once."""

    why: str
    since: datetime
    at: datetime | None = None
    # Of this disk alone; empty: of all.
    disk: str = ""


class ReplicationStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    vm: str
    name: str
    site: str
    state: State
    # Of a state that halts: where it goes on.
    halted: State = State.REPLICATING
    health: Health = Health.NORMAL
    reasons: tuple[Reason, ...] = ()
    updated_at: datetime
    # The newest instant the site can start the machine at.
    latest_point: str = ""
    latest_at: datetime | None = None
    latest_app_at: datetime | None = None
    last_success_at: datetime | None = None
    cycles: int = 0
    missed: int = 0
    queue_logs: int = 0
    queue_bytes: int = 0
    # Of the walk of a first copy or a resync.
    walked_bytes: int = 0
    walk_bytes: int = 0
    # Recorded in the bitmaps and not yet in a log, as far as it was asked for.
    pending_bytes: int = 0
    # On the wire, in bytes a second, over the last minutes.
    throughput: float = 0.0
    mean_log_bytes: float = 0.0
    greatest_log_bytes: int = 0
    scratch_peak_bytes: int = 0
    # At `updated_at`; who reads it later reckons from `latest_at`.
    rpo_seconds: float | None = None
    achievable_rpo_seconds: float | None = None
    missed_share: float = 0.0
    # What may be sent now; None: as much as the link carries.
    limit_bytes_per_second: int | None = None
    limit_until: datetime | None = None
    churn: tuple[DiskChurn, ...] = ()
    # The newest last; at most 50.
    happenings: tuple[Happening, ...] = ()
    spool: SpoolFacts = SpoolFacts()
    spooling: Spooling = Spooling.FREE
    # How far the site's clock is ahead of ours.
    skew_seconds: float | None = None
    # Disks that are not replicated, and why not.
    left_out: dict[str, str] = {}
    resync: Resync | None = None
    paused: Paused | None = None
    failures: int = 0
    next_try_at: datetime | None = None
    error: str = ""
    error_code: str = ""
