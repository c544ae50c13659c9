"""Steps of an act or a plan beneath each other: how each stands, how long it took, what it said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nicegui import ui

from holdfast.base.texts import _
from holdfast.console import recovery_words as words
from holdfast.console import shown
from holdfast.console.thing_words import tone, word


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShown:
    text: str
    # A name of recovery_words.STEP.
    state: str
    began_at: datetime | None = None
    ended_at: datetime | None = None
    said: str = ""
    error: str = ""
    # The page of what does it.
    href: str = ""


def show_steps(steps: Sequence[StepShown]) -> None:
    with ui.element("ol").classes("hf-steps"):
        for step in steps:
            with ui.element("li"):
                _one(step)


def _one(step: StepShown) -> None:
    with ui.element("div").classes("hf-row"):
        shown.chip(word(words.STEP, step.state), tone(words.STEP, step.state) or "idle")
        if step.href:
            shown.link(step.text, step.href)
        else:
            ui.label(step.text).classes("hf-strong")
        ui.label(_time(step)).classes("hf-muted")
    if step.said:
        ui.label(step.said).classes("hf-muted hf-pre")
    if step.error:
        shown.link(
            _("What this means: {code}").format(code=step.error), f"/doctor?code={step.error}"
        )


def _time(step: StepShown) -> str:
    """Of one that runs since when: a time that counts up would be drawn again and again."""
    if step.began_at is None or step.state == "skipped":
        return ""
    if step.ended_at is None:
        return _("since {when}").format(when=shown.when(step.began_at))
    return shown.duration((step.ended_at - step.began_at).total_seconds())
