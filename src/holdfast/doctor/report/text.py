"""The report for a person under stress: root cause first, its proof, what to do, then the rest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast.base.texts import _
from holdfast.doctor.report import document as shown
from holdfast.doctor.report.layout import Sheet, printable, shortened
from holdfast.doctor.report.phrases import causes, fill, quantity, risk, severity, source

MARKS = {"fault": "✗", "warning": "!", "good": "✓", "unknown": "?", "seen": "·"}
FEW = 3
# A record of a listing fits; of a long trace the beginning is enough.
PROOF_LINES = 8
LONGEST_PROOF = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How much is told, and for what kind of page."""

    width: int = 100
    colour: bool = False
    verbose: bool = False
    # All candidates, not only the likeliest.
    everything: bool = False


def tell(report: shown.DoctorReport, manner: Manner) -> list[str]:
    teller = _Teller(report, manner, Sheet(width=manner.width, colour=manner.colour))
    teller.tell()
    return teller.sheet.lines


@dataclass(frozen=True, slots=True)
class _Teller:
    report: shown.DoctorReport
    manner: Manner
    sheet: Sheet

    def tell(self) -> None:
        self._components()
        self._questions()
        self._symptoms()
        if self.report.root is None:
            self.sheet.heading(self.report.summary, _summary_style(self.report))
            for one in self.report.questions:
                self._close(one.close)
        for finding in self.report.findings:
            self._finding(finding)
        self._unknown()
        self._ruled_out()
        self._suppressed()
        self._crashes()
        self._looked_at()

    def _components(self) -> None:
        rows = [
            (one.state, (MARKS[one.state], one.title, _standing(one)))
            for one in self.report.components
        ]
        self.sheet.table(rows)

    def _questions(self) -> None:
        for one in self.report.questions:
            if len(one.codes) > 1:
                self.sheet.heading(_("Codes, from the outside in"))
                self._chain(one.codes)
            if self.report.root is not None and not one.symptoms and not one.causes:
                unknown = fill(_("The catalogue does not know {asked}"), asked=one.text)
                self.sheet.heading(unknown)
                self._close(one.close)

    def _chain(self, codes: Sequence[shown.Code]) -> None:
        for depth, code in enumerate(codes):
            known = ", ".join(code.symptoms) or _("not in the catalogue")
            self.sheet.raw(f"{'└ ' if depth else ''}{code.code}  {known}", indent=2 + 2 * depth)

    def _close(self, close: Sequence[str]) -> None:
        if close:
            self.sheet.say(fill(_("Close to it: {keys}"), keys=", ".join(close)), indent=2)

    def _symptoms(self) -> None:
        asked = [one for one in self.report.symptoms if one.asked]
        seen = [one for one in self.report.symptoms if not one.asked]
        chosen = self.report.symptoms if self._all else [*asked, *seen[: FEW if not asked else 0]]
        for one in chosen:
            self.sheet.heading(fill(_("Symptom: {title}"), title=one.title))
            if one.meaning:
                self.sheet.say(one.meaning, indent=2)
            for place in one.seen[-1:]:
                self._place(place, indent=2)

    def _finding(self, finding: shown.FindingShown) -> None:
        self.sheet.heading(fill(self._label(finding), title=finding.title), _style(finding))
        self.sheet.say(f"{finding.code} · {severity(finding.severity)} · {finding.cause}", "quiet")
        self.sheet.say(finding.sentence, indent=2)
        self._proof(finding)
        self._consequences(finding)
        for remedy in finding.remedies:
            self._remedy(remedy)
        if self.manner.verbose:
            self._thresholds(finding.thresholds)

    def _label(self, finding: shown.FindingShown) -> str:
        if finding.severity == "info":
            return _("Good to know: {title}")
        is_root = finding.cause == self.report.root
        return _("ROOT CAUSE: {title}") if is_root else _("Also found: {title}")

    def _proof(self, finding: shown.FindingShown) -> None:
        self.sheet.say(_("Proof"), "title", indent=2)
        for place in finding.evidence:
            self._place(place, indent=4)

    def _place(self, place: shown.Place, *, indent: int) -> None:
        lines = f"{place.first}" if place.first == place.last else f"{place.first}-{place.last}"
        self.sheet.raw(f"{printable(place.artefact)}:{lines}", "quiet", indent=indent)
        excerpt = place.excerpt.split("\n")
        shown_lines = excerpt if self.manner.verbose else excerpt[:PROOF_LINES]
        for line in shown_lines:
            self.sheet.raw(shortened(printable(line), LONGEST_PROOF), indent=indent + 2)
        if len(shown_lines) < len(excerpt):
            self.sheet.raw("…", indent=indent + 2)

    def _consequences(self, finding: shown.FindingShown) -> None:
        by_name = {one.cause: one for one in self.report.consequences}
        if not finding.consequences:
            return
        self.sheet.say(_("It explains"), "title", indent=2)
        for name in finding.consequences:
            one = by_name[name]
            self.sheet.item("·", f"{one.title} ({one.code})", indent=4)
            self.sheet.say(one.sentence, indent=6)
            for place in one.evidence[: None if self._all else 1]:
                self._place(place, indent=6)

    def _remedy(self, remedy: shown.RemedyShown) -> None:
        write_remedy(self.sheet, remedy, indent=2)

    def _thresholds(self, thresholds: Iterable[shown.Threshold]) -> None:
        for one in thresholds:
            self.sheet.say(threshold_line(one), "quiet", indent=2, hang=2)

    def _unknown(self) -> None:
        few = self.report.unknown if self._all else self.report.unknown[:FEW]
        if not few:
            return
        self.sheet.heading(_("Cannot be decided yet, likeliest first"), "unknown")
        for number, one in enumerate(few, 1):
            self.sheet.item(f"{number}.", f"{one.title} ({one.code})", indent=2)
            for need in one.needs:
                self.sheet.item("→", f"{need.title}: {need.obtain}", indent=5)
        rest = len(self.report.unknown) - len(few)
        if rest:
            self.sheet.say(fill(_("… and {causes} more; --all shows them"), causes=causes(rest)))

    def _ruled_out(self) -> None:
        if not self.report.ruled_out:
            return
        self.sheet.heading(
            fill(_("Ruled out: {causes}"), causes=causes(len(self.report.ruled_out)))
        )
        wide = self._all or self.manner.verbose
        for one in self.report.ruled_out if wide else self.report.ruled_out[:FEW]:
            proof = one.evidence[0]
            where = f"{printable(proof.artefact)}:{proof.first}"
            self.sheet.item("✓", f"{one.title} ({where})", "quiet", indent=2)

    def _suppressed(self) -> None:
        for one in self.report.suppressed:
            line = fill(
                _("Suppressed, as somebody asked for: {title} ({code})"),
                title=one.title,
                code=one.code,
            )
            self.sheet.say(line, "quiet")

    def _crashes(self) -> None:
        for one in self.report.crashes:
            self.sheet.heading(fill(_("Part of the doctor failed: {what}"), what=one.what), "fault")
            self.sheet.say(one.error, indent=2)

    def _looked_at(self) -> None:
        if self.report.root and not self.manner.verbose:
            return
        rows = [("quiet", (printable(one.name), _kinds(one))) for one in self.report.looked_at]
        if rows:
            self.sheet.heading(_("Looked at"))
            self.sheet.table(rows if self._all else rows[:20], indent=2)
        if self.manner.verbose and self.report.missing:
            self.sheet.heading(_("Not there"))
            missing = [("quiet", (one.probe, one.reason)) for one in self.report.missing]
            self.sheet.table(missing, indent=2)

    @property
    def _all(self) -> bool:
        return self.manner.everything


