"""The run of a plan as one page that needs nothing else. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from holdfast.base.texts import _
from holdfast.recovery.drills.page_parts import pairs, section, table, whole_page
from holdfast.recovery.drills.wording import moment_text, seconds_text
from holdfast.recovery.plans.measuring import Figures, Measured, measure
from holdfast.recovery.plans.plan import Plan
from holdfast.recovery.plans.progress import Outcome, Progress, StepProgress
from holdfast.recovery.plans.steps import Doing, Step, told_steps
from holdfast.recovery.plans.texts import kind_text, outcome_text, state_text, step_text

_CLASSES = {
    Outcome.SUCCEEDED: "passed",
    Outcome.WITH_FAILURES: "failed",
    Outcome.STOPPED: "failed",
    Outcome.CANCELLED: "objective-missed",
    None: "running",
}


def html_report(plan: Plan, progress: Progress) -> str:
    figures = measure(plan, progress)
    title = escape(_("Run of the plan {name}").format(name=plan.name))
    begun = progress.steps
    steps = told_steps(plan, progress.kind, keep=progress.keep, begun=begun)
    body = (
        _head(plan, progress, title),
        section(_("What was run"), pairs(_facts(plan, progress))),
        section(_("How long it took"), table(_times_head(), list(_times(figures)))),
        section(_("Machines"), table(_machines_head(), list(_machines(steps, progress)))),
        section(_("Checks"), _checks(steps, progress)),
        section(_("Steps"), table(_steps_head(), list(_steps(steps, progress)))),
        f'<p class="sub"><code>{escape(progress.run)}</code> · Holdfast</p>',
    )
    return whole_page(title, "\n".join(part for part in body if part))


def _head(plan: Plan, progress: Progress, title: str) -> str:
    verdict = escape(outcome_text(progress.outcome))
    said = f"<p>{escape(plan.description)}</p>" if plan.description else ""
    return (
        f'<h1>{title}</h1>\n<p class="sub">{escape(moment_text(progress.begun_at))}</p>\n'
        f'<p><span class="verdict {_CLASSES[progress.outcome]}">{verdict}</span></p>\n{said}'
    )


def _facts(plan: Plan, progress: Progress) -> Iterator[tuple[str, str]]:
    yield _("Kind"), kind_text(progress.kind)
    yield _("Begun by"), progress.who or "-"
    yield _("Ended"), moment_text(progress.ended_at)
    yield _("Machines"), str(len(plan.machines))
    if progress.cancelled_by:
        yield _("Cancelled by"), progress.cancelled_by


def _times_head() -> tuple[str, ...]:
    return ("", _("Promised (RTO)"), _("Until it was up"), _("Its own work"), _("Asking"), "")


def _times(figures: Figures) -> Iterator[tuple[str, ...]]:
    for each in (figures.whole, *figures.groups, *figures.machines):
        yield (
            each.name,
            seconds_text(each.objective),
            seconds_text(each.since_begin),
            seconds_text(each.own),
            seconds_text(each.asking or None),
            _sign(each),
        )


def _sign(measured: Measured) -> str:
    return {None: "-", True: "✓", False: "✗"}[measured.is_met]


def _machines_head() -> tuple[str, ...]:
    return (_("Machine"), _("State"), _("Started as"), _("Point"), _("As it was at"))


def _machines(steps: Sequence[Step], progress: Progress) -> Iterator[tuple[str, ...]]:
    for step in steps:
        if step.doing is Doing.START:
            at = progress.steps.get(step.id)
            found = at.found if at else {}
            name, point = (str(found.get(key) or "-") for key in ("name", "point"))
            state = state_text(at.state if at else None)
            yield (step.machine, state, name, point, _moment(found.get("point_time")))


def _moment(told: str | None) -> str:
    return moment_text(datetime.fromisoformat(told) if told else None)


def _checks(steps: Sequence[Step], progress: Progress) -> str:
    rows = [
        (step.machine, "✓" if check["is_good"] else "✗", check["text"], check.get("said", ""))
        for step in steps
        if (at := progress.steps.get(step.id)) is not None
        for check in at.found.get("checks", ())
    ]
    return table((_("Machine"), "", _("Check"), _("What was seen")), rows) if rows else ""


def _steps_head() -> tuple[str, ...]:
    return (_("Group"), _("Step"), _("State"), _("Time"), _("What was said"))


def _steps(steps: Sequence[Step], progress: Progress) -> Iterator[tuple[str, ...]]:
    for step in steps:
        at = progress.steps.get(step.id)
        state = state_text(at.state if at else None)
        yield (step.group, step_text(step), state, seconds_text(_took(at)), _said(at))


def _took(at: StepProgress | None) -> float | None:
    return (at.ended_at - at.began_at).total_seconds() if at and at.ended_at else None


def _said(at: StepProgress | None) -> str:
    if at is None:
        return ""
    by = f" ({at.decided_by})" if at.decided_by else ""
    code = f" [{at.error}]" if at.error else ""
    return f"{at.said}{code}{by}"
