"""One job, live: how far it is, its steps and its log; and what is to be done about it."""

from typing import Any

import msgspec
from nicegui import ui

from holdfast.app.control.job_orders import cancel_job, retry_job
from holdfast.app.control.job_reports import OF_MACHINES
from holdfast.app.control.job_views import JobDetail, JobView
from holdfast.app.control.jobs import show_job
from holdfast.base.texts import N_, _
from holdfast.console import shown
from holdfast.console.asking import confirm, with_pin
from holdfast.console.doctor_report import show_report
from holdfast.console.job_log import JobLog
from holdfast.console.job_parts import as_told, show_error, show_facts, show_result, show_steps
from holdfast.console.job_progress import ProgressBar
from holdfast.console.job_speed import SpeedChart
from holdfast.console.job_words import Speed, about, is_over, kind_text, standing, tone
from holdfast.console.notices import say
from holdfast.console.pages import page
from holdfast.console.visiting import Visit
from holdfast.doctor.report.document import DoctorReport
from holdfast.fleet.jobs import Kind
from holdfast.fleet.roles import Right
from holdfast.server.nudging import nudge

_SECONDS = 2.0


@page("/jobs/{job_id}", title=N_("Job"), section="jobs")
async def job_page(visit: Visit, job_id: str) -> None:
    detail = await visit.ask(show_job, job_id)
    shown.name_tab(_named(detail.job))
    await _Shown(visit, detail).begin()


def _named(job: JobView) -> str:
    act = kind_text(job.kind)
    if not job.machine:
        return act
    return _("{act} of {machine}").format(act=act, machine=job.machine)


class _Shown:
    """What of the page changes is drawn anew when the job has changed, and only then."""

    def __init__(self, visit: Visit, detail: JobDetail) -> None:
        self._visit, self._detail = visit, detail
        self._bar: ProgressBar | None = None
        self._speed = Speed()
        self._chart: SpeedChart | None = None
        self._timer: ui.timer | None = None

    async def begin(self) -> None:
        self._head = ui.element("div").classes("hf-stack")
        self._work = ui.element("div").classes("hf-stack")
        self._wrong = ui.element("div").classes("hf-stack")
        self._result = ui.element("div").classes("hf-stack")
        with ui.element("div").classes("hf-halves"):
            self._facts, self._steps = shown.card(), shown.card()
        with shown.card():
            self._log = JobLog(self._visit, self._detail.job.id)
        self._draw()
        await self._log.refresh()
        if not is_over(self._detail.job):
            self._timer = self._visit.every(_SECONDS, self._look)

    async def _look(self) -> None:
        before, now = self._detail, await self._visit.ask(show_job, self._detail.job.id)
        self._detail = now
        if _standing(before) != _standing(now):
            self._draw()
        else:
            self._redraw(self._steps, self._draw_steps)
            self._show_progress()
        await self._log.refresh()
        if is_over(now.job) and self._timer is not None:
            self._timer.cancel()

    def _draw(self) -> None:
        for place, draw in (
            (self._head, self._draw_head),
            (self._work, self._draw_work),
            (self._wrong, lambda: show_error(self._detail)),
            (self._facts, self._draw_facts),
            (self._steps, self._draw_steps),
            (self._result, self._draw_result),
        ):
            self._redraw(place, draw)

    def _redraw(self, place: ui.element, draw: Any) -> None:
        place.clear()
        with place:
            draw()

    def _draw_head(self) -> None:
        job = self._detail.job
        with ui.element("div").classes("hf-row"):
            shown.chip(standing(job), tone(job.state))
            ui.label(kind_text(job.kind)).classes("hf-strong")
            if job.machine_id:
                shown.link(job.machine or job.machine_id, f"/machines/{job.machine_id}")
            ui.label(about(job)).classes("hf-muted")
            ui.space()
            self._acts(job)

    def _acts(self, job: JobView) -> None:
        if not is_over(job):
            stop = ui.button(_("Cancel the job"), on_click=self._visit.doing(self._cancel))
            stop.props("outline no-caps color=primary")
            stop.set_enabled(
                self._visit.may(Right.CANCEL_JOBS, job.vault_id) and not job.is_cancel_asked
            )
        elif job.machine_id and job.kind in {kind.value for kind in OF_MACHINES}:
            again = ui.button(_("Do it again"), on_click=self._visit.doing(self._retry))
            again.props("unelevated no-caps color=primary")
            again.set_enabled(self._visit.may(Right.RUN_JOBS, job.vault_id))

    def _draw_work(self) -> None:
        self._bar = None
        if self._detail.job.state != "running":
            return
        with shown.card(_("Progress")):
            self._bar = ProgressBar(self._visit, self._detail.job, self._speed)
            self._chart = SpeedChart(self._visit)

    def _show_progress(self) -> None:
        if self._bar is not None and self._chart is not None:
            self._bar.show(self._detail.job)
            self._chart.note(self._speed.rate)

    def _draw_facts(self) -> None:
        shown.heading(_("Facts"))
        show_facts(self._detail, self._visit.plane.clock.now())
        if self._detail.arguments:
            as_told(_("What was asked for"), self._detail.arguments)

    def _draw_steps(self) -> None:
        show_steps(self._detail.steps, self._visit.plane.clock.now())

    def _draw_result(self) -> None:
        result = self._detail.result
        if not result:
            return
        if report := _doctors(self._detail.job, result):
            show_report(self._visit, {report.language: report})
            return
        with shown.card():
            show_result(self._detail.job, result)

    async def _cancel(self) -> None:
        title = _("Cancel this job?")
        text = _("What it has stored so far stays, and the next run goes on from there.")
        if await confirm(title, text, yes=_("Cancel the job")):
            job = await self._visit.ask(cancel_job, self._detail.job.id)
            nudge(job.id)
            say(_("The job was told to stop."))
            await self._look()

    async def _retry(self) -> None:
        job_id = self._detail.job.id
        # What destroyed something does so again.
        made = await with_pin(self._visit, lambda armed: armed.ask(retry_job, job_id))
        if made is not None:
            nudge(made.id)
            ui.navigate.to(f"/jobs/{made.id}")


def _standing(detail: JobDetail) -> tuple[object, ...]:
    """What the whole page depends on."""
    job = detail.job
    return (
        job.state,
        job.is_cancel_asked,
        job.attempts,
        detail.error,
        detail.finding,
        detail.result,
    )


def _doctors(job: JobView, result: dict[str, Any]) -> DoctorReport | None:
    """A report as the doctor of a machine wrote it; one of another version is shown as it is."""
    if job.kind != Kind.DOCTOR:
        return None
    try:
        return msgspec.convert({"event": "doctor-report", **result}, DoctorReport)
    except msgspec.ValidationError:
        return None
