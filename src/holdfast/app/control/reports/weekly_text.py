"""The weekly summary as plain text, for mails and terminals: what needs a person comes first."""

from collections.abc import Iterator
from datetime import tzinfo

from holdfast.app.control.reports import week_words as said
from holdfast.app.control.reports import words
from holdfast.app.control.reports.capacity_text import vault_lines
from holdfast.app.control.reports.week import ReplicationWeek, Weekly
from holdfast.base.korean import with_particles
from holdfast.base.texts import _, language
from holdfast.replication.planner.plan_words import duration

# A mail is read on a telephone.
_FEW = 10


def weekly_text(week: Weekly, *, zone: tzinfo | None) -> str:
    parts = (
        _head(week, zone),
        _problems(week),
        _safety(week),
        _proofs(week, zone),
        _work(week),
        _causes(week),
        _replications(week),
        _drills(week, zone),
        _growth(week, zone),
        _acts(week, zone),
    )
    text = "\n\n".join("\n".join(lines) for part in parts if (lines := list(part)))
    return with_particles(text) if language() == "ko" else text


def _head(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    yield f"{said.title(week)}: {said.verdict(week)[1]}"
    yield f"{words.minute(week.begin, zone)} \N{EN DASH} {words.minute(week.end, zone)}"
    text = _("{protected} protected, {risk} at risk, {bare} unprotected.")
    safety = week.safety
    yield text.format(protected=safety.protected, risk=safety.at_risk, bare=safety.unprotected)


def _problems(week: Weekly) -> Iterator[str]:
    if not week.problems:
        yield _("Nothing is wrong now.")
        return
    yield _("What is wrong now:")
    for one in week.problems[:_FEW]:
        yield f"  [{said.severity(one.severity)}] {one.sentence}"
        if one.affected:
            yield f"    {one.affected}"
        if one.remedy:
            yield f"    {one.remedy}"
    yield from _left(len(week.problems[:_FEW]), week.problem_count)


def _safety(week: Weekly) -> Iterator[str]:
    things = week.safety.things[:_FEW]
    if not things:
        return
    yield _("What would not come back:")
    for one in things:
        yield f"  {one.name}: {said.reasons(one)}"
    yield from _left(len(things), week.safety.at_risk + week.safety.unprotected)


def _proofs(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    proofs = week.proofs
    text = _("Proven in {days} days: {proven} of {all}.")
    yield text.format(days=proofs.days, proven=proofs.proven, all=proofs.proven + proofs.unproven)
    text = _("This week: restores {restores}, drills {drills}, read checks {checks}.")
    yield text.format(restores=proofs.restores, drills=proofs.drills, checks=proofs.read_checks)
    things = proofs.things[:_FEW]
    for one in things:
        last = words.day(one.proven_at, zone) if one.proven_at else _("never")
        yield "  " + _("{name}: last shown to come back: {when}").format(name=one.name, when=last)
    yield from _left(len(things), proofs.unproven)


def _work(week: Weekly) -> Iterator[str]:
    yield _("What was done (the week before):")
    yield "  " + _("Points taken: {count} ({before})").format(
        count=week.points, before=week.points_before
    )
    for one in week.work:
        text = _("{work}: {good} good ({good_before}), {bad} failed ({bad_before})")
        yield "  " + text.format(
            work=said.work(one.kind),
            good=one.done + one.warnings,
            good_before=one.good_before,
            bad=one.failed + one.lost,
            bad_before=one.bad_before,
        )


def _causes(week: Weekly) -> Iterator[str]:
    if not week.causes:
        return
    yield _("What failed, and why:")
    for one in week.causes[:_FEW]:
        yield f"  {one.code}, {said.times(one.count)}, {said.cause_state(one)}: {one.sentence}"
        if one.machines:
            yield f"    {said.machines(one)}"
    yield from _left(len(week.causes[:_FEW]), len(week.causes))


def _replications(week: Weekly) -> Iterator[str]:
    shown = week.replications[:_FEW]
    if not shown:
        return
    yield _("Replicas, the worst first:")
    for one in shown:
        yield f"  {_replica(one)}"
    yield from _left(len(shown), week.replication_count)


def _replica(one: ReplicationWeek) -> str:
    health = said.health(one.health)[1]
    if one.well_share is None:
        text = _("{vm} to {site}: not seen this week, now {health}")
        return text.format(vm=one.name, site=one.site, health=health)
    text = _("{vm} to {site}: well {share} of the time, most behind {worst}, now {health}")
    share, worst = said.percent(one.well_share), duration(one.worst_rpo_seconds)
    return text.format(vm=one.name, site=one.site, share=share, worst=worst, health=health)


def _drills(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    if not week.drills:
        return
    yield _("Drills:")
    for one in week.drills[:_FEW]:
        yield f"  {one.name}: {said.drill(one)[1]} ({words.day(one.at, zone)})"
    yield from _left(len(week.drills[:_FEW]), len(week.drills))


def _growth(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    if not week.capacity.vaults:
        return
    yield _("Growth and room:")
    for one in week.capacity.vaults[:_FEW]:
        for line in vault_lines(one, week.made_at, zone):
            yield f"  {line}"


def _acts(week: Weekly, zone: tzinfo | None) -> Iterator[str]:
    if week.acts:
        yield _("What could have cost data:")
    for one in week.acts:
        yield f"  {words.minute(one.at, zone)}: {one.sentence}"


def _left(shown: int, count: int) -> Iterator[str]:
    text = said.more(shown, count)
    if text:
        yield f"  {text}"
