"""Causes on the Hyper-V host and the VMM server: services, WMI, agents, the way to Azure, the clock."""

from collections.abc import Iterable
from datetime import timedelta

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.hyperv_judging import open_events, replicates, said
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import ClockOffset, Package, Reach, Service
from holdfast.doctor.hyperv_facts import (
    AgentConnection,
    AgentTraffic,
    AgentVersion,
    VmReplication,
    WmiRepository,
)
from holdfast.doctor.model import Span, Verdict, confirmed, not_applicable, ruled_out, unknown
from holdfast.doctor.open_records import SHOWN


def _services(facts: Facts, names: Iterable[str], title: str) -> list[Service]:
    """The last word of each listing on a service, known by name or by its English title."""
    wanted = {name.lower() for name in names}
    last: dict[str, Service] = {}
    for one in facts.of(Service):
        same = one.name.lower() in wanted or one.title.lower().startswith(title.lower())
        same = same or one.name.lower() == title.lower()
        if same and one.state:
            last[one.span.artefact] = one
    return list(last.values())


def _by_service(cause: str, title: str, name: str, *, log: str, shared: bool = False) -> None:
    """A cause that is a service which does not run; a shared one serves other products too."""

    @check(cause)
    def judge(facts: Facts, _: Params) -> Verdict:
        if shared and not replicates(facts):
            return not_applicable()
        known = _services(facts, (name,), title)
        down = [one for one in known if one.state in {"stopped", "failed", "paused", "absent"}]
        if down:
            return confirmed(down[0].span, service=down[0].name, state=down[0].state)
        up = [one for one in known if one.state == "running"]
        if up:
            return ruled_out(*(one.span for one in up[:SHOWN]))
        died = open_events(facts, f"{log}-died", over=(f"{log}-ran",))
        if died:
            return confirmed(*said(died).evidence, service=name, state="terminated")
        ran = facts.event(f"{log}-ran")
        return ruled_out(ran[-1].span) if ran else unknown("hyperv.services")


_by_service("hyperv.vmms-stopped", "Hyper-V Virtual Machine Management", "vmms", log="hyperv.vmms")
_by_service(
    "hyperv.recovery-agent-stopped",
    "Microsoft Azure Recovery Services Agent",
    "obengine",
    log="hyperv.agent",
    shared=True,
)
_by_service(
    "hyperv.provider-stopped", "Microsoft Azure Site Recovery", "dra", log="hyperv.provider"
)
_by_service(
    "hyperv.vmm-service-stopped",
    "System Center Virtual Machine Manager",
    "scvmmservice",
    log="hyperv.vmm",
)


@check("hyperv.wmi-broken")
def wmi(facts: Facts, _: Params) -> Verdict:
    own = facts.event("hyperv.wmi-error") or (not facts.asked and facts.of(WmiRepository))
    if not own and not replicates(facts):
        return not_applicable()
    bad = [one for one in facts.of(WmiRepository) if not one.consistent]
    if bad:
        return confirmed(bad[0].span, said=bad[0].said)
    known = _services(facts, ("winmgmt",), "Windows Management Instrumentation")
    down = [one for one in known if one.state in {"stopped", "failed", "absent"}]
    if down:
        return confirmed(down[0].span, said=f"{down[0].name}: {down[0].state}")
    if records := open_events(facts, "hyperv.wmi-error", "hyperv.wmi-call-failed"):
        return said(records)
    fine = [one.span for one in facts.of(WmiRepository)]
    fine += [one.span for one in known if one.state == "running"]
    return ruled_out(*fine[:SHOWN]) if fine else unknown("hyperv.wmi")


