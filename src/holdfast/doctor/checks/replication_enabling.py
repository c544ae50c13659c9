"""Causes why a machine cannot be replicated at all, and what is wrong at a site."""

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import by_fact, judged_by_failures, named
from holdfast.doctor.checks.replication_judging import by_failure, mib
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed
from holdfast.doctor.own_facts import JobRecord
from holdfast.doctor.replication_facts import ReplicaHere, Replication, ReplicationSite


# Enabling.
@check("replication.not-possible", needs_any=(Replication, JobRecord))
def _not_possible(facts: Facts, _: Params) -> Verdict:
    """All of a machine, or a disk of it that was plugged in later."""
    for one in facts.of(Replication):
        if "disk-left-out" in one.reasons:
            return confirmed(one.span, **{**named(one), "reason": one.left_out})
    return judged_by_failures(facts, Replication, ("replication-not-possible",))


by_failure("replication.site-unknown", "site-unknown", "site-file-unreadable")
by_failure(
    "replication.site-not-ready",
    *("site-unusable", "site-not-set", "seed-unusable"),
)
by_failure("replication.site-full", "site-full")
by_failure("replication.spool-small", "replication-spool-small", "replication-spool-not-writable")
by_failure("replication.elsewhere", "replication-elsewhere", "replica-of-another")
by_failure("replication.way-back-barred", "replication-way-back-barred")
by_failure("replication.copy-stopped", "replication-initial-copy-stopped")

# This host as a site.
by_fact("replication.site-folder", ReplicationSite, lambda one, _: not one.is_writable)
by_fact(
    "replication.site-room",
    ReplicationSite,
    lambda one, look: None if not one.size else one.free < look.params.number("share") * one.size,
    values=lambda one, _: {"mib": mib(one.free)},
)
by_fact(
    "replication.replica-ill",
    ReplicaHere,
    lambda one, _: bool(one.remarks),
    values=lambda one, _: {"codes": ", ".join(one.remarks)},
)
