"""The status of a replication out of what is seen of it, and out of a status that has grown old."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from holdfast.replication.churn import churn_of
from holdfast.replication.cycles import last_success, log_sizes, missed_in, missed_share, window_of
from holdfast.replication.health import health_of, judgement
from holdfast.replication.judging import DONE
from holdfast.replication.link_use import achievable_of, limit_ends, speed_of
from holdfast.replication.observed import Observed
from holdfast.replication.rpo import rpo_at
from holdfast.replication.status import (
    Happening,
    Health,
    Reason,
    ReplicationStatus,
    State,
)
from holdfast.replication.thresholds import MOST_INTERVALS, Thresholds

MOST_HAPPENINGS = 50


def status_of(
    seen: Observed,
    now: datetime,
    *,
    before: ReplicationStatus | None = None,
    happened: Iterable[Happening] = (),
) -> ReplicationStatus:
    """What is to be told now; `happened` since the status before."""
    judged = health_of(seen, now, before=before.reasons if before else ())
    cycles, settings = seen.cycles, seen.settings
    counted = window_of(cycles, now, seen.every)
    mean, greatest = log_sizes(counted)
    return ReplicationStatus(
        vm=settings.vm,
        name=settings.name,
        site=settings.to.site,
        state=seen.standing.state,
        halted=seen.standing.halted,
        health=judged.health,
        reasons=judged.reasons,
        updated_at=now,
        latest_point=seen.latest_point,
        latest_at=seen.latest_at,
        latest_app_at=seen.latest_app_at,
        last_success_at=last_success(cycles) or (before.last_success_at if before else None),
        cycles=len(counted),
        missed=missed_in(counted, now, seen.every),
        missed_share=missed_share(cycles, now, seen.every),
        queue_logs=seen.queue_logs,
        queue_bytes=seen.queue_bytes,
        walked_bytes=seen.walked_bytes,
        walk_bytes=seen.walk_bytes,
        pending_bytes=seen.pending_bytes,
        throughput=speed_of(seen, now) or 0.0,
        limit_bytes_per_second=seen.limit,
        limit_until=limit_ends(seen, now),
        mean_log_bytes=mean,
        greatest_log_bytes=greatest,
        scratch_peak_bytes=seen.scratch_peak_bytes,
        rpo_seconds=seen.behind_at(now),
        achievable_rpo_seconds=achievable_of(seen, now),
        churn=churn_of(cycles, now),
        happenings=noted(before.happenings if before else (), happened),
        spool=seen.spool,
        spooling=seen.spooling,
        skew_seconds=seen.skew_seconds,
        left_out=dict(seen.left_out),
        resync=seen.resync,
        paused=settings.paused,
        failures=seen.tries.failures,
        next_try_at=seen.tries.next_at,
        error=seen.tries.sentence,
        error_code=seen.tries.code,
    )


def noted(before: Sequence[Happening], more: Iterable[Happening]) -> tuple[Happening, ...]:
    """The newest last; the oldest are forgotten."""
    return (*before, *more)[-MOST_HAPPENINGS:]


def as_of(
    status: ReplicationStatus,
    now: datetime,
    *,
    every: int,
    thresholds: Thresholds | None = None,
) -> ReplicationStatus:
    """A status that was read, judged anew by the time that has passed since.

    Who writes it does so every few seconds: one that is older says that nobody is at work, and
    that the newest point grows old.
    """
    limits = thresholds or Thresholds()
    if status.state in DONE:
        return status
    behind = behind_by_now(status, now)
    more = [*_silent(status, now, limits), *_behind(status, behind, now, every, limits)]
    codes = {reason.code for reason in more}
    judged = judgement([*more, *(each for each in status.reasons if each.code not in codes)])
    return msgspec.structs.replace(
        status, health=judged.health, reasons=judged.reasons, rpo_seconds=behind
    )


def is_silent(status: ReplicationStatus, now: datetime, limits: Thresholds | None = None) -> bool:
    """Whether nobody has judged it for too long, or nobody knows for how long."""
    age = (now - status.updated_at).total_seconds()
    return abs(age) > (limits or Thresholds()).silent_critical


def _silent(status: ReplicationStatus, now: datetime, limits: Thresholds) -> list[Reason]:
    if not is_silent(status, now, limits):
        return []
    age = (now - status.updated_at).total_seconds()
    # Of the future: whoever is at work writes it anew within seconds of a clock that is set back.
    code, name = ("nobody-at-work", "age") if age > 0 else ("status-of-future", "ahead")
    return [
        Reason(
            code=code,
            health=Health.CRITICAL,
            since=min(status.updated_at, now),
            figures={f"{name}_seconds": f"{abs(age):.6g}"},
        )
    ]


def behind_by_now(status: ReplicationStatus, now: datetime) -> float | None:
    """What was known when it was written has grown since, whatever the clock says of the point."""
    behind = rpo_at(status.latest_at, now)
    if behind is None or status.rpo_seconds is None:
        return behind
    passed = max(0.0, (now - status.updated_at).total_seconds())
    return max(behind, status.rpo_seconds + passed)


def _behind(
    status: ReplicationStatus,
    behind: float | None,
    now: datetime,
    every: int,
    limits: Thresholds,
) -> list[Reason]:
    """The reason of the RPO, where time alone has made it graver than it was."""
    if behind is None or status.state is State.SYNCED:
        return []
    warn = min(limits.rpo_warn, MOST_INTERVALS * every)
    if behind <= warn:
        return []
    known = next((each for each in status.reasons if each.code == "rpo-high"), None)
    is_critical = behind > limits.rpo_critical or (known and known.health is Health.CRITICAL)
    return [
        Reason(
            code="rpo-high",
            health=Health.CRITICAL if is_critical else Health.WARNING,
            since=known.since if known else now,
            last_at=now,
            figures={"rpo_seconds": f"{behind:.6g}"},
        )
    ]
