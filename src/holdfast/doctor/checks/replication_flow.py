"""Causes why less is sent than is written, or nothing at all."""

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import SHOWN, Look, by_fact, named
from holdfast.doctor.checks.load import is_busy, shares
from holdfast.doctor.checks.replication_judging import by_reason, mib, minutes, percent
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed, ruled_out
from holdfast.doctor.replication_facts import (
    ReplicatedDisk,
    Replication,
    ReplicationAudit,
    ReplicationHost,
)

# How it goes.

for _cause in ("replication.host-loaded", "replication.host-overloaded"):
    by_fact(_cause, ReplicationHost, is_busy, values=shares)


def _is_stuck(one: Replication, look: Look) -> bool:
    """A log that waits for a moment does not count, nor one that nobody lets go."""
    is_old = one.rpo_seconds is None or one.rpo_seconds > 2 * one.every
    is_idle = one.throughput <= look.params.number("bytes_per_second")
    return one.queue_logs > 0 and is_old and is_idle and one.limit != 0


by_fact(
    "replication.not-sending",
    Replication,
    _is_stuck,
    values=lambda one, _: {"queue_mib": mib(one.queue_bytes)},
)


def _is_throttled(one: Replication, _look: Look) -> bool:
    """A limit matters where something waits for it, or where it is below what is written."""
    if one.limit is None:
        return False
    return one.queue_logs > 1 or (one.need is not None and one.limit < one.need)


by_fact(
    "replication.throttled",
    Replication,
    _is_throttled,
    values=lambda one, _: {"limit_mib": mib(one.limit), "minutes": minutes(one.rpo_seconds)},
)
by_reason(
    "replication.link-slow",
    "upload-slow",
    values=lambda one, _: {"queue_mib": mib(one.queue_bytes), "mib": mib(one.throughput)},
)


def _is_short(one: Replication, look: Look) -> bool | None:
    if one.need is None or not one.throughput:
        return None
    return one.need > look.params.number("share") * one.throughput


by_fact(
    "replication.bandwidth-short",
    Replication,
    _is_short,
    values=lambda one, _: {"need_mib": mib(one.need), "link_mib": mib(one.throughput)},
)
by_fact(
    "replication.churn-high",
    ReplicatedDisk,
    lambda one, look: one.mib_per_second > look.params.number("mib_per_second"),
)
by_fact(
    "replication.churn-rises",
    ReplicatedDisk,
    lambda one, look: (
        None
        if one.recent_mib_per_second is None
        else one.recent_mib_per_second
        > max(
            look.params.number("least_mib"),
            look.params.number("factor") * one.mib_per_second,
        )
    ),
)
by_fact(
    "replication.top-writer",
    ReplicatedDisk,
    lambda one, look: (
        one.disks > 1
        and one.share > look.params.number("share")
        and one.mib_per_second > look.params.number("least_mib")
    ),
    values=lambda one, _: {"percent": percent(one.share)},
)


def _is_large(one: Replication, look: Look) -> bool | None:
    if not one.disk_bytes:
        return None
    return one.greatest_log > look.params.number("share") * one.disk_bytes


by_fact(
    "replication.log-large",
    Replication,
    _is_large,
    values=lambda one, _: {"mib": mib(one.greatest_log)},
)
by_reason(
    "replication.spool-full",
    "spool-stopped",
    values=lambda one, _: {"percent": percent(one.spool_share), "mib": mib(one.spool_free)},
)
by_fact(
    "replication.spool-filling",
    Replication,
    lambda one, look: (
        one.spool_share >= look.params.number("share") and "spool-stopped" not in one.reasons
    ),
    values=lambda one, _: {"percent": percent(one.spool_share), "mib": mib(one.spool_free)},
)
by_reason("replication.cycles-missed", "cycles-missed")
by_reason(
    "replication.behind",
    *("rpo-high", "no-point", "no-success"),
    values=lambda one, _: {"minutes": minutes(one.rpo_seconds)},
)
by_reason(
    "replication.rpo-not-achievable",
    "rpo-not-achievable",
    values=lambda one, _: {"minutes": minutes(one.achievable_rpo_seconds)},
)
by_fact(
    "replication.clocks-differ",
    Replication,
    lambda one, look: _clocks_differ(one, look.params.number("seconds")),
)


def _clocks_differ(one: Replication, most: float) -> bool | None:
    """By what the site says, or by times of the future: of the newest point, or of the status."""
    if not {"clock-skew", "status-of-future"}.isdisjoint(one.reasons):
        return True
    return None if one.skew_seconds is None else abs(one.skew_seconds) > most


@check("replication.map-wrong", needs_any=(ReplicationAudit, Replication))
def _map_wrong(facts: Facts, _: Params) -> Verdict:
    """It is told only where it happened; a replication without it denies that."""
    for one in facts.of(ReplicationAudit):
        return confirmed(one.span, **named(one))
    return ruled_out(*(one.span for one in facts.of(Replication)[:SHOWN]))
