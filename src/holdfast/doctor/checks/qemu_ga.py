"""Causes about the agent in a guest: missing, silent, too old, or not allowed what is needed."""

from holdfast.doctor.checks.agent_judging import Look, by_fact
from holdfast.doctor.checks.agent_service import numbers
from holdfast.doctor.checks.vm import by_remark
from holdfast.doctor.vm_facts import VmAgent, VmAgentUnit

_OFF = frozenset(("disabled", "masked", "masked-runtime"))

by_remark("qemu-ga.no-channel", "no-channel")
by_fact("qemu-ga.absent", VmAgent, lambda one, _: one.state == "absent")
by_fact("qemu-ga.silent", VmAgent, lambda one, _: one.state == "silent")


def _is_old(one: VmAgent, look: Look) -> bool:
    return numbers(one.version) < numbers(look.params.text("least"))


def _is_outdated(one: VmAgent, look: Look) -> bool | None:
    return _is_old(one, look) if one.answers else None


def _least(_one: VmAgent, look: Look) -> dict[str, object]:
    return {"least": look.params.text("least")}


def _is_blocked(one: VmAgent, _look: Look) -> bool | None:
    """One that is too old lacks commands as well; then its age is what explains it."""
    return bool(one.lacking) if one.answers and not one.is_frozen else None


def _lacking(one: VmAgent, _look: Look) -> dict[str, object]:
    return {"commands": ", ".join(one.lacking)}


by_fact("qemu-ga.outdated", VmAgent, _is_outdated, values=_least)
by_fact("qemu-ga.blocked", VmAgent, _is_blocked, values=_lacking)
by_fact(
    "qemu-ga.not-kept-running",
    VmAgentUnit,
    lambda one, _: one.enabled in _OFF or one.restart == "no",
)
