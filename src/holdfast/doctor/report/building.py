"""Make the report of an examination in the language in use."""

from dataclasses import dataclass
from functools import partial

from holdfast.base.texts import _, language
from holdfast.doctor.diagnosis import Finding, Report
from holdfast.doctor.examination import Asked, Examination
from holdfast.doctor.facts import Record
from holdfast.doctor.loading import Catalogue
from holdfast.doctor.model import Severity, Span, State
from holdfast.doctor.report import document as shown
from holdfast.doctor.report.entries import Entries
from holdfast.doctor.report.phrases import fill, scalar

MOST_SEEN = 5


def build(catalogue: Catalogue, examination: Examination) -> shown.DoctorReport:
    """Everything that is told, whatever the form it is told in."""
    return _Builder(Entries(catalogue), examination).report()


@dataclass(frozen=True, slots=True)
class _Builder:
    entries: Entries
    seen: Examination

    def report(self) -> shown.DoctorReport:
        report = self.seen.report
        every = partial(map, self._finding)
        return shown.DoctorReport(
            language=language(),
            exit_status=self.seen.status,
            summary=self._summary(),
            questions=[question(one) for one in self.seen.asked],
            symptoms=[self._symptom(name, records) for name, records in report.symptoms.items()],
            components=self._components(),
            root=root.cause if (root := _root(report)) else None,
            findings=list(every(report.found)),
            consequences=list(every(report.explained)),
            ruled_out=list(every(report.ruled_out)),
            unknown=list(every(report.unknown)),
            suppressed=list(every(report.suppressed)),
            not_applicable=[self._named(name) for name in report.not_applicable],
            crashes=[shown.CrashShown(what=one.what, error=one.error) for one in report.crashes],
            looked_at=[
                shown.LookedAt(name=one.name, taken_for=list(one.taken_for))
                for one in self.seen.looked_at
            ],
            missing=[
                shown.NotThere(probe=one.probe, reason=one.reason) for one in self.seen.missing
            ],
        )

    def _summary(self) -> str:
        report = self.seen.report
        if root := _root(report):
            title = self.entries.text("cause", root.cause, "title")
            return fill(_("The cause to begin with: {title}"), title=title)
        if report.crashes:
            return _("Part of the doctor itself failed, so this is not the whole truth")
        if report.unmatched:
            return fill(_("The catalogue does not know {asked}"), asked=", ".join(report.unmatched))
        return self._without_fault()

    def _without_fault(self) -> str:
        if any(one.severity > Severity.INFO for one in self.seen.report.found):
            return _("No cause of what was asked is proven, but something else is wrong")
        if self.seen.report.unknown:
            return _("No cause is proven; what is missing would decide")
        if self.seen.saw_nothing:
            return _("Nothing that was given could be read as something the doctor knows")
        if not self.seen.looked_at:
            return _("Nothing the doctor knows is present here, so nothing was looked at")
        return _("No fault was found")

    def _symptom(self, name: str, records: tuple[Record, ...]) -> shown.SymptomShown:
        return shown.SymptomShown(
            id=name,
            title=self.entries.text("symptom", name, "title"),
            meaning=self.entries.text("symptom", name, "meaning"),
            asked=any(name in one.symptoms for one in self.seen.asked),
            seen=[place(record.span) for record in records[-MOST_SEEN:]],
            causes=list(self.entries.symptom(name).causes),
        )

    def _finding(self, finding: Finding) -> shown.FindingShown:
        name, verdict = finding.cause, finding.verdict
        cause = self.entries.cause(name)
        title = self.entries.text("cause", name, "title")
        is_found = verdict.state is State.CONFIRMED
        return shown.FindingShown(
            cause=name,
            code=cause.code,
            component=self.entries.component_of("cause", name),
            state=verdict.state.value,
            severity=finding.severity.word,
            title=title,
            sentence=self.entries.found(name, dict(verdict.values)) if is_found else title,
            why=self.entries.text("cause", name, "why"),
            values={key: scalar(value) for key, value in sorted(verdict.values.items())},
            evidence=[place(span) for span in verdict.evidence],
            consequences=list(finding.consequences),
            related=finding.related,
            needs=self.entries.needs(verdict.missing),
            thresholds=self.entries.thresholds(name, self.seen.wishes.overrides),
            remedies=[]
            if verdict.state is State.RULED_OUT
            else self.entries.remedies(name, verdict.remedies),
        )

    def _named(self, name: str) -> shown.CauseNamed:
        return shown.CauseNamed(
            cause=name,
            code=self.entries.cause(name).code,
            component=self.entries.component_of("cause", name),
            title=self.entries.text("cause", name, "title"),
        )

    def _components(self) -> list[shown.ComponentShown]:
        counted = (self._component(name) for name in self.entries.catalogue.components)
        return [one for one in counted if one.found or one.ruled_out or one.unknown]

    def _component(self, name: str) -> shown.ComponentShown:
        report = self.seen.report
        found = self._of(name, (*report.found, *report.explained))
        ruled_out, unknown = self._of(name, report.ruled_out), self._of(name, report.unknown)
        return shown.ComponentShown(
            id=name,
            title=self.entries.component_title(name),
            state=_state(found, ruled_out, unknown),
            found=len(found),
            ruled_out=len(ruled_out),
            unknown=len(unknown),
        )

    def _of(self, component: str, findings: tuple[Finding, ...]) -> list[Finding]:
        owner = self.entries.component_of
        return [one for one in findings if owner("cause", one.cause) == component]


def _root(report: Report) -> Finding | None:
    """The cause to begin with; what is only worth knowing, or about something else, is none."""
    root = report.root
    return root if root and root.related and root.severity > Severity.INFO else None


def _state(found: list[Finding], ruled_out: list[Finding], unknown: list[Finding]) -> str:
    worst = max((one.severity for one in found), default=Severity.INFO)
    if worst >= Severity.ERROR:
        return "fault"
    if worst is Severity.WARNING:
        return "warning"
    if unknown:
        return "unknown"
    return "good" if ruled_out else "seen"


def question(asked: Asked) -> shown.Question:
    return shown.Question(
        text=asked.text,
        codes=[shown.Code(code=code, symptoms=list(known)) for code, known in asked.codes],
        symptoms=list(asked.symptoms),
        causes=list(asked.causes),
        close=list(asked.close),
    )


def place(span: Span) -> shown.Place:
    return shown.Place(
        artefact=span.artefact, first=span.first, last=span.last, excerpt=span.excerpt
    )
