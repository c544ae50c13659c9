"""Causes on the way to a site, stage by stage: name, connection, certificates, who it is, rights."""

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import SHOWN, by_fact, named, said_by_errors
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.own_facts import JobRecord
from holdfast.doctor.replication_facts import Replication, ReplicationStage

_WAY = "own.replication.way"


def _by_stage(cause: str, stage: str, *errors: str) -> None:
    """The stage fails now with one of these; where nobody walked it, what was said last counts."""

    @check(cause, needs_any=(ReplicationStage, Replication, JobRecord))
    def judge(facts: Facts, _: Params) -> Verdict:
        walked = [one for one in facts.of(ReplicationStage) if one.stage == stage]
        for one in walked:
            if not one.reached and (not one.error or one.error in errors):
                return confirmed(one.span, **named(one))
        if walked:
            return ruled_out(*(one.span for one in walked[:SHOWN]))
        for known in facts.of(Replication):
            if known.error in errors:
                said: dict[str, object] = {**named(known), "seen": known.said or known.error}
                return confirmed(known.span, **{**said, "place": known.site})
        return said_by_errors(facts, errors) or unknown(_WAY)


_by_stage("replication.name-unresolved", "dns", "site-name-unresolved")
_by_stage(
    "replication.site-unreachable",
    "tcp",
    *("site-unreachable", "site-link-silent", "site-link-lost"),
)
_by_stage(
    "replication.site-untrusted",
    "tls",
    *("site-not-trusted", "site-refuses-authority", "site-certificate-revoked"),
    *("source-not-trusted", "source-not-a-machine"),
)
_by_stage(
    "replication.certificate-ended",
    "certificate",
    *("site-certificate-expired", "link-certificate-expired", "link-certificate-early"),
    *("site-refuses-certificate", "link-identity-unusable", "link-certificate-for-clients"),
    *("site-certificate-for-clients", "site-clock-differs"),
)
_by_stage("replication.site-another", "identity", "site-is-another")
_by_stage(
    "replication.versions-differ",
    "version",
    *("site-link-versions", "site-link-garbled", "site-request-not-understood", "replica-newer"),
    "replication-status-newer",
)
by_fact(
    "replication.version-skew",
    ReplicationStage,
    lambda one, _: one.theirs != one.ours,
    of=lambda one: one.stage == "version" and bool(one.theirs and one.ours),
)
_by_stage("replication.not-granted", "grant", "site-not-granted")
