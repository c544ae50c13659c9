"""The report of a plan: what is most important first, then each question in turn."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from html import escape

from holdfast.base.texts import _, ngettext
from holdfast.base.units import format_size
from holdfast.replication.planner import plan_words as words
from holdfast.replication.planner.page_link import bandwidth_section, what_if_section
from holdfast.replication.planner.page_machines import machines_section, sheet_section
from holdfast.replication.planner.page_parts import cards, section
from holdfast.replication.planner.page_room import (
    coalescing_section,
    copies_section,
    room_section,
)
from holdfast.replication.planner.page_sheet import sheet
from holdfast.replication.planner.planning import Plan
from holdfast.replication.planner.samples import MINUTE


def page(plan: Plan, *, made_at: datetime) -> str:
    """In the language in use; moments are in the zone of `made_at`."""
    return sheet(_("Replication plan"), _about(plan, made_at), _parts(plan, made_at.tzinfo))


def _parts(plan: Plan, zone: tzinfo | None) -> Iterator[str]:
    yield cards(_most_important(plan))
    yield _weak(plan)
    if plan.able:
        yield bandwidth_section(plan, zone)
        yield what_if_section(plan)
        yield coalescing_section(plan)
        yield copies_section(plan)
        yield room_section(plan)
    yield machines_section(plan)
    yield sheet_section(plan)


def _about(plan: Plan, made_at: datetime) -> str:
    count = len(plan.machines)
    machines = ngettext("{count} machine", "{count} machines", count).format(count=count)
    begin, end = (
        f"{datetime.fromtimestamp(minute * MINUTE, tz=made_at.tzinfo):%Y-%m-%d %H:%M}"
        for minute in (plan.first_minute, plan.last_minute + 1)
    )
    text = _("{machines}, seen from {begin} to {end}. Made on {made}.")
    made = f"{made_at:%Y-%m-%d %H:%M}"
    return text.format(machines=machines, begin=begin, end=end, made=made)


def _most_important(plan: Plan) -> Iterator[tuple[str, str]]:
    interval = plan.wish.assumed.interval
    need = plan.need(interval)
    every = words.duration(interval)
    title = _("Bandwidth for a copy every {time}").format(time=every)
    yield title, words.rate(need.always if need else None)
    yield _("The same, 90 % of the time"), words.rate(need.mostly if need else None)
    given = next((one for one in plan.what_if if one.is_given), None)
    if given is not None:
        best = given.achievable
        title = _("At most behind with {rate}").format(rate=words.rate(given.rate))
        yield title, words.duration(best.worst_age) if best else _("never catches up")
    yield _("First copies"), _first_copies(plan)
    yield _("Room at the site"), format_size(plan.site)
    yield _("Room for logs here"), format_size(plan.spool + plan.scratch)


def _first_copies(plan: Plan) -> str:
    seconds = [batch.seconds for batch in plan.batches]
    if any(each is None for each in seconds):
        return _("never done")
    return words.duration(sum(each or 0.0 for each in seconds))


def _weak(plan: Plan) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in words.notes(plan))
    return section(_("What to know about these figures"), f"<ul>{items}</ul>")
