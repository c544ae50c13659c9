"""Plans and their runs, as lines for people and for programs."""

from typing import TYPE_CHECKING

from holdfast.base.errors import Exit
from holdfast.base.texts import _, ngettext
from holdfast.cli import shown
from holdfast.cli.json_plans import (
    PlanMachine,
    PlanQuestion,
    PlanRun,
    PlanScript,
    PlanShown,
    PlanStep,
)
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from holdfast.app.plan_running import Running
    from holdfast.app.plans import MachineLook, PlanSeen
    from holdfast.base.errors import HoldfastError
    from holdfast.cli.run import Run
    from holdfast.recovery.plans.engine import Question
    from holdfast.recovery.plans.measuring import Figures, Measured
    from holdfast.recovery.plans.plan import Plan
    from holdfast.recovery.plans.progress import Progress, StepProgress
    from holdfast.recovery.plans.steps import Step

_SIGNS = {"running": "…", "done": "✓", "already": "✓", "failed": "✗", "skipped": "-"}


def counted(plan: "Plan") -> str:
    groups, machines = len(plan.groups), len(plan.machines)
    of_machines = ngettext("{count} machine", "{count} machines", machines).format(count=machines)
    of_groups = ngettext("{count} group", "{count} groups", groups).format(count=groups)
    return f"{of_machines}, {of_groups}"


def tell_plans(run: "Run") -> tuple[int, int]:
    """How many there are, and the exit status."""
    from holdfast.app.plans import list_plans

    wrong: list[HoldfastError] = []
    seen = list_plans(run.session, wrong.append)
    for one in seen:
        tell_plan(run.out, one, is_whole=False)
    for err in wrong:
        run.out.warning(f"{err}. {err.advice}")
    return len(seen) + len(wrong), Exit.WARNINGS if wrong else Exit.FINE


def tell_plan(out: Output, seen: "PlanSeen", *, is_whole: bool) -> None:
    import msgspec

    from holdfast.recovery.plans.texts import kind_text, outcome_text

    newest = seen.newest.progress if seen.newest else None
    event = PlanShown(
        plan=seen.plan.name,
        description=encodable(seen.plan.description),
        groups=len(seen.plan.groups),
        machines=len(seen.plan.machines),
        rto_objective_seconds=seen.plan.rto,
        content=msgspec.to_builtins(seen.plan) if is_whole else None,
        last_run=newest.run if newest else None,
        last_kind=newest.kind.value if newest else None,
        last_outcome=newest.outcome.value if newest and newest.outcome else None,
        last_at=newest.begun_at.isoformat() if newest else None,
    )
    last = _("never run")
    if newest is not None:
        last = f"{newest.run}, {kind_text(newest.kind)}: {outcome_text(newest.outcome)}"
    lines = [f"{shown.line(seen.plan.name)}: {counted(seen.plan)}; {last}"]
    if is_whole and seen.plan.description:
        lines.append(f"  {shown.line(seen.plan.description)}")
    out.show(event, *lines)


def tell_steps_to_come(out: Output, plan: "Plan", steps: "tuple[Step, ...]") -> None:
    from holdfast.recovery.plans.texts import step_text

    for step in steps:
        waits = _(" after {steps}").format(steps=", ".join(step.after)) if step.after else ""
        line = f"  {step.id}: {step_text(step)}{waits}"
        out.show(step_event(plan, None, step, None), shown.line(line))


def tell_machine(out: Output, look: "MachineLook", *, is_planned: bool = False) -> None:
    error = look.error
    event = PlanMachine(
        vm=encodable(look.vm),
        uuid=look.uuid or None,
        point=look.point or None,
        taken_at=look.taken_at or None,
        networks=[encodable(one) for one in look.networks],
        addresses=[encodable(one) for one in look.addresses],
        already=look.is_already,
        error=error.code if error else None,
        said=encodable(str(error)) if error else "",
    )
    if error is not None:
        lines = [f"✗ {shown.line(look.vm)}: {shown.line(str(error))}"]
        lines.append(f"    → {shown.line(error.advice)}")
    elif look.is_already:
        lines = ["✓ " + _("{vm} runs here already: passed over").format(vm=shown.line(look.vm))]
    else:
        said = _("{vm} would be started from {point}, of {when}")
        if is_planned:
            said = _("{vm} would be started from its last state, after {point} of {when}")
        when = look.taken_at[:19].replace("T", " ")
        lines = ["✓ " + said.format(vm=shown.line(look.vm), point=look.point, when=when)]
        if look.networks:
            told = _("networks: {networks}").format(networks="; ".join(look.networks))
            lines.append(f"    {shown.line(told)}")
        if look.addresses:
            told = _("addresses: {addresses}").format(addresses="; ".join(look.addresses))
            lines.append(f"    {shown.line(told)}")
    out.show(event, *lines)


def tell_script(out: Output, error: "HoldfastError") -> None:
    event = PlanScript(
        name=encodable(str(error.fields.get("name", ""))), error=error.code, said=str(error)
    )
    out.show(event, f"✗ {shown.line(str(error))}", f"    → {shown.line(error.advice)}")


