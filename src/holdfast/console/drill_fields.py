"""What is set for the drills of a machine, as a form has it, and as an order names it; pure."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from holdfast.app.control.drills import DrillView
from holdfast.base.texts import N_
from holdfast.console.settings_changes import differing
from holdfast.fleet.recovery_arguments import NOTHING_PROMISED
from holdfast.fleet.schedule_text import format_span

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "schedule": N_("When"),
        "zone": N_("By the clocks of"),
        "checks": N_("Checks"),
        "point": N_("From which recovery point"),
        "networks": N_("Networks"),
        "within": N_("All checks within"),
        "rto": N_("Up and checked after at most (RTO)"),
        "rpo": N_("Lost at most (RPO)"),
    }
)


def fields_of(row: DrillView) -> dict[str, Any]:
    """In the words of `holdfast drill schedule`; nothing promised is written as nothing."""
    return {
        "schedule": row.schedule,
        "zone": row.zone,
        "checks": row.checks,
        "point": row.point,
        "networks": [f"{old}={new}" for old, new in row.networks.items()],
        "within": _time(row.within),
        "rto": _time(row.rto_objective),
        "rpo": _time(row.rpo_objective),
    }


def order_of(now: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What is told to the host; without a schedule it is no more by itself."""
    if not new["schedule"]:
        return {"never": True}
    told = differing(now, new)
    for name in ("rto", "rpo"):
        if name in told:
            told[name] = told[name] or NOTHING_PROMISED
    said = {name: value for name, value in told.items() if value != ""}
    return {**said, "schedule": new["schedule"]}


def _time(seconds: float | None) -> str:
    return "" if seconds is None else format_span(timedelta(seconds=seconds))
