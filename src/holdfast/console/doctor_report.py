"""What the doctor found, as a page shows it: the root cause first, its proof, what to do, the rest."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from nicegui import ui

from holdfast.base.texts import _, ngettext, speaking
from holdfast.console import shown
from holdfast.console.doctor_remedy import TONES, show_remedy
from holdfast.console.shown import Tone
from holdfast.console.visiting import Visit
from holdfast.doctor.report import document
from holdfast.doctor.report.phrases import fill, severity
from holdfast.doctor.report.text import Manner, tell

_PROOF_LINES = 12
_FEW = 3
_COMPONENTS: Mapping[str, Tone] = {
    "fault": "bad",
    "warning": "warn",
    "good": "good",
    "unknown": "idle",
    "seen": "idle",
}
# In its own words; the whole page has a switch of its own.
_NAMES = {"en": "In English", "ko": "한국어로"}


def show_report(visit: Visit, reports: Mapping[str, document.DoctorReport]) -> None:
    """`reports` by language: the words around it turn with it."""
    first = visit.lang if visit.lang in reports else next(iter(reports))
    with ui.element("section").classes("hf-stack hf-doctor") as whole:
        with ui.element("div").classes("hf-row"):
            shown.heading(_("What the doctor found"))
            ui.space()
            place = ui.element("div").classes("hf-row")
        told = ui.element("div").classes("hf-stack")

    def show(language: str) -> None:
        told.clear()
        place.clear()
        with speaking(language):
            with place:
                _choice(reports, language, lambda other: visit.doing(lambda: show(other)))
                _exports(visit, reports[language])
            with told.props(f"lang={language}"):
                _Report(reports[language]).show()

    show(first)
    whole.props("tabindex=-1")


def _choice(
    reports: Mapping[str, object], current: str, turn: Callable[[str], Callable[..., object]]
) -> None:
    for language in reports:
        if language != current:
            button = ui.button(_NAMES.get(language, language), on_click=turn(language))
            button.props(f"flat dense no-caps lang={language} icon=translate")


def _exports(visit: Visit, report: document.DoctorReport) -> None:
    def as_json() -> None:
        ui.download.content(msgspec.json.encode(report), "holdfast-doctor.json")

    def as_text() -> None:
        with speaking(report.language):
            text = "\n".join(tell(report, Manner(everything=True)))
        ui.download.content(text.encode("utf-8", "backslashreplace"), "holdfast-doctor.txt")

    for name, act in (("JSON", as_json), (_("Text"), as_text)):
        button = ui.button(name, icon="download", on_click=visit.doing(act))
        button.props(f'flat dense no-caps aria-label="{_("Export as {kind}").format(kind=name)}"')


class _Report:
    def __init__(self, report: document.DoctorReport) -> None:
        self._report = report

    def show(self) -> None:
        self._summary()
        for one in self._report.symptoms:
            if one.asked or not self._report.findings:
                self._symptom(one)
        for finding in self._report.findings:
            self._finding(finding)
        self._undecided()
        self._further()

    def _summary(self) -> None:
        with ui.element("section").classes(f"hf-notice hf-{self._tone()}").props("role=status"):
            ui.label(self._report.summary).classes("hf-strong")
            for one in self._report.questions:
                if one.close:
                    ui.label(fill(_("Close to it: {keys}"), keys=", ".join(one.close)))
        with ui.element("div").classes("hf-row"):
            for product in self._report.components:
                standing = product.title
                if product.found:
                    standing = f"{product.title}: {_causes(product.found)}"
                shown.chip(standing, _COMPONENTS.get(product.state, "idle"))

    def _tone(self) -> Tone:
        if self._report.root is not None:
            root = self._report.findings[0]
            return TONES.get(root.severity, "warn")
        if self._report.crashes or self._report.unknown or self._report.questions:
            return "idle"
        return "good" if self._report.looked_at else "idle"

    def _symptom(self, symptom: document.SymptomShown) -> None:
        with shown.card():
            shown.heading(fill(_("Symptom: {title}"), title=symptom.title), 3)
            if symptom.meaning:
                ui.label(symptom.meaning)
            for place in symptom.seen[-1:]:
                _place(place)

    def _finding(self, finding: document.FindingShown) -> None:
        with shown.card().classes(f"hf-finding hf-edge-{TONES.get(finding.severity, 'idle')}"):
            with ui.element("div").classes("hf-row"):
                shown.chip(self._label(finding), TONES.get(finding.severity, "idle"))
                ui.label(f"{finding.code} · {severity(finding.severity)}").classes("hf-code")
            shown.heading(finding.title, 3)
            ui.label(finding.sentence).classes("hf-strong")
            if finding.why:
                ui.label(finding.why).classes("hf-muted")
            self._proof(finding)
            self._consequences(finding)
            for remedy in finding.remedies:
                show_remedy(remedy)

    def _label(self, finding: document.FindingShown) -> str:
        if finding.severity == "info":
            return _("Good to know")
        return _("Root cause") if finding.cause == self._report.root else _("Also found")

    def _proof(self, finding: document.FindingShown) -> None:
        shown.heading(_("Proof"), 4)
        for place in finding.evidence[:_FEW]:
            _place(place)
        rest = finding.evidence[_FEW:]
        if rest:
            more = ngettext("{count} place more", "{count} places more", len(rest))
            folded = ui.expansion(more.format(count=len(rest))).classes("hf-figures-of")
            with folded, ui.element("div").classes("hf-stack"):
                for place in rest:
                    _place(place)

    def _consequences(self, finding: document.FindingShown) -> None:
        known = {one.cause: one for one in self._report.consequences}
        explained = [known[name] for name in finding.consequences if name in known]
        if not explained:
            return
        shown.heading(_("It explains"), 4)
        with ui.element("ul").classes("hf-list"):
            for one in explained:
                with ui.element("li"):
                    ui.label(f"{one.title} ({one.code})").classes("hf-strong")
                    ui.label(one.sentence)

    def _undecided(self) -> None:
        """In the order to look: what is missing here is what to fetch."""
        if not self._report.unknown:
            return
        with shown.card(_("Possible causes, in the order in which to look")):
            ui.label(_("What would decide each is missing; hand it over as well.")).classes(
                "hf-muted"
            )
            with ui.element("ol").classes("hf-list"):
                for one in self._report.unknown:
                    _candidate(one)

    def _further(self) -> None:
        report = self._report
        ruled_out = [f"{one.title} ({one.code})" for one in report.ruled_out]
        _more(_("Ruled out"), ruled_out)
        _more(_("Suppressed"), [f"{one.title} ({one.code})" for one in report.suppressed])
        _more(_("Looked at"), [_looked(one) for one in report.looked_at])
        _more(_("Not there"), [f"{one.probe}: {one.reason}" for one in report.missing])
        _more(_("Faults of the doctor"), [f"{one.what}: {one.error}" for one in report.crashes])


def _candidate(finding: document.FindingShown) -> None:
    title = f"{finding.title} ({finding.code})"
    with ui.element("li"), ui.expansion(title), ui.element("div").classes("hf-stack"):
        if finding.why:
            ui.label(finding.why).classes("hf-muted")
        for need in finding.needs:
            ui.label(need.title).classes("hf-strong")
            if need.obtain:
                ui.label(need.obtain).classes("hf-code hf-pre")
        for remedy in finding.remedies:
            show_remedy(remedy)


def _place(place: document.Place) -> None:
    lines = f"{place.first}" if place.first == place.last else f"{place.first}-{place.last}"
    excerpt = place.excerpt.split("\n")
    text = "\n".join(excerpt[:_PROOF_LINES])
    with ui.element("figure").classes("hf-proof"):
        caption = ui.element("figcaption").classes("hf-code hf-muted")
        caption._text = f"{place.artefact}:{lines}"  # noqa: SLF001  the framework's way to a text
        block = ui.element("pre").classes("hf-log")
        block._text = text if len(excerpt) <= _PROOF_LINES else f"{text}\n…"  # noqa: SLF001


def _looked(one: document.LookedAt) -> str:
    return f"{one.name}: {', '.join(one.taken_for) or _('plain text')}"


def _more(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    folded = ui.expansion(f"{title} ({len(lines)})").classes("hf-figures-of")
    with folded, ui.element("ul").classes("hf-list"):
        for line in lines:
            ui.element("li")._text = line  # noqa: SLF001


def _causes(count: int) -> str:
    return ngettext("{count} cause found", "{count} causes found", count).format(count=count)
