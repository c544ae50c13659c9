"""Causes in the machine around the agent: room, scratch, temporary files, the clock, guards."""

from holdfast.doctor.agent_facts import (
    AgentDenial,
    AgentDenials,
    AgentRoom,
    AgentScanners,
    AgentScratch,
    AgentTime,
)
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import Look, by_fact
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown

_MIB = 1 << 20
_MACHINE = "own.agent.machine"


def _mib(one: AgentRoom, _look: Look) -> dict[str, object]:
    return {"free_mib": one.free // _MIB}


by_fact(
    "agent.home-full",
    AgentRoom,
    lambda one, look: one.free < look.params.number("min_free_mib") * _MIB,
    of=lambda one: one.what == "home" and one.size > 0,
    values=_mib,
)
by_fact(
    "agent.temporary-full",
    AgentRoom,
    lambda one, look: one.free < look.params.number("min_free_mib") * _MIB,
    of=lambda one: one.what == "temporary" and one.size > 0,
    values=_mib,
)
by_fact(
    "agent.temporary-files",
    AgentRoom,
    lambda one, look: one.files > look.params.number("most"),
    of=lambda one: one.what == "temporary",
)
by_fact(
    "agent.inodes-scarce",
    AgentRoom,
    lambda one, look: one.free_inodes < look.params.number("least") if one.inodes else None,
)
by_fact("agent.scratch-moved", AgentScratch, lambda one, _: one.state != "good")


@check("agent.scratch-small", needs=(AgentScratch,))
def scratch_small(facts: Facts, params: Params) -> Verdict:
    share = params.number("least_share")
    for one in facts.of(AgentScratch):
        if one.state == "good" and one.protected:
            wanted = min(share * one.protected, params.number("ample_gib") * 1024 * _MIB)
            values = {
                "folder": one.folder,
                "free_mib": one.free // _MIB,
                "wanted_mib": round(wanted / _MIB),
                "protected_mib": one.protected // _MIB,
            }
            return (confirmed if one.free < wanted else ruled_out)(one.span, **values)
    return unknown(_MACHINE)


@check("agent.interference", needs_any=(AgentDenial, AgentDenials))
def interference(facts: Facts, params: Params) -> Verdict:
    look = Look(facts, params)
    recent = [
        one
        for one in facts.of(AgentDenial)
        if look.older(one.when, days=params.number("days")) is not True
    ]
    if recent:
        last = recent[-1]
        values = {"module": last.module, "path": last.path or "?", "count": len(recent)}
        return confirmed(*(one.span for one in recent[-3:]), **values)
    read = [*facts.of(AgentDenials)]
    if any(one.count == 0 for one in read) or facts.of(AgentDenial):
        return ruled_out(*(one.span for one in [*read, *facts.of(AgentDenial)][:3]))
    return unknown(_MACHINE)


by_fact(
    "agent.scanners",
    AgentScanners,
    lambda one, _: bool(one.names),
    values=lambda one, _: {"names": ", ".join(one.names)},
)
by_fact("agent.clock-unsynchronised", AgentTime, lambda one, _: _negated(one.synchronised))
by_fact("agent.zone-unknown", AgentTime, lambda one, _: not one.zone_is_known)


def _negated(known: bool | None) -> bool | None:  # noqa: FBT001  a fact's own field
    return None if known is None else not known
