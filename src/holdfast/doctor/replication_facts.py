"""Facts about replication, as our own probes write them: a JSON object a line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from holdfast.doctor.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication(Fact):
    """A machine of this host that is replicated, by its settings and its status."""

    vm: str
    uuid: str = ""
    site: str = ""
    # As `holdfast replication status --json` has them.
    state: str = ""
    health: str = ""
    # Codes of what is against it.
    reasons: tuple[str, ...] = ()
    every: int = 0
    # Since it was judged last; None: never.
    status_age_seconds: float | None = None
    rpo_seconds: float | None = None
    achievable_rpo_seconds: float | None = None
    cycles: int = 0
    missed: int = 0
    queue_logs: int = 0
    queue_bytes: int = 0
    # Bytes a second: sent, allowed (None: no limit), and come by what is written.
    throughput: float = 0.0
    limit: int | None = None
    limit_until: datetime | None = None
    need: float | None = None
    # Shares of the room change logs may take of, and what is free.
    spool_share: float = 0.0
    spool_free: int = 0
    # The greatest change log, and the smallest disk.
    greatest_log: int = 0
    disk_bytes: int | None = None
    paused_by: str = ""
    paused_at: datetime | None = None
    pending_bytes: int = 0
    resync_why: str = ""
    resync_since: datetime | None = None
    resync_at: datetime | None = None
    # The newest failure, while it lasts.
    error: str = ""
    said: str = ""
    failures: int = 0
    next_try_at: datetime | None = None
    is_given_up: bool = False
    skew_seconds: float | None = None
    # Disks that are not replicated, each with its reason.
    left_out: str = ""
    # An application-consistent point each so many seconds; 0: none is wanted.
    app_every: int = 0
    app_age_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicatedDisk(Fact):
    """How fast a disk changes: over an hour, and over the last quarter of one."""

    vm: str
    disk: str
    mib_per_second: float
    recent_mib_per_second: float | None = None
    # Of what all disks of the machine change.
    share: float = 0.0
    # Of how many.
    disks: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicatedPoint(Fact):
    """A point that is less consistent than it should be; `why` is the code."""

    vm: str
    at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationCycles(Fact):
    """Codes of what cycles of a machine failed with, or were missed for, and how often."""

    vm: str
    cycles: int
    codes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationAudit(Fact):
    """The record of changes of a machine was found to contradict its replica."""

    vm: str
    at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationWork(Fact):
    """A process of replication on this host: run or serve."""

    work: str
    # Machines that are replicated, or a site that was set.
    is_wanted: bool
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationHost(Fact):
    """A host that replicates or is a site, over the last quarter of an hour; shares."""

    load: float | None = None
    memory_free: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationStage(Fact):
    """A stage of the way to a site: dns, tcp, tls, identity, version, grant."""

    site: str
    stage: str
    reached: bool
    place: str = ""
    seen: str = ""
    # Versions of Holdfast there and here, where it came so far.
    theirs: str = ""
    ours: str = ""
    # Of the error it ended with.
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSite(Fact):
    """This host as a site: where replicas lie."""

    site: str
    folder: str
    is_there: bool
    is_writable: bool = False
    reason: str = ""
    size: int = 0
    free: int = 0
    replicas: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaHere(Fact):
    """A replica at this site."""

    vm: str
    points: int = 0
    newest_age_seconds: float | None = None
    # Codes of what is wrong with it.
    remarks: tuple[str, ...] = ()


REPLICATION_KINDS: Mapping[str, Mapping[str, type[Fact]]] = {
    "own.replication": {
        "replication": Replication,
        "replicated-disk": ReplicatedDisk,
        "replicated-point": ReplicatedPoint,
        "replication-cycles": ReplicationCycles,
        "replication-audit": ReplicationAudit,
        "replication-work": ReplicationWork,
        "replication-host": ReplicationHost,
    },
    "own.replication.way": {"replication-stage": ReplicationStage},
    "own.replication.site": {"replication-site": ReplicationSite, "replica": ReplicaHere},
}
