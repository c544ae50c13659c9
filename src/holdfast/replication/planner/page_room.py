"""The parts of the report about copies and room: what coalesces, what goes first, what it takes."""

from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.replication.planner import plan_words as words
from holdfast.replication.planner.machine_plan import MachinePlan
from holdfast.replication.planner.page_parts import (
    Cell,
    figure,
    judged,
    long_text,
    paragraph,
    section,
    table,
    text_head,
)
from holdfast.replication.planner.planning import Plan
from holdfast.replication.planner.plots import Bar, Bars, bar_plot


def coalescing_section(plan: Plan) -> str:
    text = _(
        "A cycle ships what differs in the end, however often it was written. Above 1 that is "
        "less than was written; below 1 it is more, since changes are recorded by the cluster."
    )
    intervals = [one.interval for one in plan.needs]
    heads = (_("Machine"), *(words.duration(interval) for interval in intervals))
    total = (_("All"), *(words.times(one.gain) for one in plan.needs))
    rows = [(one.facts.name, *_gains(one, intervals)) for one in plan.able]
    return section(
        _("What coalesces"),
        paragraph(text),
        table(_("Bytes written for each byte shipped, by interval"), heads, [*rows, total]),
    )


def _gains(machine: MachinePlan, intervals: list[int]) -> tuple[str, ...]:
    if not machine.coverage.unique:
        return tuple(_("unknown") for _interval in intervals)
    return tuple(
        words.times(machine.gains[interval]) if interval in machine.gains else "-"
        for interval in intervals
    )


def copies_section(plan: Plan) -> str:
    text = _(
        "Over a link of {rate}. What is copied already goes on being replicated and takes its part "
        "of the link and of the room for logs: begin a batch when the one before is done."
    )
    heads = (
        _("Batch"),
        text_head(_("Machines")),
        _("To copy"),
        _("Left of the link"),
        _("Takes"),
        _("Room for logs"),
    )
    return section(
        _("First copies, in order"),
        paragraph(text.format(rate=words.rate(plan.rate))),
        table(_("Batches of first copies"), heads, _batch_rows(plan)),
        _copies_plot(plan),
    )


def _batch_rows(plan: Plan) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for number, batch in enumerate(plan.batches, start=1):
        never = judged(_("never done"), "bad")
        lacking = _("{size}, {lacking} more than there is")
        room: Cell = format_size(batch.room)
        if batch.lacking:
            said = lacking.format(size=room, lacking=format_size(batch.lacking))
            room = judged(said, "bad")
        rows.append(
            (
                str(number),
                long_text(", ".join(batch.names)),
                format_size(batch.size),
                words.rate(batch.rate),
                never if batch.seconds is None else words.duration(batch.seconds),
                room,
            )
        )
    return rows


def _copies_plot(plan: Plan) -> str:
    bars, at = [], 0.0
    for number, batch in enumerate(plan.batches, start=1):
        if batch.seconds is None:
            break
        label = _("Batch {number}: {machines}")
        names = _shortened(batch.names)
        bars.append(
            Bar(
                label=label.format(number=number, machines=names),
                begin=at,
                end=at + batch.seconds,
                text=words.duration(batch.seconds),
            )
        )
        at += batch.seconds
    if not bars:
        return ""
    description = "; ".join(f"{bar.label}: {bar.text}" for bar in bars)
    title = _("When each batch is copied")
    drawn = bar_plot(Bars(title=title, description=description, bars=tuple(bars), most=at))
    return figure(drawn, _("All is copied after {time}.").format(time=words.duration(at)))


def _shortened(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return _cut(names[0], 28)
    return _("{name} and {count} more").format(name=_cut(names[0], 18), count=len(names) - 1)


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def room_section(plan: Plan) -> str:
    text = _(
        "At the site: the disks, and a layer for each of the points kept there ({points} at most, "
        "{hours} h back). Here: logs that wait for the link, and what a guest overwrites while its "
        "changes are read; not on the file system of its disks."
    )
    assumed = plan.wish.assumed
    heads = (_("Machine"), _("At the site"), _("Logs here"), _("Scratch here"))
    rows = [
        (one.facts.name, format_size(one.site), format_size(one.spool), format_size(one.scratch))
        for one in plan.able
    ]
    total = (_("All"), format_size(plan.site), format_size(plan.spool), format_size(plan.scratch))
    return section(
        _("Room"),
        paragraph(text.format(points=assumed.most_points, hours=assumed.hours)),
        table(_("Room that is needed"), heads, [*rows, total]),
        *_free_line(plan),
    )


def _free_line(plan: Plan) -> list[str]:
    if plan.wish.free is None:
        return []
    text = _("On the file system of the logs {size} are free here; 30 % of that is counted on.")
    return [paragraph(text.format(size=format_size(plan.wish.free)))]
