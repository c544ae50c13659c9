"""A remedy on a page: its steps in order, what to type ready to be copied, how to see that it helped."""

from collections.abc import Mapping

from nicegui import ui

from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.shown import Tone
from holdfast.doctor.report import document
from holdfast.doctor.report.phrases import fill, risk

TONES: Mapping[str, Tone] = {
    "critical": "bad",
    "error": "bad",
    "warning": "warn",
    "info": "idle",
}
_RISKS: Mapping[str, Tone] = {"safe": "good", "disruptive": "warn", "destructive": "bad"}


def show_remedy(remedy: document.RemedyShown) -> None:
    with ui.element("section").classes("hf-remedy hf-stack"):
        with ui.element("div").classes("hf-row"):
            shown.heading(fill(_("What to do: {title}"), title=remedy.title), 4)
            shown.chip(risk(remedy.risk), _RISKS.get(remedy.risk, "idle"))
        with ui.element("ol").classes("hf-list"):
            for step in remedy.steps:
                with ui.element("li"):
                    ui.label(step.text).classes("hf-pre")
                    if step.type:
                        to_type(step.type)
        if remedy.verify:
            shown.prose(_("Afterwards: {text}").format(text=remedy.verify)).classes("hf-muted")
        if remedy.undo:
            shown.prose(_("To undo: {text}").format(text=remedy.undo)).classes("hf-muted")


def to_type(command: str) -> None:
    """As it is to be typed, with a button that copies it."""
    with ui.element("div").classes("hf-row hf-command no-wrap"):
        block = ui.element("code").classes("hf-code hf-grow")
        block._text = command  # noqa: SLF001  the framework's way to a text
        button = ui.button(icon="content_copy", on_click=lambda: ui.clipboard.write(command))
        button.props("flat dense size=sm")
        button.props["aria-label"] = _("Copy {command}").format(command=command)
