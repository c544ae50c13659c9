"""Causes of Hyper-V replication trouble: the state of replication and what keeps it from running."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from holdfast.doctor.checking import Params, check, recent
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import ClockOffset, LogSeen, Package, Reach, Record, Service
from holdfast.doctor.hyperv_facts import (
    AgentConnection,
    AgentTraffic,
    AgentVersion,
    Throttle,
    VmReplication,
    WmiRepository,
    WriteRate,
)
from holdfast.doctor.model import Span, Verdict, confirmed, not_applicable, ruled_out, unknown
from holdfast.doctor.windows_facts import RegistryValue

DAYS = 14.0
SHOWN = 4
# Marks that languages put around names.
_QUOTES = "\"'\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb "
_KNOWN = ("replicating", "initial", "resyncing", "prepared", "ready")


def open_events(facts: Facts, *names: str, over: Sequence[str] = ()) -> list[Record]:
    """Recent records of these events that no later record of recovery ended."""
    ends = facts.event(*over)
    return [
        one
        for one in recent(facts, facts.event(*names), days=DAYS)
        if not any(_later(end, one) for end in ends)
    ]


def _later(end: Record, one: Record) -> bool:
    if end.when and one.when:
        return end.when > one.when
    return end.span.artefact == one.span.artefact and end.span.first > one.span.first


def said(records: Sequence[Record]) -> Verdict:
    """Confirmed by a log: what its last record named are the values."""
    last = records[-1]
    spans = [records[0].span, *(one.span for one in records[1:][-(SHOWN - 1) :])]
    values = {"vm": "?", "said": _short(last.text), **last.values}
    values.pop("count", None)
    values["vm"] = values["vm"].strip(_QUOTES) or "?"
    return confirmed(*dict.fromkeys(spans), count=len(records), **values)


_FEW_SERVICES = 12
_OWN_EVENTS = (
    "hyperv.suspended",
    "hyperv.resync-marked",
    "hyperv.enable-refused",
    "hyperv.network-failure",
    "hyperv.vss-set-lost",
    "hyperv.requestor-refused",
    "hyperv.unregistered",
    "hyperv.already-registered",
)


def replicates(facts: Facts) -> bool:
    """Whether this is about replication of virtual machines at all.

    The agent, WMI, the clock and disks also belong to machines that only back up their files.
    """
    if facts.asked:
        return any(name.startswith("hyperv.") for name in facts.asked)
    if any(one.state != "off" for one in facts.of(VmReplication)):
        return True
    return any(facts.event(name) for name in _OWN_EVENTS) or _listed_for_this(facts)


def _listed_for_this(facts: Facts) -> bool:
    """The provider is there, or somebody listed just the services of replication."""
    services = facts.of(Service)
    if any(one.name.lower() == "dra" and one.state != "absent" for one in services):
        return True
    together: dict[str, set[str]] = {}
    for one in services:
        together.setdefault(one.span.artefact, set()).add(one.name.lower())
    return any({"vmms", "obengine"} <= m and len(m) <= _FEW_SERVICES for m in together.values())


def _short(text: str) -> str:
    return " ".join(text.split())[:160]


def silent_log(facts: Facts, name: str) -> Span | None:
    """A whole log of this product that says nothing of the fault: its absence counts."""
    for record in facts.event(name):
        logs = [one for one in facts.of(LogSeen) if one.span.artefact == record.span.artefact]
        if logs and all(one.whole for one in logs):
            return record.span
    return None


def _states(facts: Facts) -> list[VmReplication]:
    """The last word on each machine: what a paste says further down is newer."""
    last: dict[tuple[str, str], VmReplication] = {}
    for one in facts.of(VmReplication):
        if one.state:
            last[one.span.artefact, one.vm] = one
    return list(last.values())


@check("hyperv.paused")
def paused(facts: Facts, _: Params) -> Verdict:
    """What the machine shows now counts more than what a log said then."""
    states = _states(facts)
    held = [one for one in states if one.state in {"paused", "resync-paused"}]
    if held:
        return confirmed(*(one.span for one in held[:SHOWN]), vm=held[0].vm or "?", count=len(held))
    running = [one for one in states if one.state in _KNOWN]
    if running:
        return ruled_out(*(one.span for one in running[:SHOWN]))
    if records := open_events(facts, "hyperv.suspended", over=("hyperv.resumed",)):
        return said(records)
    if resumed := facts.event("hyperv.resumed"):
        return ruled_out(resumed[-1].span)
    return unknown("hyperv.replication")


@check("hyperv.resync-required")
def resync(facts: Facts, _: Params) -> Verdict:
    states = _states(facts)
    marked = [one for one in states if one.state in {"resync-required", "resync-paused"}]
    if marked:
        return confirmed(
            *(one.span for one in marked[:SHOWN]), vm=marked[0].vm or "?", count=len(marked)
        )
    fine = [one for one in states if one.state in _KNOWN]
    if fine:
        return ruled_out(*(one.span for one in fine[:SHOWN]))
    if records := open_events(facts, "hyperv.resync-marked", over=("hyperv.resync-done",)):
        return said(records)
    if done := facts.event("hyperv.resync-done"):
        return ruled_out(done[-1].span)
    return unknown("hyperv.replication")


@check("hyperv.cycles-missed", needs=(VmReplication,))
def cycles_missed(facts: Facts, params: Params) -> Verdict:
    counted = [one for one in facts.of(VmReplication) if one.cycles]
    for one in counted:
        missed = 1 - (one.good or 0) / (one.cycles or 1)
        if missed > params.number("missed"):
            return confirmed(one.span, vm=one.vm or "?", percent=round(missed * 100), hours="?")
    dated = [one for one in facts.of(VmReplication) if one.last and facts.now]
    for one in dated:
        hours = _hours(facts.now, one.last)
        if hours > params.number("silent_hours") and one.state != "off":
            return confirmed(one.span, vm=one.vm, percent="?", hours=round(hours, 1))
    sick = [one for one in facts.of(VmReplication) if one.health == "critical"]
    fine = [one.span for one in (*counted, *dated)]
    if not fine and not sick:
        fine = [one.span for one in facts.of(VmReplication) if one.health == "normal"]
    return ruled_out(*fine[:SHOWN]) if fine else unknown("hyperv.replication")


def _hours(now: datetime | None, last: datetime | None) -> float:
    if now is None or last is None:
        return 0.0
    return (now.replace(tzinfo=None) - last).total_seconds() / 3600


@check("hyperv.churn-high", needs_any=(WriteRate, VmReplication))
def churn(facts: Facts, params: Params) -> Verdict:
    """Disks of one machine count together; a burst shorter than the window proves nothing."""
    limit = params.number("limit_mb") * 1_000_000
    window = timedelta(minutes=params.number("window_minutes"))
    together: dict[str, list[WriteRate]] = {}
    for rate in facts.of(WriteRate):
        together.setdefault(rate.group, []).append(rate)
    short = False
    fine: list[Span] = []
    for disks in together.values():
        total = sum(one.average for one in disks)
        if any(one.lasted is not None and one.lasted < window for one in disks):
            short = True
        elif total > limit:
            values = {"disk": disks[0].disk, "rate": round(total / 1e6, 2), "limit": limit / 1e6}
            return confirmed(*dict.fromkeys(one.span for one in disks), **values)
        else:
            fine += [one.span for one in disks]
    for one in facts.of(VmReplication):
        rate_now = (one.average_size or 0) / (one.frequency or 300)
        if one.average_size is not None and rate_now > limit:
            return confirmed(
                one.span, disk=one.vm, rate=round(rate_now / 1e6, 2), limit=limit / 1e6
            )
    if fine and not short:
        return ruled_out(*dict.fromkeys(fine))
    return unknown("hyperv.write-rate")


@check("hyperv.bandwidth-short", needs=(VmReplication,))
def bandwidth_short(facts: Facts, _: Params) -> Verdict:
    """Sending takes longer than the time until the next cycle begins."""
    timed = [one for one in facts.of(VmReplication) if one.latency is not None]
    for one in timed:
        cycle = timedelta(seconds=one.frequency or 300)
        if one.latency and one.latency > cycle:
            return confirmed(one.span, vm=one.vm, latency=one.latency, cycle=cycle)
    fine = [one for one in timed if one.latency]
    return ruled_out(*(one.span for one in fine[:SHOWN])) if fine else unknown("hyperv.replication")


@check("hyperv.bandwidth-throttled", needs_any=(Throttle, RegistryValue))
def throttled(facts: Facts, params: Params) -> Verdict:
    if not replicates(facts):
        return not_applicable()
    least = params.number("least_mbit") * 1_000_000
    for one in facts.of(Throttle):
        limits = [limit for limit in (one.work_hours, one.other_hours) if limit]
        if limits and min(limits) < least:
            held = f"{round(min(limits) / 1e6, 2)} Mbit/s"
            return confirmed(one.span, limit=held, least=f"{least / 1e6:.0f} Mbit/s")
    for value in facts.of(RegistryValue):
        few = value.is_("Windows Azure Backup\\Replication", "UploadThreadsPerVM")
        if few and value.number is not None and value.number < params.number("threads"):
            return confirmed(value.span, limit=f"UploadThreadsPerVM={value.number}", least="4")
    fine = [one.span for one in facts.of(Throttle)]
    return ruled_out(*fine[:SHOWN]) if fine else unknown("hyperv.throttle")


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
