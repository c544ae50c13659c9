"""Causes why a machine does not come up at the other site, or cannot come back."""

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import (
    SHOWN,
    Look,
    by_fact,
    failed_with,
    judged_by_failures,
    named,
    said_by_errors,
)
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.own_facts import JobRecord
from holdfast.doctor.recovery_facts import Recovery, RecoveryDrill, RecoveryLook, RecoveryTrial

_LOOKS = "own.recovery.looks"
# Which looks see whether it is so now: those before a start, or before a way back.
_STARTS, _WAY_BACK = frozenset(("unplanned", "planned", "failback")), frozenset(("reprotect",))


# The codes of errors that prove a cause.
CODES: dict[str, tuple[str, ...]] = {}


def by_failure(cause: str, *codes: str) -> None:
    """What an act of recovery failed with last, or a command about it."""
    CODES[cause] = codes

    @check(cause, needs_any=(Recovery, JobRecord))
    def judge(facts: Facts, _: Params) -> Verdict:
        return judged_by_failures(facts, Recovery, codes)


def by_look(cause: str, acts: frozenset[str], *codes: str) -> None:
    """What is in the way of an act now; that none has failed with it says nothing about that."""
    CODES[cause] = codes

    @check(cause, needs_any=(RecoveryLook, Recovery, JobRecord))
    def judge(facts: Facts, _: Params) -> Verdict:
        for one in facts.of(RecoveryLook):
            if one.error in codes:
                return confirmed(one.span, **{**named(one), "reason": one.said})
        looks = [one for one in facts.of(RecoveryLook) if one.act in acts]
        # A step that failed with it is history where it is not so any more.
        seen = {one.uuid for one in looks}
        others = [one for one in facts.of(Recovery) if one.uuid not in seen]
        if said := failed_with(others, codes) or said_by_errors(facts, codes):
            return said
        return ruled_out(*(one.span for one in looks[:SHOWN])) if looks else unknown(_LOOKS)


# Where it runs.
by_fact("recovery.split-brain", Recovery, lambda one, _: one.is_split)
by_fact(
    "recovery.act-stopped",
    Recovery,
    lambda one, _: bool(one.act) and not one.is_at_work,
    values=lambda one, _: {"reason": one.said or one.error or "-"},
)
by_fact(
    "recovery.not-heard",
    Recovery,
    lambda one, look: (
        None
        if one.stage != "undoing"
        else one.heard_age_seconds is None or one.heard_age_seconds > look.params.number("seconds")
    ),
)
by_fact(
    "recovery.uncommitted",
    Recovery,
    lambda one, look: (
        False
        if one.stage != "failed-over"
        else look.older(one.since, hours=look.params.number("hours"))
    ),
)
by_fact(
    "recovery.unprotected",
    Recovery,
    lambda one, look: (
        False
        if one.stage != "committed"
        else look.older(one.since, hours=look.params.number("hours"))
    ),
)

# Bringing it up.
by_failure("recovery.source-may-run", "recovery-source-may-run")
by_look("recovery.name-taken", _STARTS, "failover-name-taken", "failover-uuid-taken")
by_look("recovery.address-taken", _STARTS, "failover-mac-taken")
by_look("recovery.memory-short", _STARTS, "failover-memory-short", "failover-huge-pages-short")
by_look("recovery.store-closed", _STARTS, "failover-folder-closed", "failover-pool-closed")
by_look("recovery.store-full", _STARTS, "failover-space-short")
by_look("recovery.account-reads-only", _STARTS, "failover-account-reads-only")
by_look("recovery.network-missing", _STARTS, "failover-network-missing", "networks-unreadable")
by_look("recovery.hardware-unknown", _STARTS, "failover-hardware-unknown", "failover-file-missing")
by_look("recovery.point-unusable", _STARTS, "failover-point-incomplete", "failover-point-changed")
by_failure("recovery.shut-down-slow", "vm-shut-down-too-slow")
by_failure("recovery.source-not-ready", "failover-source-not-ready", "failover-source-transient")

# The way back.
by_look("recovery.home-unreachable", _WAY_BACK, "way-back-home-unreachable")
by_look("recovery.home-no-site", _WAY_BACK, "way-back-home-is-no-site", "way-back-missing")
by_look("recovery.not-running", _WAY_BACK, "way-back-machine-not-running", "recovery-machine-ended")
by_failure("recovery.migrated", "recovery-migrated")
by_look("recovery.moved", _WAY_BACK, "way-back-machine-moved")
by_look(
    "recovery.replica-deleted",
    _WAY_BACK | {"failback"},
    *("way-back-replica-deleted", "way-back-machine-deleted"),
)
by_look("recovery.protection-off", _WAY_BACK, "way-back-protection-off")
by_failure("recovery.not-failed-over", "recovery-not-failed-over", "recovery-no-replica-here")
by_look("recovery.target-unsupported", _WAY_BACK, "way-back-target-unsupported")
by_look("recovery.runs-at-home", _WAY_BACK, "way-back-runs-at-home")
by_look("recovery.another-epoch", _WAY_BACK, "way-back-home-knows-newer", "way-back-not-its-site")


# Tests and drills.
def _is_left(one: RecoveryTrial, look: Look) -> bool | None:
    if one.is_at_work:
        return False
    return bool(one.trouble) or one.ends_at is None or look.older(one.ends_at, minutes=10)


by_fact("recovery.test-left", RecoveryTrial, _is_left)
by_fact(
    "recovery.drill-failed",
    RecoveryDrill,
    lambda one, _: one.verdict not in ("", "passed"),
    values=lambda one, _: {"reason": one.said or one.verdict},
)
by_fact(
    "recovery.drill-overdue",
    RecoveryDrill,
    lambda one, look: False if one.due_at is None else look.older(one.due_at, hours=1),
)
by_fact(
    "recovery.never-tried",
    RecoveryDrill,
    lambda one, look: (
        one.last_at is None or look.older(one.last_at, days=look.params.number("days"))
    ),
)
