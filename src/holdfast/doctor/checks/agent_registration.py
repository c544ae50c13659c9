"""Causes about who this machine is to its server: registration, credentials, passphrase."""

from collections.abc import Sequence

from holdfast.doctor.agent_facts import AgentCertificate, AgentState, KeyFile
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import Look, by_error, by_fact, said_by_errors
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Span, Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.own_facts import JobRecord


def _registered(facts: Facts) -> Sequence[Span]:
    return [one.span for one in facts.of(AgentState) if one.registration == "good"]


@check("agent.not-registered", needs_any=(AgentState, JobRecord))
def not_registered(facts: Facts, _: Params) -> Verdict:
    for one in facts.of(AgentState):
        if one.registration == "missing" and not one.is_prepared:
            return confirmed(one.span, folder=one.folder)
        return ruled_out(one.span)
    return said_by_errors(facts, ["not-registered"]) or unknown("own.agent")


by_fact(
    "agent.half-registered",
    AgentState,
    lambda one, _: one.is_prepared and one.registration == "missing",
)
by_fact(
    "agent.registration-unreadable", AgentState, lambda one, _: one.registration == "unreadable"
)
by_fact("agent.renamed", AgentState, lambda one, _: _has_other_name(one))


def _has_other_name(one: AgentState) -> bool | None:
    if one.registration != "good" or not one.name or not one.host:
        return None
    return one.name.lower() != one.host.lower()


# Whoever is registered has had good credentials since.
by_error("agent.credentials-corrupt", "credentials-corrupt", over=_registered)
by_error("agent.credentials-expired", "credentials-expired", over=_registered)
by_error("agent.credentials-superseded", "credentials-superseded", over=_registered)
by_error("agent.credentials-unknown", "credentials-unknown", over=_registered)
by_error("agent.credentials-unreadable", "credentials-unreadable", over=_registered)
by_error("agent.account-disabled", "account-disabled", over=_registered)
by_error("agent.vault-full", "vault-full", over=_registered)
by_error("agent.role-lacking", "credentials-denied", "not-allowed", over=_registered)
by_error(
    "agent.machine-not-proven",
    "machine-not-proven",
    "credentials-used",
    "credentials-replace-another",
    over=_registered,
)
by_error("agent.wrong-vault", "wrong-vault")
by_error("agent.lease-refused", "lease-refused", "lease-held", "lease-over", "delete-needs-lease")
by_error("vault.immutable", "still-immutable")
by_error("agent.vault-deleted", "vault-deleted", "machine-deleted", "machine-purged")
by_error("agent.encryption-key-not-set", "encryption-key-not-set", over=_registered)
by_error("agent.passphrase-differs", "passphrase-key-differs", "passphrase-not-the-machines")


def _by_key_file(cause: str, state: str) -> None:
    by_fact(cause, KeyFile, lambda one, _: one.state == state and one.copy != "good")


_by_key_file("agent.key-file-missing", "missing")
_by_key_file("agent.key-file-damaged", "damaged")
by_fact(
    "agent.key-file-from-copy",
    KeyFile,
    lambda one, _: (one.state == "good") is not (one.copy == "good"),
)


def _is_machines(one: AgentCertificate) -> bool:
    return one.role == "machine"


by_fact(
    "agent.certificate-missing",
    AgentCertificate,
    lambda one, _: one.state != "good",
)


def _has_ended(one: AgentCertificate, look: Look) -> bool | None:
    return None if one.state != "good" else look.sooner(one.expires, days=0)


by_fact(
    "agent.certificate-expired",
    AgentCertificate,
    _has_ended,
    of=_is_machines,
)
