"""The report in words: intervals, ages, and what a reader must know before trusting a figure."""

import math
from collections.abc import Iterator

from holdfast.base.texts import N_, _, ngettext
from holdfast.base.units import format_size
from holdfast.machines import preflight_texts
from holdfast.machines.preflight import Remark, Weight
from holdfast.replication.planner.bandwidth import format_bandwidth
from holdfast.replication.planner.machine_facts import MachineFacts, RemarkFacts
from holdfast.replication.planner.planning import Plan

_UNITS = (
    (86400.0, N_("{count} d")),
    (3600.0, N_("{count} h")),
    (60.0, N_("{count} min")),
    (1.0, N_("{count} s")),
)
_WEEK = 7 * 86400
_EXTENTS = {"whole": N_("yes"), "partly": N_("partly"), "not": N_("no")}
_NOTHING = "-"
_TIMES = "\N{MULTIPLICATION SIGN}"


def duration(seconds: float | None) -> str:
    """In the largest unit of which there are at least two, or that comes out even."""
    if seconds is None or math.isinf(seconds):
        return _NOTHING
    size, text = next((unit for unit in _UNITS if _suits(seconds, unit[0])), _UNITS[-1])
    count = seconds / size
    # Three digits say enough.
    shown = f"{count:.0f}" if count >= 10 or count == round(count) else f"{count:.1f}"  # noqa: PLR2004  two digits before the point
    return _(text).format(count=shown)


def _suits(seconds: float, size: float) -> bool:
    return seconds >= 2 * size or (seconds >= size and seconds % size == 0)


def rate(value: float | None) -> str:
    return _NOTHING if value is None else format_bandwidth(value)


def bytes_per_second(value: float) -> str:
    return _("{size}/s").format(size=format_size(value))


def share(value: float) -> str:
    """Never 100 % of what is a little less."""
    percent = math.floor(value * 1000) / 10
    return f"{percent:.0f} %" if percent == round(percent) else f"{percent:.1f} %"


def times(value: float) -> str:
    if not 0 < value < math.inf:
        return _NOTHING
    return f"{value:.1f}{_TIMES}" if value < 10 else f"{value:.0f}{_TIMES}"  # noqa: PLR2004  three digits


def often(value: float) -> str:
    """How many times a day."""
    if not value:
        return "0"
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"  # noqa: PLR2004  three digits


def extent(facts: MachineFacts) -> str:
    return _(_EXTENTS.get(facts.extent, facts.extent))


def remark_text(remark: RemarkFacts, vm: str) -> tuple[str, str]:
    """What speaks against a machine and what can be done; one of a newer release stays a code."""
    try:
        known = Remark(code=remark.code, weight=Weight(remark.weight), values=remark.values)
        return preflight_texts.sentence(known), preflight_texts.remedy(known, vm)
    except (KeyError, ValueError):
        return remark.code, ""


def notes(plan: Plan) -> list[str]:
    """What is weak about these figures."""
    return [*_about_time(plan), *_about_measuring(plan), *_about_reckoning(plan)]


def _about_time(plan: Plan) -> Iterator[str]:
    seconds = (plan.last_minute - plan.first_minute + 1) * 60
    if seconds < _WEEK:
        text = _("The profile is of {time}; weekly jobs show in a week or more.")
        yield text.format(time=duration(seconds))
    gaps = sum(one.coverage.gaps for one in plan.machines)
    if gaps:
        yield ngettext(
            "{count} minute between was not seen; it counts as unknown, not as quiet.",
            "{count} minutes between were not seen; they count as unknown, not as quiet.",
            gaps,
        ).format(count=f"{gaps:,}")
    if plan.made_up >= 0.001:  # noqa: PLR2004  less is shown as nothing
        text = _("Not all machines were looked at at once: {share} of the sum is their means.")
        yield text.format(share=share(plan.made_up))


def _about_measuring(plan: Plan) -> Iterator[str]:
    written = [
        f"{one.facts.name}: {', '.join(one.coverage.written)}"
        for one in plan.able
        if one.coverage.written
    ]
    if written:
        text = _("Only what is written is known of {disks}: what is written twice counts twice.")
        yield text.format(disks="; ".join(written))
    barred = [one.facts.name for one in plan.machines if one not in plan.able]
    if barred:
        text = _("Not reckoned with, since they cannot be replicated: {machines}.")
        yield text.format(machines=", ".join(barred))


def _about_reckoning(plan: Plan) -> Iterator[str]:
    yield _("Nothing is taken off for compression.")
    wish = plan.wish
    if wish.bandwidth is None and wish.measured:
        text = _("The bandwidth is the one measured to {site}.")
        newest = max(wish.measured, key=lambda one: one.at)
        yield text.format(site=newest.site)
    elif wish.bandwidth is None:
        yield _("No bandwidth was given: the first copies are reckoned with what cycles need.")