def write_remedy(sheet: Sheet, remedy: shown.RemedyShown, *, indent: int) -> None:
    """A remedy with its steps, what to type on lines of its own, and how to see that it worked."""
    title = fill(_("What to do: {title} ({risk})"), title=remedy.title, risk=risk(remedy.risk))
    sheet.say(title, "title", indent=indent)
    for number, step in enumerate(remedy.steps, 1):
        mark = f"{number}."
        sheet.item(mark, step.text, indent=indent + 2)
        for line in step.type.splitlines():
            sheet.raw(line, "typed", indent=indent + 4 + len(mark))
    if remedy.verify:
        sheet.item(
            "✓", fill(_("It worked when: {verify}"), verify=remedy.verify), indent=indent + 2
        )
    if remedy.undo:
        sheet.item("↶", fill(_("To undo: {undo}"), undo=remedy.undo), indent=indent + 2)


def threshold_line(one: shown.Threshold) -> str:
    changed = _(", overridden") if one.overridden else ""
    return fill(
        _("Limit {name}: {value} (from {source}, {dated}{changed})"),
        name=one.name,
        value=quantity(one.value, one.unit),
        source=source(one.source),
        dated=one.dated,
        changed=changed,
    )


def _style(finding: shown.FindingShown) -> str:
    return {"info": "title", "warning": "warning"}.get(finding.severity, "fault")


def _standing(one: shown.ComponentShown) -> str:
    parts = []
    if one.found:
        parts.append(fill(_("{causes} found"), causes=causes(one.found)))
    if one.unknown:
        parts.append(fill(_("{causes} not decided"), causes=causes(one.unknown)))
    if one.ruled_out:
        parts.append(fill(_("{causes} ruled out"), causes=causes(one.ruled_out)))
    return ", ".join(parts)


def _kinds(one: shown.LookedAt) -> str:
    return ", ".join(one.taken_for) or _("plain text, searched for codes and messages")


def _summary_style(report: shown.DoctorReport) -> str:
    if report.crashes:
        return "fault"
    return "unknown" if report.exit_status else "good"
