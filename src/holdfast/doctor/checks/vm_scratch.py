"""Causes about the scratch files that QEMU writes while a machine is backed up."""

from holdfast.doctor.checks.agent_judging import Look, by_fact
from holdfast.doctor.vm_facts import VmScratch

_MIB = 1 << 20


def _room(one: VmScratch, _look: Look) -> dict[str, object]:
    return {"free_mib": one.free // _MIB, "reserve_mib": one.reserve // _MIB}


by_fact(
    "vm-scratch.low",
    VmScratch,
    lambda one, _: None if one.reason else one.free < one.reserve,
    values=_room,
)
by_fact("vm-scratch.unusable", VmScratch, lambda one, _: bool(one.reason))
by_fact(
    "vm-scratch.left",
    VmScratch,
    lambda one, _: None if one.reason else bool(one.left),
    values=lambda one, _: {"count": len(one.left), "first": one.left[0]},
)
