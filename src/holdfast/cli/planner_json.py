"""A plan as the event that programs read."""

import math
from datetime import UTC, datetime
from typing import Any

from holdfast.cli.json_planner import PlannerReport
from holdfast.cli.output import encodable
from holdfast.replication.planner import plan_words as words
from holdfast.replication.planner.machine_plan import MachinePlan
from holdfast.replication.planner.planning import Need, Outcome, Plan, WhatIf
from holdfast.replication.planner.samples import MINUTE


def plan_event(plan: Plan, files: list[str]) -> PlannerReport:
    assumed = plan.wish.assumed
    return PlannerReport(
        begin=_moment(plan.first_minute),
        end=_moment(plan.last_minute + 1),
        made_up=round(plan.made_up, 4),
        interval=assumed.interval,
        growth=assumed.growth,
        percentile=assumed.percent,
        bandwidth=plan.wish.bandwidth,
        copy_rate=round(plan.rate, 1),
        needs=[_need(one) for one in plan.needs],
        what_if=[_what_if(one) for one in plan.what_if],
        batches=[
            {
                "machines": [encodable(name) for name in batch.names],
                "size": batch.size,
                "rate": round(batch.rate, 1),
                "seconds": None if batch.seconds is None else round(batch.seconds, 1),
                "room": batch.room,
                "lacking": batch.lacking,
            }
            for batch in plan.batches
        ],
        machines=[_machine(one) for one in plan.machines],
        probes=[
            {
                "site": one.site,
                "at": one.at.isoformat(),
                "rate": round(one.rate, 1),
                "round_trip_seconds": one.round_trip_seconds,
            }
            for one in plan.wish.measured
        ],
        notes=[encodable(note) for note in words.notes(plan)],
        files=[encodable(file) for file in files],
    )


def _moment(minute: int) -> str:
    return datetime.fromtimestamp(minute * MINUTE, tz=UTC).astimezone().isoformat()


def _need(one: Need) -> dict[str, Any]:
    return {
        "interval": one.interval,
        "always": _rounded(one.always),
        "mostly": _rounded(one.mostly),
        "percentile": _rounded(one.percentile),
        "mean": _rounded(one.mean),
        "shipped_per_day": round(one.shipped_per_day),
        "gain": round(one.gain, 3),
    }


def _what_if(one: WhatIf) -> dict[str, Any]:
    best = one.achievable
    return {
        "rate": round(one.rate, 1),
        "is_given": one.is_given,
        "achievable_age": _rounded(best.worst_age) if best else None,
        "outcomes": [_outcome(each) for each in one.outcomes],
    }


def _outcome(one: Outcome) -> dict[str, Any]:
    return {
        "interval": one.interval,
        "met": round(one.met, 6),
        "late_per_day": round(one.late_per_day, 3),
        "late_seconds_per_day": round(one.late_seconds_per_day, 1),
        "worst_age": None if one.is_overrun else _rounded(one.worst_age),
        "percentile_age": None if one.is_overrun else _rounded(one.percentile_age),
        "peak_queue": round(one.peak_queue),
        "is_overrun": one.is_overrun,
    }


def _machine(one: MachinePlan) -> dict[str, Any]:
    facts = one.facts
    return {
        "vm": encodable(facts.name),
        "uuid": facts.uuid,
        "extent": facts.extent,
        "consistency": facts.consistency,
        "seen_seconds": round(one.coverage.seconds),
        "gaps": one.coverage.gaps,
        "unique": list(one.coverage.unique),
        "written": list(one.coverage.written),
        "written_mean": _rounded(one.written_mean_seen),
        "written_percentile": _rounded(one.written_percentile_seen),
        "written_peak": _rounded(one.written_peak_seen),
        "requests_peak": _rounded(one.requests_peak_seen),
        "rate_needed": _rounded(one.rate_needed),
        "rate_mean": _rounded(one.rate_mean),
        "gains": {str(interval): round(gain, 3) for interval, gain in one.gains.items()},
        "first_copy": one.first_copy,
        "site": one.site,
        "spool": one.spool,
        "scratch": one.scratch,
        "remarks": [_remark(one, number) for number in range(len(facts.remarks))],
    }


def _remark(machine: MachinePlan, number: int) -> dict[str, Any]:
    remark = machine.facts.remarks[number]
    sentence, remedy = words.remark_text(remark, machine.facts.name)
    return {
        "code": remark.code,
        "weight": remark.weight,
        "disk": remark.disk or None,
        "message": encodable(sentence),
        "remedy": encodable(remedy),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else round(value, 3)
