"""What the catalogue knows about a code, a name, a message or a cause, without looking anywhere."""

from dataclasses import dataclass

from holdfast.base.texts import _, language
from holdfast.doctor.catalogue_types import Cause, Param
from holdfast.doctor.diagnosis import INCONCLUSIVE, NOTHING, Overrides
from holdfast.doctor.examination import ask
from holdfast.doctor.loading import Catalogue
from holdfast.doctor.matching import causes_for, notes_for
from holdfast.doctor.report import document as shown
from holdfast.doctor.report.building import question
from holdfast.doctor.report.entries import Entries
from holdfast.doctor.report.phrases import fill, quantity


def explain(
    catalogue: Catalogue, asked: str, overrides: Overrides | None = None
) -> shown.DoctorExplanation:
    """Symptoms with their causes in order, causes of that id or printed code, notes."""
    explainer = Explainer(Entries(catalogue), overrides or {})
    understood = ask(catalogue, asked)
    causes, notes = causes_for(catalogue, asked), notes_for(catalogue, asked)
    known = bool(understood.symptoms or causes or notes)
    return shown.DoctorExplanation(
        language=language(),
        exit_status=NOTHING if known else INCONCLUSIVE,
        question=question(understood),
        symptoms=[explainer.symptom(name) for name in understood.symptoms],
        causes=[explainer.cause(name) for name in causes],
        notes=[explainer.note(name) for name in notes],
    )


@dataclass(frozen=True, slots=True)
class Explainer:
    """Entries with everything that is known about them."""

    entries: Entries
    overrides: Overrides

    def symptom(self, name: str) -> shown.SymptomExplained:
        entry = self.entries.symptom(name)
        return shown.SymptomExplained(
            id=name,
            component=self.entries.component_of("symptom", name),
            title=self.entries.text("symptom", name, "title"),
            meaning=self.entries.text("symptom", name, "meaning"),
            codes=list(entry.match.code),
            names=list(entry.match.name),
            causes=[self.cause(cause) for cause in entry.causes],
            refs=list(entry.refs),
        )

    def cause(self, name: str) -> shown.CauseExplained:
        entry = self.entries.cause(name)
        return shown.CauseExplained(
            cause=name,
            code=entry.code,
            component=self.entries.component_of("cause", name),
            severity=entry.severity,
            title=self.entries.text("cause", name, "title"),
            why=self.entries.text("cause", name, "why"),
            check=self.check(name, entry),
            patterns=self._patterns(entry),
            thresholds=self.entries.thresholds(name, self.overrides),
            needs=self.entries.needs(entry.probes),
            explains=list(entry.explains),
            symptoms=self._leading_to(name),
            remedies=self.entries.remedies(name),
            refs=list(entry.refs),
        )

    def note(self, name: str) -> shown.NoteShown:
        return shown.NoteShown(
            id=name,
            component=self.entries.component_of("note", name),
            title=self.entries.text("note", name, "title"),
            text=self.entries.text("note", name, "text"),
            refs=list(self.entries.catalogue.notes[name].refs),
        )

    def _leading_to(self, cause: str) -> list[str]:
        symptoms = self.entries.catalogue.symptoms.items()
        return [name for name, symptom in symptoms if cause in symptom.causes]

    def check(self, name: str, cause: Cause) -> str:
        """How the cause is decided, in a sentence."""
        looked = ", ".join(self.entries.text("probe", probe, "title") for probe in cause.probes)
        rule = cause.check
        if rule.event:
            return self._events(cause, looked)
        if rule.fact:
            word = rule.below or rule.above
            limit = self.limit(name, word, cause.param[word])
            low = _("From: {looked}. Confirmed when the value is below {limit}.")
            high = _("From: {looked}. Confirmed when the value is above {limit}.")
            return fill(low if rule.below else high, looked=looked, limit=limit)
        return fill(_("Judged from {looked}."), looked=looked)

    def _patterns(self, cause: Cause) -> list[str]:
        events = self.entries.catalogue.events
        return [pattern for name in cause.check.event for pattern in events[name].match]

    def limit(self, name: str, key: str, param: Param) -> str:
        return quantity(self.overrides.get(f"{name}.{key}", param.value), param.unit)

    def _events(self, cause: Cause, looked: str) -> str:
        rule = cause.check
        records = _(
            "Confirmed by {count} or more such records in {looked}, at most {days:g} days before its end."
        )
        said = [fill(records, looked=looked, count=rule.at_least, days=rule.within_days)]
        if rule.unless_after:
            said.append(_("A later record of success lifts it."))
        return " ".join(said)
