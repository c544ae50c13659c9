"""Causes about our extension in a guest."""

from holdfast.doctor.checks.agent_judging import Look, by_fact
from holdfast.doctor.vm_facts import VmExtension

# A reason of a state: another version than ours is there, which is a cause of its own.
_OLD = "other-version"

by_fact("extension.absent", VmExtension, lambda one, _: one.state == "absent")
by_fact(
    "extension.not-ready",
    VmExtension,
    lambda one, _: one.state == "not-ready" and one.reason != _OLD,
)
by_fact("extension.failed", VmExtension, lambda one, _: one.state == "failed")


def _is_held(one: VmExtension, look: Look) -> bool:
    limit = look.params.number("seconds")
    age = one.holder_age_seconds if one.holder else one.age_seconds
    return (one.state == "transitioning" or bool(one.holder)) and (age or 0.0) > limit


def _holder(one: VmExtension, _look: Look) -> dict[str, object]:
    age = one.holder_age_seconds if one.holder else one.age_seconds
    return {"holder": one.holder or "-", "minutes": round((age or 0.0) / 60)}


by_fact("extension.busy", VmExtension, _is_held, values=_holder)
by_fact(
    "extension.outdated",
    VmExtension,
    lambda one, _: one.reason == _OLD,
)
