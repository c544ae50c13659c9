"""The steps of an act of recovery as they come, and what it has come to."""

import sys
from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import _
from holdfast.base.units import format_duration
from holdfast.cli import shown
from holdfast.cli.json_recovery import RecoveryDone, RecoveryStep
from holdfast.cli.output import Output, encodable
from holdfast.cli.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
    from holdfast.recovery.acts import OnStep
    from holdfast.recovery.record import StepNote

    UseCase = Callable[[Here, RecoveryWish, OnStep], Outcome]

_SIGNS = {"running": "…", "done": "✓", "failed": "✗", "skipped": "-"}


def carry_out(run: Run, vm: str, act: str, use: "UseCase", wish: "RecoveryWish") -> int:
    """One act upon one machine, told as it goes; the exit status."""
    from holdfast.app.recovery_here import here
    from holdfast.app.replication_orders import who_asks

    with here(run.session, vm, who=who_asks(), agree=agreeing()) as place:
        outcome = use(place, wish, told_steps(run.out, place.name, act))
    tell_outcome(run.out, outcome, act)
    return Exit.WARNINGS if outcome.warnings else Exit.FINE


def agreeing() -> "Callable[[str], bool] | None":
    """A question to whoever sits at the terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    return lambda question: click.confirm(question, err=True)


def told_steps(out: Output, vm: str, act: str) -> "OnStep":
    def tell(note: "StepNote") -> None:
        # One that has begun says nothing yet; how far it is, it says.
        is_quiet = note.state == "running" and not note.said
        lines = () if is_quiet else (step_line(note),)
        out.done(step_event(vm, act, note), *lines)

    return tell


def step_event(vm: str, act: str, note: "StepNote") -> RecoveryStep:
    return RecoveryStep(
        vm=encodable(vm),
        act=act,
        step=note.name,
        state=note.state.value,
        began_at=note.began_at.isoformat(),
        ended_at=note.ended_at.isoformat() if note.ended_at else None,
        said=encodable(note.said),
        error=note.error or None,
    )


def step_line(note: "StepNote") -> str:
    from holdfast.app.recovery_titles import TITLES

    title = _(TITLES[note.name]) if note.name in TITLES else note.name
    said = f": {shown.line(note.said)}" if note.said else ""
    took = ""
    if (
        note.ended_at is not None
        and (seconds := (note.ended_at - note.began_at).total_seconds()) >= 1
    ):
        took = f" ({format_duration(seconds)})"
    return f"{_SIGNS[note.state.value]} {title}{said}{took}"


def tell_outcome(out: Output, outcome: "Outcome", act: str) -> None:
    record = outcome.record
    promoted = record.promoted
    for warning in outcome.warnings:
        out.warning(warning)
    event = RecoveryDone(
        vm=encodable(record.name),
        uuid=record.vm,
        act=act,
        stage=record.stage.value,
        epoch=record.epoch,
        runs_at=record.runs_at or None,
        generation=promoted.generation if promoted else None,
        taken_at=promoted.taken_at.isoformat() if promoted else None,
        figures=outcome.figures,
        warnings=[encodable(one) for one in outcome.warnings],
    )
    out.done(event, *_said(outcome))


def _said(outcome: "Outcome") -> list[str]:
    from holdfast.app.recovery_titles import STAGES
    from holdfast.recovery.unplanned import HANDED_OVER

    record = outcome.record
    stage = _(STAGES[record.stage.value])
    lines = [_("{vm}: {stage}").format(vm=shown.line(record.name), stage=stage)]
    loss = outcome.figures.get("loss_seconds")
    if loss == 0 and record.events[-1].why == HANDED_OVER:
        lines.append(_("Nothing of what it wrote is lost"))
    elif loss is not None:
        lines.append(
            _("What it wrote in its last {time} is lost").format(time=format_duration(loss))
        )
    return lines
