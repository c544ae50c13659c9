"""How drills are told: a line each, or all that was seen in one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.base.errors import Exit
from holdfast.base.texts import _
from holdfast.cli import shown
from holdfast.cli.drill_json import drill_event, run_event
from holdfast.cli.json_drills import DrillReport
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from holdfast.app.drills import DrillSeen
    from holdfast.recovery.drills.drill import DrillRun


def tell_drills(out: Output, drills: "Sequence[DrillSeen]") -> None:
    head = (_("VM"), _("Schedule"), _("Next"), _("Runs"), _("Last"), _("Verdict"))
    lines = shown.table([head, *map(_drill_row, drills)])
    if drills:
        out.remark(lines[0])
    for seen, line in zip(drills, lines[1:], strict=True):
        out.show(drill_event(seen), line)
    if not drills:
        out.remark(_("No machine is drilled on this host; `holdfast drill schedule` begins it"))


def tell_drill(out: Output, seen: "DrillSeen") -> None:
    from holdfast.recovery.drills.wording import moment_text

    name = shown.line(seen.name)
    if seen.drill is None or not seen.drill.schedule:
        out.done(drill_event(seen), _("{vm} is not drilled by itself any more").format(vm=name))
        return
    said = _("{vm} is drilled {schedule} ({zone}), the next time at {when}")
    # The schedule may go by another zone than the one it is read in.
    fields = {"schedule": seen.drill.schedule, "zone": seen.drill.zone}
    out.done(drill_event(seen), said.format(vm=name, when=moment_text(seen.next_at), **fields))


def tell_runs(out: Output, runs: "Sequence[DrillRun]") -> None:
    newest_first = list(reversed(runs))
    head = (_("Run"), _("When"), _("RPO"), _("RTO"), _("Verdict"))
    lines = shown.table([head, *map(_run_row, newest_first)])
    if runs:
        out.remark(lines[0])
    for run, line in zip(newest_first, lines[1:], strict=True):
        out.show(run_event(run), line)


def tell_run(out: Output, run: "DrillRun") -> None:
    """What it has come to."""
    out.show(run_event(run), *_verdict(run))


def tell_all_of(out: Output, run: "DrillRun") -> None:
    from holdfast.cli.trial_report import check_line, part_line

    parts = [part_line(part) for part in run.trial.parts]
    checks = [check_line(seen) for seen in run.trial.checks]
    out.show(run_event(run), *_verdict(run), *shown.table(list(_facts(run))), *checks, *parts)


def tell_written(out: Output, run: "DrillRun", path: Path) -> None:
    name = encodable(run.trial.name)
    event = DrillReport(run=run.trial.id, vm=name, file=encodable(str(path)))
    out.done(event, _("The report is in {file}").format(file=shown.line(str(path))))


def end_status(run: "DrillRun") -> int:
    """Raises where it was no success at all."""
    from holdfast.recovery.drills.drill import DrillVerdict
    from holdfast.recovery.drills.drill_errors import DrillNotPassed
    from holdfast.recovery.drills.wording import reason_text

    match run.verdict:
        case DrillVerdict.PASSED:
            return Exit.FINE
        case DrillVerdict.OBJECTIVE_MISSED:
            return Exit.WARNINGS
        case _:
            trial = run.trial
            raise DrillNotPassed(name=trial.name, run=trial.id, reason=reason_text(run))


def _verdict(run: "DrillRun") -> Iterator[str]:
    from holdfast.recovery.drills.wording import reason_text, verdict_text

    said = _("Drill of {vm}: {verdict}")
    yield said.format(vm=shown.line(run.trial.name), verdict=verdict_text(run.verdict))
    reason = reason_text(run)
    if reason:
        yield f"  {shown.line(reason)}"


def _facts(run: "DrillRun") -> Iterator[tuple[str, str]]:
    from holdfast.recovery.drills.wording import consistency_text, moment_text, seconds_text

    trial, objective = run.trial, run.objective
    yield _("Run"), trial.id
    yield _("When"), moment_text(trial.begun_at)
    yield _("Point"), f"{trial.generation or '-'} {moment_text(trial.taken_at)}"
    yield _("Consistency"), consistency_text(trial) or "-"
    of = _("{seen}, promised {wanted}")
    for name, seen, wanted in (
        (_("RPO"), trial.rpo_seconds, objective.rpo),
        (_("RTO"), trial.seconds_to_up, objective.rto),
    ):
        yield name, of.format(seen=seconds_text(seen), wanted=seconds_text(wanted))
    yield _("Cleaned up"), moment_text(trial.cleaned_at)


def _drill_row(seen: "DrillSeen") -> tuple[str, ...]:
    from holdfast.recovery.drills.wording import moment_text, verdict_text

    last = seen.runs[-1] if seen.runs else None
    return (
        shown.line(seen.name),
        (seen.drill.schedule if seen.drill else "") or "-",
        moment_text(seen.next_at),
        str(len(seen.runs)),
        moment_text(last.trial.begun_at if last else None),
        verdict_text(last.verdict) if last else "-",
    )


def _run_row(run: "DrillRun") -> tuple[str, ...]:
    from holdfast.recovery.drills.wording import moment_text, seconds_text, verdict_text

    trial = run.trial
    return (
        trial.id,
        moment_text(trial.begun_at),
        seconds_text(trial.rpo_seconds),
        seconds_text(trial.seconds_to_up),
        verdict_text(run.verdict),
    )
