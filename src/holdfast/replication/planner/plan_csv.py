"""A line for each machine and one for all, for programs that make tables; names stay English."""

import csv
import io

from holdfast.replication.planner.machine_plan import INTERVALS, MachinePlan
from holdfast.replication.planner.planning import Plan

_HEADS = (
    *("machine", "uuid", "extent", "consistency", "disks", "disk_bytes", "first_copy_bytes"),
    *("seen_seconds", "gap_minutes", "written_mean_bytes_per_second"),
    *("written_percentile_bytes_per_second", "written_peak_bytes_per_second"),
    *("peak_requests_per_second", "interval_seconds", "needed_bits_per_second"),
    *("mean_bits_per_second", *(f"gain_{interval}s" for interval in INTERVALS)),
    *("site_bytes", "spool_bytes", "scratch_bytes", "batch"),
)
# What a table program would take for a formula; a machine may be called anything.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(plan: Plan) -> str:
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(_HEADS)
    writer.writerows(_row(one, plan) for one in plan.machines)
    writer.writerow(_total(plan))
    return made.getvalue()


def _row(machine: MachinePlan, plan: Plan) -> list[object]:
    facts, coverage = machine.facts, machine.coverage
    return [
        *(_plain(facts.name), facts.uuid, facts.extent, facts.consistency),
        *(len(facts.taken_disks), sum(disk.size for disk in facts.taken_disks)),
        *(machine.first_copy, round(coverage.seconds), coverage.gaps),
        *(round(machine.written_mean_seen), round(machine.written_percentile_seen)),
        *(round(machine.written_peak_seen), round(machine.requests_peak_seen, 1)),
        *(plan.wish.assumed.interval, _bits(machine.rate_needed), _bits(machine.rate_mean)),
        *(round(machine.gains[interval], 3) for interval in INTERVALS),
        *(machine.site, machine.spool, machine.scratch, _batch(machine, plan)),
    ]


def _total(plan: Plan) -> list[object]:
    interval = plan.wish.assumed.interval
    need = plan.need(interval)
    known: dict[str, object] = {
        "machine": "TOTAL",
        "disk_bytes": sum(disk.size for one in plan.able for disk in one.facts.taken_disks),
        "disks": sum(len(one.facts.taken_disks) for one in plan.able),
        "first_copy_bytes": sum(one.first_copy for one in plan.able),
        "interval_seconds": interval,
        "needed_bits_per_second": _bits(need.always) if need else "",
        "mean_bits_per_second": _bits(need.mean) if need else "",
        "site_bytes": plan.site,
        "spool_bytes": plan.spool,
        "scratch_bytes": plan.scratch,
        **{f"gain_{one.interval}s": round(one.gain, 3) for one in plan.needs},
    }
    return [known.get(head, "") for head in _HEADS]


def _bits(rate: float | None) -> object:
    return "" if rate is None else round(rate * 8)


def _batch(machine: MachinePlan, plan: Plan) -> object:
    numbers = {name: number for number, one in enumerate(plan.batches, 1) for name in one.names}
    return numbers.get(machine.facts.name, "")


def _plain(name: str) -> str:
    return f"'{name}" if name.startswith(_FORMULA) else name
