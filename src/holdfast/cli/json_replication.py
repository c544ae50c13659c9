"""The JSON lines that say how replications are; `json_replicating` has what is done to them."""

from typing import Any

from holdfast.cli.json_base import Event


class Replication(Event):
    """`replication status`: one virtual machine that is replicated, as it is now."""

    vm: str
    uuid: str
    site: str
    # Seconds between two points.
    every: int
    # off, ready-for-initial-copy, waiting-for-initial-copy, initial-copy, replicating, synced,
    # failover-waiting, failed-over, suspended, paused, resync-required, resynchronizing or
    # host-not-registered.
    state: str
    # normal, warning or critical.
    health: str
    # The gravest first: code, health, since, figures, message and remedy.
    reasons: list[dict[str, Any]]
    # How much would be lost now; null: nothing can be started at the site.
    rpo_seconds: float | None
    # What it comes to with what is written and what the link carries; null: not known yet.
    achievable_rpo_seconds: float | None
    # The newest instant the site can start it at, and the newest application-consistent one.
    latest_point: str | None
    latest_at: str | None
    latest_app_at: str | None
    last_success_at: str | None
    # Of the last hour, or as long as twelve intervals take.
    cycles: int
    missed: int
    queue_logs: int
    queue_bytes: int
    # Recorded and not yet in a change log, where that was asked for.
    pending_bytes: int
    # Of a first copy or a resync.
    walked_bytes: int
    walk_bytes: int
    throughput_bytes_per_second: float
    # What may be sent now; null: no limit.
    limit_bytes_per_second: int | None
    mean_log_bytes: float
    greatest_log_bytes: int
    scratch_peak_bytes: int
    # Each with target and dirty_bytes_per_second, over the last hour.
    churn: list[dict[str, Any]]
    # How far the site's clock is ahead; null: not known yet.
    skew_seconds: float | None
    # Share of the room change logs take, and bytes free.
    spool_share: float
    spool_free_bytes: int
    # Disks that no point has, and why not: readonly, lun, shared, transient or what they are.
    left_out: dict[str, str]
    # who and since; null: it is not paused.
    paused: dict[str, str] | None
    # why, since, at and disk; null: nothing need be compared.
    resync: dict[str, Any] | None
    # what, at, why, bytes and disk; the newest last.
    happenings: list[dict[str, Any]]
    # The code of the last failure, while it lasts, and when it is tried again.
    error: str | None
    next_try_at: str | None
    updated_at: str
    settings: dict[str, Any]
