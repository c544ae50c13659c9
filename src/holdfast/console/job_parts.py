"""The parts of a job's page: its facts, its steps, what went wrong, what came of it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from nicegui import ui

from holdfast.app.control.job_views import JobDetail, JobView, StepView
from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.console import shown
from holdfast.console.job_words import about, begun_by, standing, took
from holdfast.console.shown import Tone
from holdfast.fleet.jobs import Kind, StepState

_STEP_STATES: Mapping[str, str] = {
    StepState.WAITING: N_("waiting"),
    StepState.RUNNING: N_("running"),
    StepState.DONE: N_("done"),
    StepState.FAILED: N_("failed"),
    StepState.SKIPPED: N_("left out"),
}
_STEP_TONES: Mapping[str, Tone] = {
    StepState.RUNNING: "busy",
    StepState.DONE: "good",
    StepState.FAILED: "bad",
}
# What a result tells in words of its own; the rest stands in it as the API has it.
_RESULTS: Mapping[str, str] = {
    "point": N_("Recovery point"),
    "files": N_("Files"),
    "files_new": N_("New files"),
    "files_changed": N_("Changed files"),
    "files_unmodified": N_("Unchanged files"),
    "files_total": N_("Files in all"),
    "bytes_total": N_("Size of everything"),
    "bytes_added": N_("Added"),
    "bytes_stored": N_("Stored, compressed"),
    "bytes_written": N_("Written"),
    "bytes_verified": N_("Compared with the point"),
    "bytes_read": N_("Read"),
    "bytes_freed": N_("Freed"),
    "points": N_("Recovery points"),
    "findings": N_("Findings"),
    "losses": N_("Losses"),
    "skipped": N_("Left out"),
    "problems": N_("Problems"),
    "target": N_("Where to"),
    "seconds": N_("Took"),
}


def show_facts(detail: JobDetail, now: datetime) -> None:
    job = detail.job
    rows = [
        (_("State"), standing(job)),
        (_("About"), about(job)),
        (_("Begun by"), begun_by(job)),
        (_("Asked for"), shown.when(job.created_at)),
        (_("Started"), shown.when(job.started_at) if job.started_at else ""),
        (_("Ended"), shown.when(job.ended_at) if job.ended_at else ""),
        (_("Took"), shown.duration(took(job, now)) if job.started_at else ""),
        (_("Tries"), str(job.attempts) if job.attempts > 1 else ""),
        (_("Id"), job.id),
    ]
    shown.facts([row for row in rows if row[1]])


def show_steps(steps: Sequence[StepView], now: datetime) -> None:
    """In their order; each with how it stands and how long it took."""
    shown.heading(_("Steps"))
    if not steps:
        ui.label(_("No step was told of yet.")).classes("hf-muted")
        return
    with ui.element("ol").classes("hf-list"):
        for step in steps:
            with ui.element("li"):
                with ui.element("div").classes("hf-row"):
                    state = _STEP_STATES.get(step.state)
                    shown.chip(
                        _(state) if state else step.state, _STEP_TONES.get(step.state, "idle")
                    )
                    ui.label(step.name).classes("hf-strong")
                    ui.label(_step_took(step, now)).classes("hf-muted")
                if said := step.detail.get("said"):
                    ui.label(str(said)).classes("hf-muted hf-pre")


def show_error(detail: JobDetail) -> None:
    """What lies under it first: that is what is to be mended."""
    if detail.finding:
        _finding(detail.finding)
    if detail.error:
        _error(detail.error)


def show_result(job: JobView, result: Mapping[str, Any]) -> None:
    shown.heading(_("What came of it"))
    rows = [
        (_(_RESULTS[name]), _value(name, value), _place(job, name, value))
        for name, value in result.items()
        if name in _RESULTS and value not in (None, "")
    ]
    shown.facts(rows)
    as_told(_("All of it, as the API tells it"), result)


def as_told(title: str, told: Mapping[str, Any]) -> None:
    with ui.expansion(title).classes("hf-figures-of"):
        text = ui.element("pre").classes("hf-log").props("tabindex=0 role=region")
        text.props["aria-label"] = title
        text._text = json.dumps(told, ensure_ascii=False, indent=1, default=str)  # noqa: SLF001


def doctor_link(asked: str) -> str:
    return f"/doctor?code={quote(asked, safe='')}"


def _finding(finding: Mapping[str, Any]) -> None:
    code = str(finding.get("code", ""))
    with ui.element("section").classes("hf-notice hf-warn"):
        shown.heading(_("What the doctor found"))
        ui.label(str(finding.get("sentence") or finding.get("cause") or code)).classes("hf-strong")
        if code:
            shown.link(
                _("What it means and what to do: {code}").format(code=code), doctor_link(code)
            )


def _error(error: Mapping[str, Any]) -> None:
    code = str(error.get("code", ""))
    with ui.element("section").classes("hf-notice hf-bad"):
        shown.heading(_("Why it did not work"))
        ui.label(str(error.get("message") or code)).classes("hf-strong hf-pre")
        if remedy := error.get("remedy"):
            shown.prose(str(remedy)).classes("hf-pre")
        ui.label(code).classes("hf-code")


def _step_took(step: StepView, now: datetime) -> str:
    if step.started_at is None:
        return ""
    return shown.duration(((step.ended_at or now) - step.started_at).total_seconds())


def _place(job: JobView, name: str, value: Any) -> str:
    """Of the point that was made; one that was read may be another machine's."""
    is_made = name == "point" and job.kind == Kind.BACKUP and job.machine_id
    return f"/points/{job.machine_id}/{value}" if is_made else ""


def _value(name: str, value: Any) -> str:
    if name.startswith("bytes_") and isinstance(value, int | float):
        return format_size(value)
    if name == "seconds" and isinstance(value, int | float):
        return shown.duration(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