def step_event(plan: "Plan", run: str | None, step: "Step", at: "StepProgress | None") -> PlanStep:
    return PlanStep(
        plan=plan.name,
        run=run,
        step=encodable(step.id),
        doing=step.doing.value,
        group=step.group,
        machine=encodable(step.machine) or None,
        action=step.action.kind.value if step.action else None,
        state=at.state.value if at else None,
        began_at=at.began_at.isoformat() if at else None,
        ended_at=at.ended_at.isoformat() if at and at.ended_at else None,
        said=encodable(at.said) if at else "",
        error=(at.error or None) if at else None,
        after=[encodable(one) for one in step.after],
        found=at.found if at else {},
    )


def step_line(step: "Step", at: "StepProgress") -> str:
    from holdfast.recovery.drills.wording import seconds_text
    from holdfast.recovery.plans.texts import state_text, step_text

    took = ""
    if at.ended_at is not None and at.state.value != "skipped":
        took = f" ({seconds_text((at.ended_at - at.began_at).total_seconds())})"
    said = f": {at.said}" if at.said else ""
    line = f"{_SIGNS[at.state.value]} {step.group}  {step_text(step)}, {state_text(at.state)}"
    return shown.line(f"{line}{took}{said}")


class Telling:
    """Tells each change of a run once, as it comes."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._told: dict[str, StepProgress] = {}

    def __call__(self, now: "Running") -> None:
        from holdfast.recovery.plans.steps import steps_of

        progress = now.progress
        for step in steps_of(now.plan, progress.kind, keep=progress.keep):
            at = progress.steps.get(step.id)
            if at is None or at == self._told.get(step.id):
                continue
            self._told[step.id] = at
            self._out.done(step_event(now.plan, progress.run, step, at), step_line(step, at))


def tell_question(out: Output, plan: "Plan", run: str, question: "Question") -> None:
    from holdfast.recovery.plans.texts import step_text

    step = question.step
    answers = ["again", "go-on", "stop"] if question.is_about_failure else ["yes", "no"]
    asked = step_text(step)
    if question.is_about_failure:
        asked = _("it failed: {step}").format(step=asked)
    event = PlanQuestion(
        plan=plan.name, run=run, step=encodable(step.id), question=encodable(asked), answers=answers
    )
    options = " | ".join(f"--{one}" for one in answers)
    typed = f"holdfast plan confirm {plan.name} --step '{step.id}' {options}"
    out.show(event, f"? {shown.line(asked)}", f"    → {shown.line(typed)}")


def tell_run(out: Output, now: "Running", *, is_driven: bool) -> None:
    import msgspec

    from holdfast.app.plan_report import HTML_NAME, JSON_NAME
    from holdfast.recovery.plans.measuring import measure

    progress, figures = now.progress, measure(now.plan, now.progress)
    is_over = progress.outcome is not None
    reports = [str(now.folder.path / name) for name in (JSON_NAME, HTML_NAME)]
    event = PlanRun(
        plan=now.plan.name,
        run=progress.run,
        kind=progress.kind.value,
        who=encodable(progress.who),
        begun_at=progress.begun_at.isoformat(),
        ended_at=progress.ended_at.isoformat() if progress.ended_at else None,
        outcome=progress.outcome.value if progress.outcome else None,
        driven=is_driven,
        failed=[encodable(one) for one in failed_steps(progress)],
        measured=msgspec.to_builtins(figures),
        report_json=reports[0] if is_over else None,
        report_html=reports[1] if is_over else None,
    )
    out.show(event, *_run_lines(now, figures, is_driven=is_driven, report=reports[1]))


def failed_steps(progress: "Progress") -> list[str]:
    return [name for name, at in progress.steps.items() if at.state.value == "failed"]


def _run_lines(now: "Running", figures: "Figures", *, is_driven: bool, report: str) -> list[str]:
    from holdfast.recovery.plans.texts import kind_text, outcome_text

    progress = now.progress
    head = _("{plan}, {kind} run {run}: {outcome}").format(
        plan=now.plan.name,
        kind=kind_text(progress.kind),
        run=progress.run,
        outcome=outcome_text(progress.outcome),
    )
    lines = [head]
    if progress.outcome is None and not is_driven:
        said = _("Nothing drives it: `holdfast plan resume {plan}` goes on with it")
        lines.append(said.format(plan=now.plan.name))
    rows = [_measured(one) for one in (figures.whole, *figures.groups, *figures.machines)]
    heads = ["", _("up after"), _("own work"), _("promised"), ""]
    lines += [f"  {line}" for line in shown.table([heads, *rows])]
    if progress.outcome is not None:
        lines.append(_("Report: {file}").format(file=report))
    return lines


def _measured(one: "Measured") -> list[str]:
    from holdfast.recovery.drills.wording import seconds_text

    sign = {None: "", True: "✓", False: "✗"}[one.is_met]
    times = (one.since_begin, one.own, one.objective)
    return [shown.line(one.name), *map(seconds_text, times), sign]
