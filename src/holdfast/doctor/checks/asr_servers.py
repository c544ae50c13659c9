"""The Mobility service and the servers it talks to: running, heard of, reached, not overloaded."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from holdfast.doctor.asr_facts import AGENT, ProtectedItem, SiteServer
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.asr_signs import (
    LOG,
    SENDERS,
    SERVER_SERVICES,
    by_jobs,
    by_log,
    by_services,
    by_trials,
    concerns,
    denied,
    errors,
    services,
)
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact, Package
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import spans

SERVER_LOG = "asr.server.log"


@check("asr.agent-old")
def agent_old(facts: Facts, params: Params) -> Verdict:
    known: list[tuple[str, Fact]] = [
        (one.version, one) for one in facts.of(Package) if one.name == AGENT and one.version
    ]
    known += [(one.agent, one) for one in facts.of(ProtectedItem) if numbers(one.agent)]
    wanted = params.text("min_version")
    old = [(version, one) for version, one in known if numbers(version) < numbers(wanted)]
    if old:
        lines = spans([one for _, one in old])
        return confirmed(*lines, version=old[0][0], wanted=wanted)
    return ruled_out(*spans([one for _, one in known])) if known else unknown("asr.version")


def numbers(version: str) -> tuple[int, ...]:
    parts = []
    for part in version.strip().split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)


@check("asr.mobility-service-stopped")
def mobility_service_stopped(facts: Facts, _: Params) -> Verdict:
    return by_services(facts, SENDERS) or unknown("windows.services", "linux.services")


@check("asr.mobility-not-reporting")
def mobility_not_reporting(facts: Facts, _: Params) -> Verdict:
    found = errors(facts, ["78174"])
    if found:
        return by_jobs(found)
    healthy = [one for one in facts.of(ProtectedItem) if one.health in {"normal", "healthy"}]
    return ruled_out(*spans(healthy)) if healthy else unknown("asr.items")


@check("asr.process-server-stopped")
def process_server_stopped(facts: Facts, _: Params) -> Verdict:
    if said := by_services(facts, SERVER_SERVICES):
        return said
    if said := by_log(facts, "asr.server-stopped-line", ["asr.server-started-line"], days=2):
        return confirmed(*said.evidence, service="tmansvc", state="stopped")
    return unknown("windows.services")


@check("asr.process-server-silent")
def process_server_silent(facts: Facts, params: Params) -> Verdict:
    return _heard(facts, params, role="process-server", code="806")


@check("asr.master-target-silent")
def master_target_silent(facts: Facts, params: Params) -> Verdict:
    return _heard(facts, params, role="master-target", code="78022")


def _heard(facts: Facts, params: Params, *, role: str, code: str) -> Verdict:
    """By the age of the heartbeat; without a clock it is compared with the other servers'."""
    found = errors(facts, [code])
    servers = [one for one in facts.of(SiteServer) if one.role == role and one.heartbeat]
    now = facts.now or _latest(facts.of(SiteServer))
    late = [one for one in servers if _late(one, now, params.number("minutes"))]
    if late:
        return confirmed(*spans(late), seen=f"{late[0].name} {late[0].heartbeat}")
    if found:
        return by_jobs(found)
    if servers and (facts.now or len(facts.of(SiteServer)) > 1):
        return ruled_out(*spans(servers))
    return unknown("asr.fabric")


def _latest(servers: Sequence[SiteServer]) -> datetime | None:
    return max((one.heartbeat for one in servers if one.heartbeat), default=None)


def _late(server: SiteServer, now: datetime | None, minutes: float) -> bool:
    beat = server.heartbeat
    return bool(beat and now and now - beat > timedelta(minutes=minutes))


@check("asr.process-server-unreachable")
def process_server_unreachable(facts: Facts, _: Params) -> Verdict:
    tried = by_trials(facts, r":9443$", "tcp")
    if tried and concerns(facts):
        return tried
    over = ["asr.upload-ok"]
    return by_log(facts, "asr.transport-line", over, days=2) or denied(facts, over, LOG)


@check("asr.cache-low")
def cache_low(facts: Facts, params: Params) -> Verdict:
    limit = params.number("critical_ratio")
    known = [one for one in facts.of(SiteServer) if one.space_free is not None]
    low = [one for one in known if one.space_free is not None and one.space_free < limit]
    if low:
        seen = f"{low[0].name} {low[0].space_free:.0%}"
        return confirmed(*spans(low), seen=seen)
    if known:
        return ruled_out(*spans(known))
    over = ["asr.cache-ok"]
    return by_log(facts, "asr.cache-line", over, days=2) or denied(facts, over, SERVER_LOG)


@check("asr.process-server-overloaded")
def process_server_overloaded(facts: Facts, params: Params) -> Verdict:
    limit = params.number("warning_percent") / 100
    known = [
        one for one in facts.of(SiteServer) if one.cpu is not None or one.memory_used is not None
    ]
    for one in known:
        loads = (("CPU", one.cpu), ("memory", one.memory_used))
        high = [f"{what} {load:.0%}" for what, load in loads if load is not None and load > limit]
        if high:
            return confirmed(one.span, name=one.name, seen=", ".join(high))
    return ruled_out(*spans(known)) if known else unknown("asr.fabric")


def on_process_server(facts: Facts) -> bool:
    """Whether the services seen are those of a process server."""
    return bool(services(facts, {name: name for name in ("tmansvc", "cxprocessserver")}))
