"""The last seven days as a page: what needs a person comes first, what went well is told too."""

from urllib.parse import urlencode

from nicegui import ui

from holdfast.app.control.overview import ILL
from holdfast.app.control.reports import week_words as said
from holdfast.app.control.reports import words
from holdfast.app.control.reports.week import ThingView, Weekly
from holdfast.app.control.reports.weekly import weekly
from holdfast.app.control.reports.weekly_page import weekly_page as page_of
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.job_lists import JobsAsked
from holdfast.console.pages import page
from holdfast.console.plain_tables import Cell, count_cell, moment_cell, plain_table, time_cell
from holdfast.console.report_parts import TONES, rooms, tools, zone_of
from holdfast.console.visiting import Visit

_WRONG = ["at-risk", "unprotected"]


@page("/reports/weekly", title=N_("Weekly summary"), section="reports")
async def week_page(visit: Visit, vault: str = "") -> None:
    week = await visit.ask(weekly, vault=vault or None)
    await tools(
        visit,
        path="/reports/weekly",
        vault=vault,
        name="holdfast-week",
        make=lambda: page_of(week, zone=zone_of(visit)),
    )
    verdict(visit, week)
    figures(week)
    _problems(week)
    _safety(week)
    _proofs(visit, week)
    _work(week)
    _causes(visit, week)
    _replications(week)
    _drills(visit, week)
    _growth(visit, week)
    _acts(visit, week)


def verdict(visit: Visit, week: Weekly, *, href: str = "") -> None:
    tone, text = said.verdict(week)
    zone = zone_of(visit)
    span = _("{begin} to {end}").format(
        begin=words.minute(week.begin, zone), end=words.minute(week.end, zone)
    )
    with ui.element("section").classes(f"hf-notice hf-verdict hf-{TONES[tone]}"):
        with ui.element("div").classes("hf-verdict-said"):
            ui.label(text).classes("hf-verdict-sentence")
            ui.label(span)
        if href:
            shown.link(_("The whole week"), href).classes("hf-button hf-button-main")


def figures(week: Weekly) -> None:
    safety, proofs = week.safety, week.proofs
    wrong, failed = safety.at_risk + safety.unprotected, _failed(week)
    kept = proofs.proven + proofs.unproven
    points = _("{count} points taken, {before} the week before")
    with ui.element("div").classes("hf-grid"):
        shown.figure(
            _("Protected"),
            str(safety.protected),
            href=_safe(week, safety=["protected"]),
            tone="good" if safety.protected else "idle",
            note=points.format(count=week.points, before=week.points_before),
        )
        shown.figure(
            _("At risk or unprotected"),
            str(wrong),
            href=_safe(week, safety=_WRONG),
            tone="bad" if wrong else "idle",
        )
        shown.figure(
            _("Proven in {days} days").format(days=proofs.days),
            _("{part} of {whole}").format(part=proofs.proven, whole=kept),
            href=_safe(week, proven="false"),
            tone="warn" if proofs.unproven else "good" if kept else "idle",
        )
        shown.figure(
            _("Failed jobs"),
            str(failed),
            href=JobsAsked(states=ILL, vault=week.vault_id or "", is_over=True).href,
            tone="bad" if failed else "idle",
            note=_("{count} the week before").format(
                count=sum(one.bad_before for one in week.work)
            ),
        )


def _safe(week: Weekly, **said: str | list[str]) -> str:
    """The list of those, in the vault that the week is of."""
    vault = {"vault": week.vault_id} if week.vault_id else {}
    return f"/safety?{urlencode({**said, **vault}, doseq=True)}"


def _done(week: Weekly, kind: str) -> str:
    return JobsAsked(kinds=(kind,), vault=week.vault_id or "", is_over=True).href


def _failed(week: Weekly) -> int:
    return sum(one.failed + one.lost for one in week.work)


def _problems(week: Weekly) -> None:
    with shown.card(_("What is wrong now")):
        if not week.problems:
            ui.label(_("Nothing.")).classes("hf-muted")
            return
        for one in week.problems:
            with ui.element("div").classes("hf-problem"):
                with ui.element("div").classes("hf-row"):
                    is_bad = one.severity in ("critical", "error")
                    shown.chip(said.severity(one.severity), "bad" if is_bad else "warn")
                    ui.label(one.affected).classes("hf-muted")
                ui.label(one.sentence).classes("hf-strong")
                if one.remedy:
                    shown.prose(one.remedy)
        _more(len(week.problems), week.problem_count, "/problems")


def _safety(week: Weekly) -> None:
    with shown.card(_("What would not come back")):
        things = week.safety.things
        if not things:
            ui.label(_("Nothing: all that is to be protected is.")).classes("hf-muted")
            return
        head = [_("Name"), _("Vault"), _("State"), _("Why")]
        plain_table(
            "at-risk",
            head,
            [
                [_named(one), Cell(one.vault), _state(one), Cell(said.reasons(one))]
                for one in things
            ],
        )
        count = week.safety.at_risk + week.safety.unprotected
        _more(len(things), count, _safe(week, safety=_WRONG))


def _named(one: ThingView) -> Cell:
    return Cell(one.name, href=f"/machines/{one.id}" if one.kind == "machine" else None)


def _state(one: ThingView) -> Cell:
    if one.safety == "unprotected":
        return Cell(_("Unprotected"), tone="bad")
    return Cell(_("At risk"), tone="warn")


