"""A replication as the event of `--json`."""

from typing import TYPE_CHECKING

import msgspec

from holdfast.cli import json_replication
from holdfast.cli.output import encodable
from holdfast.replication import health_texts

if TYPE_CHECKING:
    from holdfast.replication.looking import Look
    from holdfast.replication.status import Reason


def replication_event(look: "Look") -> json_replication.Replication:
    status, settings = look.status, look.settings
    told = msgspec.to_builtins(status)
    return json_replication.Replication(
        vm=encodable(settings.name),
        uuid=settings.vm,
        site=encodable(status.site),
        every=settings.every,
        state=status.state.value,
        health=status.health.value,
        reasons=[_reason_told(look, reason) for reason in status.reasons],
        rpo_seconds=status.rpo_seconds,
        achievable_rpo_seconds=status.achievable_rpo_seconds,
        latest_point=status.latest_point or None,
        latest_at=told.get("latest_at"),
        latest_app_at=told.get("latest_app_at"),
        last_success_at=told.get("last_success_at"),
        cycles=status.cycles,
        missed=status.missed,
        queue_logs=status.queue_logs,
        queue_bytes=status.queue_bytes,
        pending_bytes=status.pending_bytes,
        walked_bytes=status.walked_bytes,
        walk_bytes=status.walk_bytes,
        throughput_bytes_per_second=status.throughput,
        limit_bytes_per_second=status.limit_bytes_per_second,
        mean_log_bytes=status.mean_log_bytes,
        greatest_log_bytes=status.greatest_log_bytes,
        scratch_peak_bytes=status.scratch_peak_bytes,
        churn=[msgspec.to_builtins(each) for each in status.churn],
        skew_seconds=status.skew_seconds,
        spool_share=status.spool.share if status.spool.ours else 0.0,
        spool_free_bytes=status.spool.free,
        left_out=status.left_out,
        paused=told.get("paused"),
        resync=msgspec.to_builtins(status.resync) if status.resync else None,
        happenings=[msgspec.to_builtins(each) for each in status.happenings],
        error=status.error_code or None,
        next_try_at=told.get("next_try_at"),
        updated_at=status.updated_at.isoformat(),
        settings=msgspec.to_builtins(settings),
    )


def _reason_told(look: "Look", reason: "Reason") -> dict[str, object]:
    return {
        "code": reason.code,
        "health": reason.health.value,
        "since": reason.since.isoformat(),
        "figures": reason.figures,
        "message": encodable(health_texts.sentence(reason)),
        "remedy": encodable(remedy_of(look, reason)),
    }


def remedy_of(look: "Look", reason: "Reason") -> str:
    return health_texts.remedy(reason, vm=look.settings.name, site=look.settings.to.site)
