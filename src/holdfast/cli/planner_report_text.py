"""How a plan is told: what is needed, what a link achieves, what goes first, what is against it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.cli import shown
from holdfast.cli.output import Output, encodable
from holdfast.cli.planner_json import plan_event
from holdfast.replication.planner import plan_words as words
from holdfast.replication.planner.page_machines import remarks_of
from holdfast.replication.planner.planning import Plan, WhatIf
from holdfast.replication.planner.samples import MINUTE


def tell_plan(out: Output, plan: Plan, files: list[str]) -> None:
    out.show(plan_event(plan, files), *_lines(plan))
    for file in files:
        out.remark(_("Written into {file}").format(file=shown.line(file)))


def _lines(plan: Plan) -> Iterator[str]:
    yield from _head(plan)
    if plan.able:
        for part in (_needs, _what_if, _batches, _room):
            yield ""
            yield from part(plan)
    yield ""
    yield from _against(plan)
    yield ""
    for note in words.notes(plan):
        yield f"! {encodable(note)}"


def _head(plan: Plan) -> Iterator[str]:
    begin, end = (
        shown.moment(datetime.fromtimestamp(minute * MINUTE, tz=UTC))
        for minute in (plan.first_minute, plan.last_minute + 1)
    )
    text = _("Seen from {begin} to {end}; growth by {growth} is in all that follows")
    yield text.format(begin=begin, end=end, growth=words.share(plan.wish.assumed.growth))


def _needs(plan: Plan) -> Iterator[str]:
    percentile = _("{percent}th percentile").format(percent=f"{plan.wish.assumed.percent:g}")
    heads = (
        *(_("A copy every"), _("In time always"), _("In time 90 % of the time"), percentile),
        *(_("Shipped a day"), _("Written for each byte shipped")),
    )
    rows = [
        (
            words.duration(one.interval),
            words.rate(one.always),
            words.rate(one.mostly),
            words.rate(one.percentile),
            format_size(one.shipped_per_day),
            words.times(one.gain),
        )
        for one in plan.needs
    ]
    yield from shown.table([heads, *rows])


def _what_if(plan: Plan) -> Iterator[str]:
    heads = (_("With"), _("A copy every"), _("In time"), _("Late a day"), _("Oldest the site gets"))
    rows = [row for one in plan.what_if for row in _outcomes(one)]
    yield from shown.table([heads, *rows])


def _outcomes(what_if: WhatIf) -> Iterator[tuple[str, ...]]:
    rate = words.rate(what_if.rate)
    for number, one in enumerate(what_if.outcomes):
        yield (
            rate if number == 0 else "",
            words.duration(one.interval),
            words.share(one.met),
            words.often(one.late_per_day),
            _("ever older") if one.is_overrun else words.duration(one.worst_age),
        )


def _batches(plan: Plan) -> Iterator[str]:
    yield _("First copies over {rate}, in this order").format(rate=words.rate(plan.rate))
    for number, batch in enumerate(plan.batches, start=1):
        text = _("{number}. {machines}: {size}, {time}")
        lasts = _("never done") if batch.seconds is None else words.duration(batch.seconds)
        machines = ", ".join(map(shown.line, batch.names))
        size = format_size(batch.size)
        yield text.format(number=number, machines=machines, size=size, time=lasts)
        if batch.lacking:
            text = _("   the room for logs here is {size} too small for it")
            yield text.format(size=format_size(batch.lacking))


def _room(plan: Plan) -> Iterator[str]:
    heads = (_("Machine"), _("At the site"), _("Logs here"), _("Scratch here"))
    rows = [
        (
            shown.line(one.facts.name),
            format_size(one.site),
            format_size(one.spool),
            format_size(one.scratch),
        )
        for one in plan.able
    ]
    total = (_("All"), format_size(plan.site), format_size(plan.spool), format_size(plan.scratch))
    yield from shown.table([heads, *rows, total])


def _against(plan: Plan) -> Iterator[str]:
    for one in plan.machines:
        text = _("{vm}: can be replicated: {answer}")
        yield text.format(vm=shown.line(one.facts.name), answer=words.extent(one.facts))
        for remark in remarks_of(one.facts):
            yield f"  {encodable(shown.line(remark))}"
