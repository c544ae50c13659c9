"""The weekly summary as a page, for a browser or for paper."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from html import escape

from holdfast.app.control.reports import week_words as said
from holdfast.app.control.reports import words
from holdfast.app.control.reports.capacity_page import capacity_sections
from holdfast.app.control.reports.sheet import sheet
from holdfast.app.control.reports.week import ThingView, Weekly
from holdfast.base.texts import _
from holdfast.replication.planner.page_parts import (
    Cell,
    cards,
    entry,
    judged,
    long_text,
    paragraph,
    section,
    table,
    text_head,
)
from holdfast.replication.planner.plan_words import duration


def weekly_page(week: Weekly, *, zone: tzinfo | None) -> str:
    about = _("{begin} to {end}, and how things stand at its end.").format(
        begin=words.minute(week.begin, zone), end=words.minute(week.end, zone)
    )
    return sheet(said.title(week), about, _parts(week, zone))


def _parts(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    tone, verdict = said.verdict(week)
    yield f'<p class="verdict {tone}">{escape(verdict)}</p>'
    yield cards(_cards(week))
    yield section(_("What is wrong now"), *_problems(week, zone))
    yield section(_("What would not come back"), *_safety(week))
    yield section(_("What is proven"), *_proofs(week, zone))
    yield section(_("What was done"), *_work(week))
    yield section(_("What failed, and why"), *_causes(week, zone))
    yield section(_("Replication"), *_replications(week))
    yield section(_("Drills"), *_drills(week, zone))
    yield section(_("Growth and room"), *_growth(week, zone))
    yield section(_("What could have cost data"), *_acts(week, zone))


def _cards(week: Weekly) -> Iterator[tuple[str, str]]:
    wrong = week.safety.at_risk + week.safety.unprotected
    yield _("Protected"), str(week.safety.protected)
    yield _("At risk or unprotected"), str(wrong)
    yield (
        _("Proven in {days} days").format(days=week.proofs.days),
        f"{week.proofs.proven} / {week.proofs.proven + week.proofs.unproven}",
    )
    yield _("Points taken (the week before)"), f"{week.points} ({week.points_before})"
    yield _("Failed jobs"), str(sum(one.failed + one.lost for one in week.work))
    yield _("Stored"), words.size(sum(one.bytes_stored for one in week.capacity.vaults))


def _problems(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    if not week.problems:
        yield paragraph(_("Nothing."))
    for one in week.problems:
        tone = "bad" if one.severity in ("critical", "error") else "fair"
        since = _("since {time}").format(time=words.minute(one.since, zone))
        quiet = ", ".join(part for part in (one.affected, since) if part)
        items = [one.remedy] if one.remedy else []
        yield entry(one.sentence, (tone, said.severity(one.severity)), quiet, items)
    yield _more(len(week.problems), week.problem_count)


def _safety(week: Weekly) -> Iterator[str]:
    things = week.safety.things
    if not things:
        yield paragraph(_("Nothing: all that is to be protected is."))
        return
    heads: list[Cell] = [_("Name"), _("Vault"), _("State"), text_head(_("Why"))]
    rows = [[one.name, one.vault, _state(one), long_text(said.reasons(one))] for one in things]
    yield table(_("At risk or unprotected"), heads, rows)
    yield _more(len(things), week.safety.at_risk + week.safety.unprotected)


def _state(thing: ThingView) -> Cell:
    is_bare = thing.safety == "unprotected"
    text = _("unprotected") if is_bare else _("at risk")
    return judged(text, "bad" if is_bare else "fair")


def _proofs(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    text = _(
        "This week: restores {restores}, drills {drills}, read checks {checks}. A backup that was "
        "never read back proves little."
    )
    proofs = week.proofs
    yield paragraph(
        text.format(restores=proofs.restores, drills=proofs.drills, checks=proofs.read_checks)
    )
    if not proofs.things:
        return
    heads = (_("Name"), _("Vault"), _("Last shown to come back"), _("Proven by"))
    rows = [
        (
            one.name,
            one.vault,
            words.day(one.proven_at, zone) if one.proven_at else _("never"),
            said.proof(one.proven_by) or words.NOTHING,
        )
        for one in proofs.things
    ]
    title = _("Protected, but not proven in {days} days").format(days=proofs.days)
    yield table(title, heads, rows)
    yield _more(len(proofs.things), proofs.unproven)


def _work(week: Weekly) -> Iterator[str]:
    if not week.work:
        yield paragraph(_("No job ended in these two weeks."))
        return
    heads = (
        _("Work"),
        _("Done"),
        _("With warnings"),
        _("Failed"),
        _("Lost"),
        _("Done the week before"),
        _("Failed the week before"),
    )
    rows = [
        (
            said.work(one.kind),
            *map(str, (one.done, one.warnings, one.failed, one.lost)),
            *map(str, (one.good_before, one.bad_before)),
        )
        for one in week.work
    ]
    yield table(_("Jobs that ended"), heads, rows)


def _causes(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    if not week.causes:
        yield paragraph(_("Nothing failed."))
    for one in week.causes:
        quiet = ", ".join(
            part
            for part in (
                said.times(one.count),
                said.machines(one),
                _("last at {time}").format(time=words.minute(one.last_at, zone)),
            )
            if part
        )
        tone = "good" if one.is_over else "bad"
        items = [line for line in (one.sentence, one.remedy) if line]
        yield entry(one.code, (tone, said.cause_state(one)), quiet, items)


def _replications(week: Weekly) -> Iterator[str]:
    if not week.replications:
        yield paragraph(_("Nothing is replicated."))
        return
    heads = (
        _("Machine"),
        _("Site"),
        _("A point every"),
        _("Most behind this week"),
        _("Well"),
        _("Now"),
        _("Behind now"),
    )
    rows: list[Sequence[Cell]] = [
        (
            one.name,
            one.site,
            duration(one.every),
            duration(one.worst_rpo_seconds),
            said.percent(one.well_share),
            judged(*reversed(said.health(one.health))),
            duration(one.rpo_seconds),
        )
        for one in week.replications
    ]
    yield table(_("How far behind replicas were, the worst first"), heads, rows)
    yield _more(len(week.replications), week.replication_count)


def _drills(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    if not week.drills:
        yield paragraph(_("Nothing could be drilled: nothing is replicated."))
        return
    heads = (
        _("Machine"),
        _("Last drill"),
        _("When"),
        _("Time to recover"),
        _("Data lost"),
        _("Due"),
    )
    rows: list[Sequence[Cell]] = [
        (
            one.name,
            judged(*reversed(said.drill(one))),
            words.day(one.at, zone),
            duration(one.seconds_to_up),
            duration(one.rpo_seconds),
            words.day(one.due_at, zone),
        )
        for one in week.drills
    ]
    yield table(_("The last drill of each machine"), heads, rows)


def _growth(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    yield capacity_sections(week.capacity, zone)
    if week.growers:
        heads = (_("Machine"), _("Added by its points"), _("Points"))
        rows = [(one.machine, words.size(one.bytes_added), str(one.points)) for one in week.growers]
        yield table(_("Who added most this week"), heads, rows)


def _acts(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    if not week.acts:
        yield paragraph(_("Nobody deleted data or weakened its protection."))
        return
    items = "".join(
        f"<li>{escape(words.minute(one.at, zone))}: {escape(one.sentence)}</li>"
        for one in week.acts
    )
    yield f"<ul>{items}</ul>"


def _more(shown: int, count: int) -> str:
    text = said.more(shown, count)
    return paragraph(text) if text else ""
