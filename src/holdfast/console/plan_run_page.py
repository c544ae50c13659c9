"""A run of a recovery plan, live: its steps, what it asks of people, and how long each part took."""

from nicegui import ui

from holdfast.app.control.job_orders import cancel_job
from holdfast.app.control.plan_run_views import (
    PlanRunDetail,
    RunFigure,
    RunQuestion,
    RunStep,
    show_plan_report,
    show_plan_run,
)
from holdfast.app.control.plan_runs import answer, resume_run
from holdfast.base.texts import N_, _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.asking import confirm
from holdfast.console.job_words import who_text
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.panels import Panel, acting
from holdfast.console.plain_tables import Cell, plain_table, time_cell
from holdfast.console.plans_page import kind_text
from holdfast.console.step_list import StepShown, show_steps
from holdfast.console.thing_words import tone, word
from holdfast.console.visiting import Visit
from holdfast.fleet.roles import Right
from holdfast.server.nudging import nudge

_EVERY = 2.0
_DECISIONS = {
    "yes": N_("Yes, go on"),
    "no": N_("No, stop here"),
    "again": N_("Try again"),
    "go-on": N_("Go on without it"),
    "stop": N_("Stop the run"),
}
_RESUMABLE = ("stopped", "with-failures", "cancelled")


@page("/plan-runs/{job_id}", title=N_("Run of a recovery plan"), section="plans")
async def plan_run_page(visit: Visit, job_id: str) -> None:
    async def load() -> PlanRunDetail:
        return await visit.ask(show_plan_run, job_id)

    panel = Panel(load, lambda detail: _draw(visit, detail))
    await panel.refresh()
    visit.every(_EVERY, panel.refresh)


def _draw(visit: Visit, detail: PlanRunDetail) -> None:
    _head(visit, detail)
    for question in detail.questions:
        _question(visit, detail, question)
    _figures(visit, detail)
    with shown.card(_("Steps"), place="steps"):
        for part in dict.fromkeys(map(_part, detail.steps)):
            shown.heading(part, 3)
            steps = [step for step in detail.steps if _part(step) == part]
            show_steps([_shown(one) for one in steps])
    _times(detail)


def _part(step: RunStep) -> str:
    """Its group; what a test ends with comes after all of them."""
    return _("The end of the test") if step.doing in ("hold", "clean-up") else step.group


def _head(visit: Visit, detail: PlanRunDetail) -> None:
    run = detail.run
    with ui.element("div").classes("hf-row"):
        shown.subject(f"{run.plan}: {kind_text(run)}")
        shown.chip(word(words.OUTCOME, run.outcome), tone(words.OUTCOME, run.outcome) or "idle")
        ui.label(
            _("begun {when} by {who}").format(when=shown.when(run.begun_at), who=who_text(run.who))
        ).classes("hf-muted")
        ui.space()
        if not run.outcome:
            cancel = _button(visit, _("Cancel the run"), lambda: _cancel(visit, detail))
            cancel.set_enabled(visit.may(Right.CANCEL_JOBS, run.vault_id))
        elif run.outcome in _RESUMABLE:
            again = _button(visit, _("Go on with what failed"), lambda: _resume(visit, detail))
            again.set_enabled(visit.may(Right.RUN_JOBS, run.vault_id))
        _button(visit, _("Report"), lambda: _report(visit, detail))
        shown.link(_("The job"), f"/jobs/{run.id}")
    if run.resumes:
        shown.link(_("It goes on from an earlier run"), f"/plan-runs/{run.resumes}")


def _button(visit: Visit, text: str, act: "object") -> ui.button:
    made = ui.button(text, on_click=acting(visit, act))  # type: ignore[arg-type]  # a lambda that awaits
    return made.props("outline no-caps color=primary")


async def _cancel(visit: Visit, detail: PlanRunDetail) -> None:
    agreed = await confirm(
        _("Cancel the run?"),
        _("Nothing new begins; what is under way comes to its end, and tests are cleaned up."),
        yes=_("Cancel the run"),
        is_dangerous=True,
    )
    if agreed:
        await visit.ask(cancel_job, detail.run.id)
        say(_("It ends as soon as what is under way has ended."))


async def _resume(visit: Visit, detail: PlanRunDetail) -> None:
    made = await visit.ask(resume_run, detail.run.id)
    nudge(made.id)
    ui.navigate.to(f"/plan-runs/{made.id}")