@check("hyperv.blob-unreachable")
def blob(facts: Facts, _: Params) -> Verdict:
    # Connections of the engine speak for themselves when nobody asked about something else.
    if not replicates(facts) and (facts.asked or not facts.of(AgentConnection)):
        return not_applicable()
    open_now = [one for one in facts.of(AgentConnection) if one.state == "open"]
    stuck = [one for one in facts.of(AgentConnection) if one.state == "opening"]
    if stuck and not open_now:
        return confirmed(*(one.span for one in stuck[:SHOWN]), to=stuck[0].remote)
    # Azure answers no ping.
    ways = [one for one in facts.of(Reach) if "blob." in one.target.lower() and one.stage != "ping"]
    blocked = [one for one in ways if not one.reached]
    if blocked:
        return confirmed(blocked[0].span, to=blocked[0].target)
    if open_now:
        return ruled_out(*(one.span for one in open_now[:SHOWN]))
    reached = [one for one in ways if one.reached]
    if reached:
        return ruled_out(reached[0].span)
    return _network_said(facts)


def _network_said(facts: Facts) -> Verdict:
    """What the log said of the way to Azure, unless replication is well again."""
    records = open_events(facts, "hyperv.network-failure", over=("hyperv.resumed",))
    if not records:
        return unknown("hyperv.agent-connections")
    healthy = [one.span for one in facts.of(VmReplication) if one.health == "normal"]
    if healthy:
        return ruled_out(*healthy[:SHOWN])
    return confirmed(*said(records).evidence, to=records[-1].values.get("to", "?"))


@check("hyperv.agent-not-sending", needs=(AgentTraffic,))
def not_sending(facts: Facts, params: Params) -> Verdict:
    """An idle engine is a fault only while something waits to be sent."""
    shown = facts.of(AgentTraffic)
    sent = sum(one.sent for one in shown)
    if sent >= params.number("least"):
        return ruled_out(*(one.span for one in shown[:SHOWN]), sent=round(sent))
    waiting = [
        one
        for one in facts.of(VmReplication)
        if (one.pending or 0) > 0 or one.health in {"critical", "warning"}
    ]
    if waiting:
        return confirmed(shown[0].span, waiting[0].span, sent=round(sent), vm=waiting[0].vm)
    return unknown("hyperv.replication")


@check("hyperv.provider-outdated")
def outdated(facts: Facts, params: Params) -> Verdict:
    if not replicates(facts) and all(one.which == "agent" for one in facts.of(AgentVersion)):
        return not_applicable()
    known = [(one.which, one.version, one.span) for one in facts.of(AgentVersion)]
    for package in facts.of(Package):
        which = _which(package.name)
        if which and package.version:
            known.append((which, package.version, package.span))
    fine: list[Span] = []
    for which, version, span in known:
        oldest = params.text(f"oldest_{which}")
        if _numbers(version) < _numbers(oldest):
            return confirmed(span, which=which, version=version, oldest=oldest)
        fine.append(span)
    if records := open_events(facts, "hyperv.version-refused"):
        last = said(records)
        return confirmed(*last.evidence, which="agent", version="?", oldest="?")
    return ruled_out(*fine[:SHOWN]) if fine else unknown("hyperv.agent-versions")


def _which(name: str) -> str:
    plain = name.lower()
    if "azure site recovery provider" in plain:
        return "provider"
    return "agent" if "azure recovery services agent" in plain else ""


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


@check("hyperv.clock-off")
def clock(facts: Facts, params: Params) -> Verdict:
    if not replicates(facts) and not facts.event("hyperv.token-refused"):
        return not_applicable()
    limit = timedelta(minutes=params.number("minutes"))
    known = [one for one in facts.of(ClockOffset) if one.offset is not None]
    for one in known:
        if one.offset is not None and abs(one.offset) > limit:
            return confirmed(one.span, minutes=round(abs(one.offset).total_seconds() / 60))
    if known:
        return ruled_out(*(one.span for one in known[:SHOWN]))
    if records := open_events(facts, "hyperv.token-refused"):
        return confirmed(*said(records).evidence, minutes=f">{params.number('minutes'):.0f}")
    return unknown("windows.clock")
