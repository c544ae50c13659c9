"""A bar of how far a job is, with how fast it goes; drawn once, then kept up to date in place."""

from nicegui import ui

from holdfast.app.control.job_views import JobView
from holdfast.app.jobs_view import part_of
from holdfast.base.texts import _
from holdfast.console.job_words import Speed, done_text
from holdfast.console.visiting import Visit


class ProgressBar:
    """Where nobody knows how much there is to do, the bar says only that something is done."""

    def __init__(self, visit: Visit, job: JobView, speed: Speed | None = None) -> None:
        self._visit, self._speed = visit, speed or Speed()
        with ui.element("div").classes("hf-stack hf-progress"):
            with ui.row().classes("hf-row justify-between w-full no-wrap"):
                self._done = ui.label().classes("hf-muted")
                self._part = ui.label().classes("hf-strong")
            self._bar = ui.linear_progress(value=0, show_value=False, size="8px").props("rounded")
            self._bar.props["aria-label"] = _("Progress")
            self._rate = ui.label().classes("hf-muted")
        self.show(job)

    def show(self, job: JobView) -> None:
        self._speed.note(self._visit.plane.clock.now(), job.progress)
        part = part_of(job.progress)
        self._done.set_text(done_text(job.progress) or _("begun"))
        self._part.set_text("" if part is None else f"{part:.0%}")
        self._rate.set_text(self._speed.text(job.progress))
        self._bar.set_value(part or 0)
        self._bar.props.set_bool("indeterminate", part is None)
        self._bar.update()