async def _report(visit: Visit, detail: PlanRunDetail) -> None:
    made = await visit.ask(show_plan_report, detail.run.id)
    name = f"plan-{detail.run.plan}-{detail.run.begun_at:%Y-%m-%d}.html"
    ui.download.content(made.encode(), name)


def _question(visit: Visit, detail: PlanRunDetail, question: RunQuestion) -> None:
    colour = "hf-bad" if question.is_about_failure else "hf-warn"
    with ui.element("section").classes(f"hf-notice {colour}").props("role=alert"):
        ui.label(_("A person is asked")).classes("hf-strong")
        ui.label(question.text)
        if question.question:
            ui.label(question.question).classes("hf-strong hf-pre")
        with ui.element("div").classes("hf-row"):
            for decision in question.answers:
                _answer(visit, detail, question, decision)


def _answer(visit: Visit, detail: PlanRunDetail, question: RunQuestion, decision: str) -> None:
    async def say_it() -> None:
        await visit.ask(answer, detail.run.id, step=question.step, decision=decision)
        say(_("Said: {decision}. The run hears it within seconds.").format(decision=text))

    text = _(_DECISIONS[decision])
    made = ui.button(text, on_click=acting(visit, say_it))
    is_main = decision in ("yes", "again")
    made.props(f"no-caps {'unelevated' if is_main else 'outline'} color=primary")
    made.set_enabled(visit.may(Right.RUN_JOBS, detail.run.vault_id))


def _figures(visit: Visit, detail: PlanRunDetail) -> None:
    run, whole = detail.run, detail.whole
    took = ((run.ended_at or visit.plane.clock.now()) - run.begun_at).total_seconds()
    with ui.element("div").classes("hf-grid").style(words.FIGURES):
        shown.figure(_("Steps done"), f"{run.done} / {run.total}", href="#steps")
        colour: shown.Tone = "bad" if run.failed else "good"
        shown.figure(_("Failed"), str(run.failed), tone=colour, href="#steps")
        if run.outcome:
            shown.figure(_("Took"), shown.duration(took), href="#times")
        if whole.objective:
            is_over = bool(run.outcome) or whole.since_begin is not None
            tones: dict[bool | None, shown.Tone] = {True: "good", False: "bad", None: "idle"}
            shown.figure(
                _("All up within"),
                shown.duration(whole.since_begin),
                href="#times",
                tone=tones[whole.is_met if is_over else None],
                note=_("promised: {time}").format(time=shown.duration(whole.objective)),
            )


def _shown(step: RunStep) -> StepShown:
    said = []
    if step.networks:
        said.append(_("networks: {networks}").format(networks="; ".join(step.networks)))
    if step.addresses:
        said.append(_("addresses: {addresses}").format(addresses="; ".join(step.addresses)))
    if step.said:
        said.append(step.said)
    if step.decision:
        said.append(
            _("{decision}, said {who}").format(
                decision=_(_DECISIONS[step.decision]), who=who_text(step.decided_by)
            )
        )
    return StepShown(
        text=step.text,
        state=step.state,
        began_at=step.began_at,
        ended_at=step.ended_at,
        said="\n".join(said),
        error=step.error,
        href=f"/jobs/{step.job}" if step.job else "",
    )


def _times(detail: PlanRunDetail) -> None:
    head = (
        _("Part"),
        _("Promised"),
        _("Until it was up"),
        _("Its own work"),
        _("Asking people"),
        _("Kept"),
    )
    with shown.card(_("How long it took"), place="times"):
        jobs = {one.machine: one.job for one in detail.steps if one.doing == "start" and one.job}
        rows = [_row(one, "#steps") for one in detail.groups]
        rows += [_row(one, _job_page(jobs.get(one.name))) for one in detail.machines]
        plain_table("times", head, rows)


def _job_page(job: str | None) -> str | None:
    """None: no host was told to start it."""
    return f"/jobs/{job}" if job else None


def _row(one: RunFigure, href: str | None) -> list[Cell]:
    kept = {True: _("yes"), False: _("no"), None: "-"}[one.is_met]
    times = (one.objective, one.since_begin, one.took, one.asking or None)
    return [
        Cell(one.name, href),
        *(time_cell(each) for each in times),
        Cell(kept),
    ]
