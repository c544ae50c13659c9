"""A test failover as it goes on, and what has come of it."""

from typing import TYPE_CHECKING

from holdfast.base.filling import filled_to_type
from holdfast.base.texts import _
from holdfast.cli import shown
from holdfast.cli.drill_json import test_event
from holdfast.cli.json_drills import TestCheck, TestPart
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from holdfast.app.failover_test import Listening
    from holdfast.recovery.checks.seen import CheckSeen
    from holdfast.recovery.trial import Part, Trial


def listening(out: Output) -> "Listening":
    from holdfast.app.failover_test import Listening

    def on_part(part: "Part") -> None:
        out.done(TestPart(part=part.name, seconds=part.seconds), part_line(part))

    def on_checked(seen: "CheckSeen") -> None:
        event = TestCheck(
            check=encodable(seen.text),
            good=seen.is_good,
            seconds=seen.seconds,
            said=encodable(seen.said),
        )
        out.done(event, check_line(seen))

    return Listening(on_part=on_part, on_checked=on_checked)


def tell_trial(out: Output, trial: "Trial") -> None:
    """What it has come to, and what is left of it."""
    out.show(test_event(trial), *_lines(trial))


def part_line(part: "Part") -> str:
    from holdfast.recovery.drills.wording import part_text

    return f"  {part.seconds:7.2f} s  {part_text(part.name)}"


def check_line(seen: "CheckSeen") -> str:
    sign = "✓" if seen.is_good else "✗"
    return shown.line(f"{sign} {seen.text}: {seen.said}")


def _lines(trial: "Trial") -> list[str]:
    from holdfast.recovery.drills.wording import seconds_text, state_text

    said = _("Test failover of {vm} as {test}: {state}")
    name, test = shown.line(trial.name), shown.line(trial.trial_name)
    lines = [said.format(vm=name, test=test, state=state_text(trial.state))]
    if trial.message:
        lines.append(f"  {shown.line(trial.message)}")
    if trial.seconds_to_up is not None:
        took = _("All checks had passed {up} after the command; a failover would have lost {lost}")
        up, lost = seconds_text(trial.seconds_to_up), seconds_text(trial.rpo_seconds)
        lines.append(took.format(up=up, lost=lost))
    lines.append(_end_of(trial))
    return lines


def _end_of(trial: "Trial") -> str:
    if trial.cleaned_at is not None:
        return _("Nothing of it is left")
    if trial.left:
        return _("It could not be removed: {reason}").format(reason=shown.line(trial.left))
    if trial.expires_at is None:
        return _("It is under way")
    fields = {"test": trial.trial_name, "when": shown.moment(trial.expires_at), "vm": trial.name}
    said = _("{test} stays until {when}; `holdfast failover cleanup {vm}` ends it")
    return shown.line(filled_to_type(said, fields))
