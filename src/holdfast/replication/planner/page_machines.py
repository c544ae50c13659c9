"""The parts of the report about each machine: what it writes, and what is against replicating it."""

from collections.abc import Iterator

from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.replication.planner import plan_words as words
from holdfast.replication.planner.machine_facts import MachineFacts, Measure, RemarkFacts
from holdfast.replication.planner.machine_plan import MachinePlan
from holdfast.replication.planner.page_parts import entry, section, table
from holdfast.replication.planner.planning import Plan

_KINDS = {"whole": "good", "partly": "fair", "not": "bad"}
_CLASSES = {
    "application": N_("application-consistent"),
    "filesystem": N_("file-system-consistent"),
    "crash": N_("crash-consistent"),
}
_MEASURED = {
    "no-bitmaps": N_("its image cannot record changes: written bytes only"),
    "tracking-hash": N_("the machine is not tracked: written bytes only"),
    "tracking-overlay": N_("the machine is tracked by overlays: written bytes only"),
}


def machines_section(plan: Plan) -> str:
    percent = f"{plan.wish.assumed.percent:g}"
    heads = (
        _("Machine"),
        _("Seen for"),
        _("Disks"),
        _("Written, mean"),
        _("{percent}th percentile").format(percent=percent),
        _("Peak"),
        _("Peak of writes a second"),
        _("Bandwidth alone"),
    )
    title = _("What each machine writes, as seen, and the bandwidth it needs alone")
    return section(_("Machines"), table(title, heads, [_row(one) for one in plan.machines]))


def _row(machine: MachinePlan) -> tuple[str, ...]:
    disks = machine.facts.taken_disks
    return (
        machine.facts.name,
        words.duration(machine.coverage.seconds),
        f"{len(disks)} · {format_size(sum(disk.size for disk in disks))}",
        words.bytes_per_second(machine.written_mean_seen),
        words.bytes_per_second(machine.written_percentile_seen),
        words.bytes_per_second(machine.written_peak_seen),
        f"{machine.requests_peak_seen:.0f}",
        words.rate(machine.rate_needed),
    )


def sheet_section(plan: Plan) -> str:
    """No table: sentences in columns are not to be read on a telephone."""
    return section(_("Compatibility"), *(_sheet(one.facts) for one in plan.machines))


def _sheet(facts: MachineFacts) -> str:
    answer = _("Can be replicated: {answer}").format(answer=words.extent(facts))
    points = _(_CLASSES.get(facts.consistency, facts.consistency))
    said = _("Points can be: {consistency}").format(consistency=points)
    remarks = list(remarks_of(facts)) or [_("Nothing is against it.")]
    return entry(facts.name, (_KINDS.get(facts.extent, "fair"), answer), said, remarks)


def remarks_of(facts: MachineFacts) -> Iterator[str]:
    """The worst first, each with what can be done."""
    order = {"not": 0, "less": 1, "note": 2}
    for remark in sorted(facts.remarks, key=lambda one: order.get(one.weight, 1)):
        if remark.weight != "note":
            yield _said(remark, facts.name)
    for disk in facts.taken_disks:
        if disk.measure is Measure.WRITTEN and disk.why in _MEASURED:
            yield f"{disk.target}: {_(_MEASURED[disk.why])}"


def _said(remark: RemarkFacts, vm: str) -> str:
    sentence, remedy = words.remark_text(remark, vm)
    about = f"{remark.disk}: {sentence}" if remark.disk else sentence
    return f"{about}. {remedy}" if remedy else about
