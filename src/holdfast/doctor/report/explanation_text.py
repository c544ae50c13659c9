"""What the catalogue knows, for a person: symptom, ordered causes, checks, remedies, sources."""

from dataclasses import dataclass

from holdfast.base.texts import _
from holdfast.doctor.report import document as shown
from holdfast.doctor.report.citing import cite
from holdfast.doctor.report.layout import Sheet
from holdfast.doctor.report.phrases import fill, severity
from holdfast.doctor.report.text import Manner, threshold_line, write_remedy


def tell(explanation: shown.DoctorExplanation, manner: Manner) -> list[str]:
    teller = _Teller(Sheet(width=manner.width, colour=manner.colour), manner)
    teller.tell(explanation)
    return teller.sheet.lines


@dataclass(frozen=True, slots=True)
class _Teller:
    sheet: Sheet
    manner: Manner

    def tell(self, explanation: shown.DoctorExplanation) -> None:
        self._question(explanation)
        told: set[str] = set()
        for symptom in explanation.symptoms:
            self._symptom(symptom, told)
        for cause in explanation.causes:
            self.sheet.blank()
            self._cause("", cause, told)
        for note in explanation.notes:
            self._note(note)

    def _question(self, explanation: shown.DoctorExplanation) -> None:
        asked = explanation.question
        if len(asked.codes) > 1:
            self.sheet.heading(_("Codes, from the outside in"))
            for depth, code in enumerate(asked.codes):
                known = ", ".join(code.symptoms) or _("not in the catalogue")
                self.sheet.raw(f"{'└ ' if depth else ''}{code.code}  {known}", indent=2 + 2 * depth)
        if explanation.exit_status:
            self.sheet.say(
                fill(_("The catalogue does not know {asked}"), asked=asked.text), "unknown"
            )
            if asked.close:
                self.sheet.say(
                    fill(_("Close to it: {keys}"), keys=", ".join(asked.close)), indent=2
                )

    def _symptom(self, symptom: shown.SymptomExplained, told: set[str]) -> None:
        self.sheet.heading(symptom.title)
        keys = ", ".join([*symptom.codes, *symptom.names])
        self.sheet.say(f"{keys} · {symptom.id}" if keys else symptom.id, "quiet")
        if symptom.meaning:
            self.sheet.say(symptom.meaning, indent=2)
        self._refs(symptom.refs)
        self.sheet.heading(_("Causes, in the order in which to look"))
        for number, cause in enumerate(symptom.causes, 1):
            self.sheet.blank()
            self._cause(f"{number}. ", cause, told)

    def _cause(self, mark: str, cause: shown.CauseExplained, told: set[str]) -> None:
        self.sheet.say(f"{mark}{cause.title}", "title")
        self.sheet.say(
            f"{cause.code} · {severity(cause.severity)} · {cause.cause}", "quiet", indent=3
        )
        if cause.cause in told:
            self.sheet.say(_("Explained above."), indent=3)
            return
        told.add(cause.cause)
        self.sheet.say(fill(_("Why: {why}"), why=cause.why), indent=3, hang=2)
        self.sheet.say(fill(_("Check: {check}"), check=cause.check), indent=3, hang=2)
        for pattern in cause.patterns if self.manner.verbose else ():
            self.sheet.raw(pattern, "quiet", indent=5)
        for threshold in cause.thresholds:
            self.sheet.say(threshold_line(threshold), indent=5, hang=2)
        for need in cause.needs:
            self.sheet.item("→", f"{need.title}: {need.obtain}", "quiet", indent=5)
        for remedy in cause.remedies:
            write_remedy(self.sheet, remedy, indent=3)
        if self.manner.verbose:
            refs = [ref for remedy in cause.remedies for ref in _refs_of(remedy)]
            self._refs([*cause.refs, *refs], indent=3)
        else:
            self._refs(cause.refs, indent=3)

    def _note(self, note: shown.NoteShown) -> None:
        self.sheet.heading(fill(_("Note: {title}"), title=note.title))
        self.sheet.say(note.text, indent=2)
        self._refs(note.refs)

    def _refs(self, refs: list[str], *, indent: int = 2) -> None:
        if refs:
            source = fill(_("Source: {refs}"), refs=cite(refs))
            self.sheet.say(source, "quiet", indent=indent, hang=2)


def _refs_of(remedy: shown.RemedyShown) -> list[str]:
    return [*remedy.refs, *(ref for step in remedy.steps for ref in step.refs)]
