"""How jobs are told: one line each, or everything about one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast.app.jobs_view import part_of
from holdfast.base.texts import N_, _, ngettext
from holdfast.base.units import format_duration, format_size
from holdfast.cli import json_events, shown
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from holdfast.app.jobs_view import Detail, Job, Line
    from holdfast.fleet.messages import Step

_STATES = {
    "waiting": N_("waiting"),
    "running": N_("running"),
    "done": N_("done"),
    "warnings": N_("done, with warnings"),
    "failed": N_("failed"),
    "damage": N_("damage found"),
    "cancelled": N_("cancelled"),
    "skipped": N_("left out"),
    "lost": N_("lost sight of"),
}
_SIGNS = {"done": "✓", "failed": "✗", "running": "▸", "skipped": "-"}
_BAR = 30
_MOST_SOURCE = 40


def tell_jobs(out: Output, jobs: "Sequence[Job]", now: datetime) -> None:
    head = (
        *(_("Job"), _("State"), _("Kind"), _("Machine"), _("Since")),
        *(_("Took"), _("Progress"), _("About")),
    )
    lines = shown.table([head, *(_row(job, now) for job in jobs)])
    if jobs:
        out.remark(lines[0])
    for job, line in zip(jobs, lines[1:], strict=True):
        out.show(job_event(job), line)
    count = ngettext("{count} job", "{count} jobs", len(jobs)).format(count=f"{len(jobs):,}")
    out.remark(count)


def tell_job(out: Output, detail: "Detail", lines: "Sequence[Line]", now: datetime) -> None:
    text = [*_facts(detail, now), *_steps(detail.steps, now), *_bar(detail.job.progress)]
    text += [line_text(line) for line in lines]
    text += [*_error(detail.error), *_finding(detail.finding)]
    out.show(detail_event(detail, lines), *text)


def tell_line(out: Output, job_id: str, line: "Line") -> None:
    out.show(line_event(job_id, line), line_text(line))


def tell_state(out: Output, job: "Job", now: datetime) -> None:
    """A line for whoever follows a job."""
    took = job.seconds(now)
    parts = [state_text(job), percent(job.progress), format_duration(took) if took else ""]
    out.show(job_event(job), f"{job.id}  {' · '.join(filter(None, parts))}")


def state_text(job: "Job") -> str:
    text = _(_STATES[job.state]) if job.state in _STATES else shown.line(job.state)
    if job.is_cancel_asked and not job.is_over:
        return _("{state}, to be cancelled").format(state=text)
    return text


def percent(progress: Mapping[str, Any]) -> str:
    part = part_of(progress)
    return "" if part is None else f"{part:.0%}"


def line_text(line: "Line") -> str:
    level = "" if line.level == "info" else f"{shown.line(line.level)}: "
    return f"{line.at.astimezone():%H:%M:%S}  {level}{shown.line(line.text)}"


def job_event(job: "Job") -> json_events.Job:
    return json_events.Job(
        id=job.id,
        kind=job.kind,
        state=job.state,
        machine=job.machine,
        machine_id=job.machine_id,
        source=encodable(job.source),
        about=encodable(job.about),
        origin=job.origin,
        asked_by=job.asked_by,
        created=job.created_at.isoformat(),
        started=job.started_at.isoformat() if job.started_at else None,
        ended=job.ended_at.isoformat() if job.ended_at else None,
        cancel_asked=job.is_cancel_asked,
        attempts=job.attempts,
        progress=job.progress,
        error=job.error_code,
    )


def line_event(job_id: str, line: "Line") -> json_events.JobLine:
    return json_events.JobLine(
        job=job_id, time=line.at.isoformat(), level=line.level, text=encodable(line.text)
    )


def detail_event(detail: "Detail", lines: "Iterable[Line]") -> json_events.JobDetail:
    return json_events.JobDetail(
        job=job_event(detail.job),
        arguments=detail.arguments,
        steps=[
            json_events.JobStep(
                number=step.number,
                name=step.name,
                state=step.state,
                started=step.started_at.isoformat() if step.started_at else None,
                ended=step.ended_at.isoformat() if step.ended_at else None,
                detail=step.detail,
            )
            for step in detail.steps
        ],
        lines=[line_event(detail.job.id, line) for line in lines],
        result=detail.result,
        error=detail.error,
        finding=detail.finding,
    )


def _row(job: "Job", now: datetime) -> tuple[str, ...]:
    took = job.seconds(now)
    return (
        job.id,
        state_text(job),
        job.kind,
        shown.line(job.machine or ""),
        shown.moment(job.started_at or job.created_at),
        format_duration(took) if took is not None else "",
        "" if job.is_over else percent(job.progress),
        shown.line(job.error_code or job.about or job.source)[:_MOST_SOURCE],
    )


def _facts(detail: "Detail", now: datetime) -> list[str]:
    job, took = detail.job, detail.job.seconds(now)
    rows = [
        (_("Job"), job.id),
        (_("State"), state_text(job)),
        (_("Kind"), job.kind),
        (_("Machine"), shown.line(job.machine or "")),
        (_("About"), shown.line(job.about or job.source)),
        (_("Begun by"), shown.line(job.asked_by or job.origin)),
        (_("Since"), shown.moment(job.created_at)),
        (_("Started"), shown.moment(job.started_at) if job.started_at else ""),
        (_("Ended"), shown.moment(job.ended_at) if job.ended_at else ""),
        (_("Took"), format_duration(took) if took is not None else ""),
        (_("Tries"), str(job.attempts) if job.attempts > 1 else ""),
    ]
    return shown.table([row for row in rows if row[1]])


def _steps(steps: "Sequence[Step]", now: datetime) -> list[str]:
    return shown.table(
        [("  ", _SIGNS.get(s.state, "·"), s.name, _took(s, now), _said(s)) for s in steps]
    )


def _said(step: "Step") -> str:
    return shown.line(str(step.detail.get("said", "")))


def _took(step: "Step", now: datetime) -> str:
    if step.started_at is None:
        return ""
    return format_duration(((step.ended_at or now) - step.started_at).total_seconds())


def _bar(progress: Mapping[str, Any]) -> list[str]:
    part = part_of(progress)
    if part is None:
        return []
    full = round(part * _BAR)
    done, total = progress.get("bytes_done"), progress.get("bytes_total")
    sizes = f"  {format_size(done)} / {format_size(total)}" if done and total else ""
    return [f"  [{'#' * full}{'.' * (_BAR - full)}] {part:.0%}{sizes}"]


def _error(error: Mapping[str, Any] | None) -> list[str]:
    if not error:
        return []
    message, remedy = str(error.get("message", "")), str(error.get("remedy", ""))
    codes = ", ".join(map(str, [error.get("code", ""), *(error.get("source_codes") or ())]))
    lines = [_("Error: {message}").format(message=shown.line(message))]
    return [*lines, *([f"  → {shown.line(remedy)}"] if remedy else []), f"  {shown.line(codes)}"]


def _finding(finding: Mapping[str, Any] | None) -> list[str]:
    if not finding:
        return []
    sentence, code = str(finding.get("sentence", "")), str(finding.get("code", ""))
    text = _("The doctor: {sentence} ({code})")
    return [text.format(sentence=shown.line(sentence), code=shown.line(code))]
