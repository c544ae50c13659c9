"""What the catalogue knows about a code or a message: its causes in the order in which to look."""

from nicegui import ui

from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.doctor_remedy import TONES, show_remedy
from holdfast.doctor.report import document
from holdfast.doctor.report.phrases import fill, quantity, severity


def show_explanation(told: document.DoctorExplanation) -> None:
    with ui.element("section").classes("hf-stack hf-doctor"):
        shown.heading(fill(_("About {asked}"), asked=told.question.text))
        if not (told.symptoms or told.causes or told.notes):
            _unknown(told.question)
        for symptom in told.symptoms:
            _symptom(symptom)
        for cause in told.causes:
            with shown.card():
                _cause(cause, 3)
        for note in told.notes:
            with shown.card():
                shown.heading(note.title, 3)
                ui.label(note.text).classes("hf-pre")


def _unknown(question: document.Question) -> None:
    with ui.element("section").classes("hf-notice hf-idle").props("role=status"):
        ui.label(fill(_("The catalogue does not know {asked}"), asked=question.text)).classes(
            "hf-strong"
        )
        if question.close:
            ui.label(fill(_("Close to it: {keys}"), keys=", ".join(question.close)))


def _symptom(symptom: document.SymptomExplained) -> None:
    with shown.card():
        shown.heading(symptom.title, 3)
        ui.label(symptom.meaning)
        known = ", ".join((*symptom.codes, *symptom.names))
        if known:
            ui.label(known).classes("hf-code hf-muted")
        shown.heading(_("Causes, in the order in which to look"), 4)
        with ui.element("ol").classes("hf-list"):
            for cause in symptom.causes:
                title = f"{cause.title} ({cause.code})"
                with ui.element("li"), ui.expansion(title), ui.element("div").classes("hf-stack"):
                    _cause(cause, 5, with_title=False)


def _cause(cause: document.CauseExplained, level: int, *, with_title: bool = True) -> None:
    if with_title:
        with ui.element("div").classes("hf-row"):
            shown.heading(cause.title, level)
            shown.chip(severity(cause.severity), TONES[cause.severity])
            ui.label(cause.code).classes("hf-code hf-muted")
    ui.label(cause.why)
    ui.label(fill(_("How it is decided: {check}"), check=cause.check)).classes("hf-muted")
    for limit in cause.thresholds:
        value = quantity(limit.value, limit.unit)
        ui.label(f"{limit.name}: {value}").classes("hf-muted")
    for need in cause.needs:
        if need.obtain:
            ui.label(need.title).classes("hf-strong")
            ui.label(need.obtain).classes("hf-code hf-pre")
    for remedy in cause.remedies:
        show_remedy(remedy)
