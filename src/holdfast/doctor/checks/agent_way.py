"""Causes on the way to the server, stage by stage: each stage is another cause."""

from holdfast.doctor.agent_facts import AgentClock, AgentStage
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import by_fact, named, said_by_errors
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.own_facts import JobRecord

_WAY = "own.agent.way"
_STRANGERS = ("authority-differs", "server-not-trusted")
# A certificate's dates come with these words of OpenSSL.
_ENDED = ("expired", "not yet valid")


def _by_stage(cause: str, stage: str, *errors: str, records: tuple[str, ...] = ()) -> None:
    """The stage failed with one of these errors; or, with nothing to see, a command said so."""

    @check(cause, needs_any=(AgentStage, JobRecord))
    def judge(facts: Facts, _: Params) -> Verdict:
        walked = [one for one in facts.of(AgentStage) if one.stage == stage]
        for one in walked:
            if not one.reached and (not errors or one.error in errors):
                return confirmed(one.span, **named(one))
        if walked:
            return ruled_out(*(one.span for one in walked))
        if facts.of(AgentStage):
            return unknown(_WAY)
        return said_by_errors(facts, [*errors, *records]) or unknown(_WAY)


_by_stage("agent.name-unresolved", "dns", "server-name-unknown")
_by_stage("agent.server-unreachable", "tcp", "nothing-answers", records=("server-not-reached",))
_by_stage("agent.proxy-unreachable", "tcp-proxy", "proxy-not-reached")
_by_stage("agent.proxy-authentication", "proxy", "proxy-refused")
_by_stage("agent.proxy-forbids", "proxy", "proxy-forbids")
_by_stage("agent.no-server-there", "http", "no-server-there")
_by_stage("agent.server-ill", "http", "server-fault")
_by_stage("agent.certificate-refused", "auth", records=("certificate-not-accepted",))


def _by_trust(cause: str, *, ended: bool) -> None:
    @check(cause, needs_any=(AgentStage, JobRecord))
    def judge(facts: Facts, _: Params) -> Verdict:
        walked = [one for one in facts.of(AgentStage) if one.stage == "tls"]
        for one in walked:
            has_ended = any(word in one.seen.lower() for word in _ENDED)
            said = confirmed if not one.reached and has_ended is ended else ruled_out
            return said(one.span, **named(one))
        if facts.of(AgentStage) or ended:
            return unknown(_WAY)
        return said_by_errors(facts, list(_STRANGERS)) or unknown(_WAY)


_by_trust("agent.server-certificate-expired", ended=True)
_by_trust("agent.server-untrusted", ended=False)

by_fact(
    "agent.clock-off",
    AgentClock,
    lambda one, look: abs(one.ahead_seconds) > look.params.number("max_seconds"),
    values=lambda one, look: {
        "seconds": round(one.ahead_seconds),
        "limit": round(look.params.number("max_seconds")),
    },
)
