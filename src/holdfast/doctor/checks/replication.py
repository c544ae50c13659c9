"""Causes why a machine is not replicated, or its points are less than they could be."""

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import SHOWN, by_fact, named
from holdfast.doctor.checks.replication_judging import by_failure, by_reason, mib, minutes
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed, ruled_out
from holdfast.doctor.replication_facts import (
    ReplicatedPoint,
    Replication,
    ReplicationCycles,
    ReplicationWork,
)

# Who works.
by_fact(
    "replication.not-at-work",
    ReplicationWork,
    lambda one, _: one.is_wanted and one.pid is None,
    of=lambda one: one.work == "run",
)
by_fact(
    "replication.site-not-at-work",
    ReplicationWork,
    lambda one, _: one.is_wanted and one.pid is None,
    of=lambda one: one.work == "serve",
)
by_fact(
    "replication.stands-still",
    Replication,
    lambda one, look: (
        None
        if one.status_age_seconds is None
        else one.status_age_seconds > look.params.number("seconds")
    ),
    values=lambda one, _: {"minutes": minutes(one.status_age_seconds)},
)

# What state it is in.
by_fact("replication.paused", Replication, lambda one, _: one.state == "paused")
by_fact(
    "replication.pause-grows",
    Replication,
    lambda one, look: (
        one.state == "paused"
        and one.pending_bytes > look.params.number("share") * (one.disk_bytes or float("inf"))
    ),
    values=lambda one, _: {"mib": mib(one.pending_bytes)},
)
by_fact("replication.given-up", Replication, lambda one, _: one.is_given_up)
by_fact("replication.failing", Replication, lambda one, _: one.failures > 0 and not one.is_given_up)
by_fact(
    "replication.resync-required",
    Replication,
    lambda one, _: bool(one.resync_why) or one.state in ("resync-required", "resynchronizing"),
)
by_fact(
    "replication.host-not-registered",
    Replication,
    lambda one, _: (
        one.state == "host-not-registered" or one.error == "replication-host-not-registered"
    ),
)
by_failure("replication.machine-gone", "replication-source-gone", "vm-missing")
by_reason("replication.replica-written", "replica-was-written")
by_reason("replication.initial-copy", "initial-copy-unfinished")

# Points less consistent than they should be.
by_reason(
    "replication.app-overdue",
    *("app-point-overdue", "no-app-point"),
    values=lambda one, _: {
        "minutes": minutes(one.app_age_seconds),
        "wanted": minutes(one.app_every),
    },
)


def by_downgrade(cause: str, *codes: str) -> None:
    """What cost one of the last points its class; a machine with none of it denies that."""

    @check(cause, needs=(Replication,))
    def judge(facts: Facts, _: Params) -> Verdict:
        for one in facts.of(ReplicatedPoint):
            if one.why in codes:
                return confirmed(one.span, **named(one))
        return ruled_out(*(one.span for one in facts.of(Replication)[:SHOWN]))


by_downgrade(
    "replication.freeze-failed",
    *("freeze-failed", "agent-lost", "agent-blocks", "agent-too-old", "nothing-frozen"),
)
by_downgrade(
    "replication.freeze-timed-out", "dead-man-fired", "thaw-differs", "applications-let-go"
)
by_downgrade("replication.hook-failed", "hook-failed")
by_downgrade("replication.frozen-by-other", "already-frozen")


@check("replication.collides", needs_any=(ReplicationCycles,))
def _collides(facts: Facts, params: Params) -> Verdict:
    """Another operation on the machine was under way at the instant of a cycle, again and again."""
    busy = ("vm-operation-running", "vm-backup-running", "vm-foreign-backup", "vm-busy")
    for one in facts.of(ReplicationCycles):
        count = sum(one.codes.get(code, 0) for code in busy)
        if count > params.number("share") * one.cycles:
            return confirmed(one.span, vm=one.vm, count=count, cycles=one.cycles)
    return ruled_out(*(one.span for one in facts.of(ReplicationCycles)[:SHOWN]))
