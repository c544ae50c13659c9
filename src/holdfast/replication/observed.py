"""What is seen of one replication at a moment: all that its health is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from holdfast.replication.cycles import Cycle
from holdfast.replication.retrying import NO_FAILURE, Tries
from holdfast.replication.rpo import rpo_at
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.spool_guard import SpoolFacts, Spooling
from holdfast.replication.states import Standing
from holdfast.replication.status import Resync


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Told by whoever runs the replication; nothing here is asked of anybody else."""

    settings: ReplicationSettings
    standing: Standing
    # Since it was enabled, or since it was resumed.
    since: datetime
    cycles: tuple[Cycle, ...] = ()
    # What the site holds, as it said last.
    latest_point: str = ""
    latest_at: datetime | None = None
    latest_app_at: datetime | None = None
    # Since the newest point is known here, by a clock that nobody sets, and what it was old then.
    least_behind: float = 0.0
    # The same of the last success, and of the newest point that applications knew of.
    least_since_success: float = 0.0
    least_since_app: float = 0.0
    queue_logs: int = 0
    queue_bytes: int = 0
    pending_bytes: int = 0
    walked_bytes: int = 0
    walk_bytes: int = 0
    # Bytes a second of the log that is under way; None: none is, or only just.
    throughput: float | None = None
    # What may be sent now; None: as much as the link carries.
    limit: int | None = None
    # In which the windows of limits are meant.
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    scratch_peak_bytes: int = 0
    # Of the last step, of the room there is for scratch files.
    scratch_share: float = 0.0
    spool: SpoolFacts = field(default_factory=SpoolFacts)
    spooling: Spooling = Spooling.FREE
    tries: Tries = NO_FAILURE
    skew_seconds: float | None = None
    resync: Resync | None = None
    # Disks it has that are not replicated, and why not.
    left_out: Mapping[str, str] = field(default_factory=dict)
    # Somebody wrote to the replica.
    was_written: bool = False
    # It runs at both hosts.
    is_split: bool = False
    # It was to start with its host, and its site has not said yet whether it may.
    waits_for_site: bool = False

    def behind_at(self, now: datetime) -> float | None:
        """Seconds that would be lost now, as rpo_at has it; no clock that is set makes it less."""
        behind = rpo_at(self.latest_at, now)
        return None if behind is None else max(behind, self.least_behind)

    @property
    def every(self) -> timedelta:
        return timedelta(seconds=self.settings.every)
