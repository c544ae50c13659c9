"""Causes of Hyper-V replication trouble: its state, and how much there is to send."""

from datetime import datetime, timedelta

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.hyperv_judging import open_events, replicates, said
from holdfast.doctor.factbase import Facts
from holdfast.doctor.hyperv_facts import Throttle, VmReplication, WriteRate
from holdfast.doctor.model import Span, Verdict, confirmed, not_applicable, ruled_out, unknown
from holdfast.doctor.open_records import SHOWN
from holdfast.doctor.windows_facts import RegistryValue

_KNOWN = ("replicating", "initial", "resyncing", "prepared", "ready")


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