def _proofs(visit: Visit, week: Weekly) -> None:
    proofs = week.proofs
    with shown.card(_("What is proven")):
        text = _("This week: restores {restores}, drills {drills}, read checks {checks}.")
        ui.label(
            text.format(restores=proofs.restores, drills=proofs.drills, checks=proofs.read_checks)
        )
        if not proofs.things:
            return
        head = [
            _("Not proven in {days} days").format(days=proofs.days),
            _("Vault"),
            _("Last"),
            _("Proven by"),
        ]
        rows = [
            [
                _named(one),
                Cell(one.vault),
                _proven(visit, one),
                Cell(said.proof(one.proven_by) or words.NOTHING),
            ]
            for one in proofs.things
        ]
        plain_table("not-proven", head, rows)
        _more(len(proofs.things), proofs.unproven, _safe(week, proven="false"))


def _proven(visit: Visit, one: ThingView) -> Cell:
    if one.proven_at is None:
        return Cell(_("not yet"))
    return moment_cell(one.proven_at, words.day(one.proven_at, zone_of(visit)))


def _work(week: Weekly) -> None:
    with shown.card(_("What was done")):
        if not week.work:
            ui.label(_("No job ended in these two weeks.")).classes("hf-muted")
            return
        head = [
            _("Work"),
            _("Done"),
            _("With warnings"),
            _("Failed"),
            _("Done the week before"),
            _("Failed the week before"),
        ]
        rows = [
            [
                Cell(said.work(one.kind), href=_done(week, one.kind)),
                *_numbers(one.done, one.warnings, one.failed + one.lost),
                *_numbers(one.good_before, one.bad_before),
            ]
            for one in week.work
        ]
        plain_table("work", head, rows)


def _numbers(*counts: int) -> list[Cell]:
    return [count_cell(count) for count in counts]


def _causes(visit: Visit, week: Weekly) -> None:
    with shown.card(_("What failed, and why")):
        if not week.causes:
            ui.label(_("Nothing failed.")).classes("hf-muted")
            return
        for one in week.causes:
            with ui.element("div").classes("hf-problem"):
                with ui.element("div").classes("hf-row"):
                    shown.chip(said.cause_state(one), "good" if one.is_over else "bad")
                    shown.link(one.code, f"/doctor?code={one.code}")
                    last = words.minute(one.last_at, zone_of(visit))
                    times = said.times(one.count)
                    ui.label(_("{times}, last at {time}").format(times=times, time=last)).classes(
                        "hf-muted"
                    )
                ui.label(one.sentence).classes("hf-strong")
                if one.remedy:
                    shown.prose(one.remedy)
                if one.machines:
                    ui.label(said.machines(one)).classes("hf-muted")


def _replications(week: Weekly) -> None:
    if not week.replications:
        return
    head = [_("Machine"), _("Site"), _("A point every"), _("Most behind"), _("Well"), _("Now")]
    with shown.card(_("Replication")):
        rows = [
            [
                Cell(one.name, href=f"/replications/{one.id}"),
                Cell(one.site),
                time_cell(one.every),
                time_cell(one.worst_rpo_seconds),
                Cell(said.percent(one.well_share), is_number=True, value=one.well_share),
                Cell(said.health(one.health)[1], tone=TONES[said.health(one.health)[0]]),
            ]
            for one in week.replications
        ]
        plain_table("replication", head, rows)
        _more(len(week.replications), week.replication_count, "/replications")


def _drills(visit: Visit, week: Weekly) -> None:
    if not week.drills:
        return
    zone = zone_of(visit)
    head = [_("Machine"), _("Last drill"), _("When"), _("Time to recover"), _("Due")]
    with shown.card(_("Drills")):
        rows = [
            [
                Cell(one.name),
                Cell(said.drill(one)[1], tone=TONES[said.drill(one)[0]]),
                moment_cell(one.at, words.day(one.at, zone)),
                time_cell(one.seconds_to_up),
                moment_cell(one.due_at, words.day(one.due_at, zone)),
            ]
            for one in week.drills
        ]
        plain_table("drills", head, rows)
        shown.link(_("All drills and their reports"), "/drills")


def _growth(visit: Visit, week: Weekly) -> None:
    with shown.card(_("Growth and room")):
        if week.capacity.vaults:
            rooms(visit, week.capacity)
        if week.growers:
            head = [_("Added most this week"), _("Bytes"), _("Points")]
            rows = [
                [
                    Cell(one.machine, href=f"/machines/{one.machine_id}"),
                    Cell(words.size(one.bytes_added), is_number=True, value=one.bytes_added),
                    count_cell(one.points),
                ]
                for one in week.growers
            ]
            plain_table("growth", head, rows)


def _acts(visit: Visit, week: Weekly) -> None:
    with shown.card(_("What could have cost data")):
        if not week.acts:
            ui.label(_("Nobody deleted data or weakened its protection.")).classes("hf-muted")
            return
        with ui.element("ul").classes("hf-list"):
            for one in week.acts:
                with ui.element("li"):
                    ui.label(f"{words.minute(one.at, zone_of(visit))}: {one.sentence}")


def _more(count: int, total: int, href: str) -> None:
    text = said.more(count, total)
    if text:
        shown.link(text, href)
