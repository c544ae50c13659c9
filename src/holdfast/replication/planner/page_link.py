"""The part of the report about the link: what is needed, and what would be with less."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo

from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.replication.planner import plan_words as words
from holdfast.replication.planner.page_parts import (
    Cell,
    figure,
    judged,
    paragraph,
    section,
    table,
)
from holdfast.replication.planner.planning import Need, Outcome, Plan, WhatIf
from holdfast.replication.planner.plots import Bar, Bars, Chart, Line, bar_plot, line_plot
from holdfast.replication.planner.samples import MINUTE

# More points than this nobody can tell apart.
_MOST_POINTS = 360
_GOOD, _FAIR = 0.999, 0.9
_TICKS = 6
_DAY = 1440
# Round figures on the axis are round in what links are measured in.
_BITS = 8


def bandwidth_section(plan: Plan, zone: tzinfo | None) -> str:
    text = _(
        "A copy each so often is in time when it has arrived before the next one is due; the "
        "other site is then never more than two intervals behind. Growth by {growth} is in it."
    )
    growth = words.share(plan.wish.assumed.growth)
    return section(
        _("Bandwidth"),
        paragraph(text.format(growth=growth)),
        _needs_table(plan),
        _needs_plot(plan),
        _series_plot(plan, zone),
    )


def _needs_table(plan: Plan) -> str:
    percent = f"{plan.wish.assumed.percent:g}"
    heads = (
        _("A copy every"),
        _("At most behind"),
        _("In time always"),
        _("In time 90 % of the time"),
        _("{percent}th percentile").format(percent=percent),
        _("Mean"),
        _("Shipped a day"),
    )
    return table(_("Bandwidth needed"), heads, [_need_row(one) for one in plan.needs])


def _need_row(need: Need) -> tuple[str, ...]:
    return (
        words.duration(need.interval),
        words.duration(2 * need.interval),
        words.rate(need.always),
        words.rate(need.mostly),
        words.rate(need.percentile),
        words.rate(need.mean),
        format_size(need.shipped_per_day),
    )


def _needs_plot(plan: Plan) -> str:
    known = [one for one in plan.needs if one.always is not None]
    bars = tuple(
        Bar(
            label=_("every {time}").format(time=words.duration(one.interval)),
            begin=0.0,
            end=one.always or 0.0,
            text=words.rate(one.always),
        )
        for one in known
    )
    if not bars:
        return ""
    title = _("Bandwidth for each interval, always in time")
    return figure(
        bar_plot(Bars(title=title, description=_listed(bars), bars=bars)),
        _("The more time there is between two copies, the more bursts are spread."),
    )


def _listed(bars: tuple[Bar, ...]) -> str:
    return "; ".join(f"{bar.label}: {bar.text}" for bar in bars)


def _series_plot(plan: Plan, zone: tzinfo | None) -> str:
    width = max(1, -(-(plan.last_minute - plan.first_minute + 1) // _MOST_POINTS))
    title = _("Written and shipped over time")
    lines = (
        Line(title=_("Shipped"), kind="area", values=_buckets(plan.shipped, plan, width)),
        Line(
            title=_("Written by the machines"),
            kind="line",
            values=_buckets(plan.written, plan, width),
        ),
    )
    level = _level(plan)
    chart = Chart(
        title=title,
        description=_("All machines together, in bits a second, as they were seen."),
        lines=lines,
        levels=() if level is None else (level * _BITS,),
        ticks=tuple(_ticks(plan, zone)),
    )
    keys = [(line.kind, line.title) for line in lines]
    if level is not None:
        keys.append(("level", _("Bandwidth given: {rate}").format(rate=words.rate(level))))
    caption = _(
        "Each point is the busiest minute of {time}. What is shipped is for a copy every {interval}."
    )
    said = caption.format(
        time=words.duration(width * MINUTE),
        interval=words.duration(plan.wish.assumed.interval),
    )
    return figure(line_plot(chart, lambda bits: words.rate(bits / _BITS)), said, keys)


def _level(plan: Plan) -> float | None:
    bandwidth = plan.wish.bandwidth
    peak = max(plan.written.values(), default=0.0) / MINUTE
    # One far above all that was seen would press the rest to the floor.
    return None if bandwidth is None or bandwidth > 4 * peak else bandwidth


def _buckets(series: Mapping[int, float], plan: Plan, width: int) -> tuple[float | None, ...]:
    found: dict[int, float] = {}
    for number, size in series.items():
        place = (number - plan.first_minute) // width
        found[place] = max(found.get(place, 0.0), size * _BITS / MINUTE)
    count = (plan.last_minute - plan.first_minute) // width + 1
    return tuple(found.get(place) for place in range(count))


def _ticks(plan: Plan, zone: tzinfo | None) -> Iterator[tuple[float, str]]:
    minutes = plan.last_minute - plan.first_minute + 1
    if minutes > 3 * _DAY:
        yield from _days(plan, zone, minutes)
        return
    for number in range(_TICKS + 1):
        share = number / _TICKS
        moment = datetime.fromtimestamp((plan.first_minute + share * minutes) * MINUTE, tz=zone)
        yield share, f"{moment:%m-%d %H:%M}"


def _days(plan: Plan, zone: tzinfo | None, minutes: int) -> Iterator[tuple[float, str]]:
    """Where days begin; not all of them, if they are many."""
    first = datetime.fromtimestamp(plan.first_minute * MINUTE, tz=zone)
    midnight = first.replace(hour=0, minute=0)
    every = -(-minutes // (_DAY * (_TICKS + 2)))
    for number in range(1, minutes // _DAY + 2, every):
        day = midnight + timedelta(days=number)
        share = (day.timestamp() / MINUTE - plan.first_minute) / minutes
        if share < 1:
            yield share, f"{day:%m-%d}"


def what_if_section(plan: Plan) -> str:
    text = _(
        "What would happen with less. An interval is late when what has changed in it arrives "
        "after the next one has ended."
    )
    return section(
        _("What if the link carries…"),
        paragraph(text),
        *(_what_if_table(one, plan) for one in plan.what_if),
    )


def _what_if_table(what_if: WhatIf, plan: Plan) -> str:
    percent = f"{plan.wish.assumed.percent:g}"
    heads = (
        _("A copy every"),
        _("In time"),
        _("Late a day"),
        _("Behind a day"),
        _("Oldest the site gets"),
        _("{percent} % of the copies within").format(percent=percent),
        _("Most that waits"),
    )
    return table(_title(what_if), heads, [_outcome_row(one) for one in what_if.outcomes])


def _title(what_if: WhatIf) -> str:
    rate = words.rate(what_if.rate)
    best = what_if.achievable
    if best is None:
        text = _("{rate}: this link never catches up, whatever the interval")
        return text.format(rate=rate)
    text = (
        _("{rate}, as given: {age} at most behind is achievable, with a copy every {interval}")
        if what_if.is_given
        else _("{rate}: {age} at most behind is achievable, with a copy every {interval}")
    )
    return text.format(
        rate=rate, age=words.duration(best.worst_age), interval=words.duration(best.interval)
    )


def _outcome_row(one: Outcome) -> tuple[Cell, ...]:
    kind = "good" if one.met >= _GOOD else "fair" if one.met >= _FAIR else "bad"
    oldest = words.duration(one.worst_age)
    return (
        words.duration(one.interval),
        judged(words.share(one.met), kind),
        words.often(one.late_per_day),
        words.duration(one.late_seconds_per_day),
        judged(_("ever older"), "bad") if one.is_overrun else oldest,
        "-" if one.is_overrun else words.duration(one.percentile_age),
        format_size(one.peak_queue),
    )
