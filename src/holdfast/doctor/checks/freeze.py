"""Causes why a guest could not be held still, or only badly."""

from holdfast.doctor.checks.agent_judging import Look, by_fact
from holdfast.doctor.checks.load import is_busy, shares
from holdfast.doctor.vm_facts import VmAgent, VmChurn, VmGuest, VmLast

by_fact(
    "freeze.still-frozen",
    VmAgent,
    lambda one, _: one.is_frozen and not one.is_locked if one.answers else None,
)


def by_downgrade(cause: str, *codes: str) -> None:
    """What cost the newest point its class."""

    def reason(one: VmLast, _look: Look) -> dict[str, object]:
        said = (one.downgrades[code] for code in codes if code in one.downgrades)
        return {"reason": next(said, "")}

    by_fact(cause, VmLast, lambda one, _: bool(set(codes) & set(one.downgrades)), values=reason)


by_downgrade("freeze.failed", "freeze-failed", "agent-lost", "already-frozen", "nothing-frozen")
by_downgrade("freeze.timed-out", "dead-man-fired", "thaw-differs")
by_downgrade("freeze.hook-failed", "hook-failed")
by_downgrade("freeze.switched-off", "freeze-off")


def _is_slow(one: VmLast, look: Look) -> bool | None:
    return None if one.freeze_ms is None else one.freeze_ms > look.params.number("milliseconds")


by_fact("freeze.slow", VmLast, _is_slow)


def _list(names: tuple[str, ...]) -> dict[str, object]:
    return {"names": ", ".join(names)}


by_fact(
    "freeze.remote-mounts",
    VmGuest,
    lambda one, _: bool(one.remote_mounts),
    values=lambda one, _: _list(one.remote_mounts),
)
by_fact(
    "freeze.spanning",
    VmGuest,
    lambda one, _: bool(one.spanning_mounts and one.disks_left_out),
    values=lambda one, _: {
        **_list(one.spanning_mounts),
        "disks": ", ".join(one.disks_left_out),
    },
)
by_fact(
    "freeze.other-tool",
    VmGuest,
    lambda one, _: bool(one.other_tools),
    values=lambda one, _: _list(one.other_tools),
)


def _is_short(one: VmGuest, look: Look) -> bool | None:
    return None if one.memory_free_mib is None else one.memory_free_mib < look.params.number("mib")


by_fact("freeze.guest-loaded", VmGuest, is_busy, values=shares)
by_fact(
    "freeze.guest-memory-low",
    VmGuest,
    _is_short,
    values=lambda _one, look: {"needed": round(look.params.number("mib"))},
)
by_fact(
    "freeze.churn",
    VmChurn,
    lambda one, look: one.mib_per_second > look.params.number("mib_per_second"),
)
