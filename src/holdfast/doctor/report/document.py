"""The doctor's report as programs get it, schema `holdfast.doctor/1`.

Ids, parameters and exit statuses are the same in every language; beside them stands the text in
the language that was asked for. The order is stable: the same artefacts give the same bytes.
New fields may come at any time; a field that changes its meaning or goes makes a new schema.
"""

from typing import Literal

from msgspec import Struct

SCHEMA = "holdfast.doctor/1"
Scalar = str | int | float | bool | None


class _Part(Struct, frozen=True, kw_only=True):
    """One part of a report."""


class Code(_Part, frozen=True, kw_only=True):
    """A code of a chain that was typed, the outermost first, and the symptoms that know it."""

    code: str
    symptoms: list[str]


class Question(_Part, frozen=True, kw_only=True):
    """What was typed; `close` is what looks like it when nothing fits."""

    text: str
    codes: list[Code]
    symptoms: list[str]
    causes: list[str]
    close: list[str]


class Place(_Part, frozen=True, kw_only=True):
    """Lines of an artefact, counted from 1, and what stands there, never translated."""

    artefact: str
    first: int
    last: int
    excerpt: str


class SymptomShown(_Part, frozen=True, kw_only=True):
    """A symptom that was asked for or stands in the artefacts; causes in the order to look."""

    id: str
    title: str
    meaning: str
    asked: bool
    seen: list[Place]
    causes: list[str]


class StepShown(_Part, frozen=True, kw_only=True):
    """One step; `type` is to be typed as it is."""

    text: str
    type: str
    refs: list[str]


class RemedyShown(_Part, frozen=True, kw_only=True):
    """What to do, in order; risk is safe, disruptive or destructive."""

    id: str
    title: str
    risk: str
    steps: list[StepShown]
    verify: str
    undo: str
    action: str
    refs: list[str]


class Threshold(_Part, frozen=True, kw_only=True):
    """A limit that the check compares with, where it is from, and whether it was overridden."""

    name: str
    value: str | int | float
    unit: str
    source: str
    dated: str
    overridden: bool


class Need(_Part, frozen=True, kw_only=True):
    """What would decide an unknown cause, and how a person gets it."""

    probe: str
    title: str
    obtain: str


class FindingShown(_Part, frozen=True, kw_only=True):
    """A cause with its verdict: confirmed, ruled-out, unknown or suppressed."""

    cause: str
    code: str
    component: str
    state: str
    severity: str
    title: str
    # The finding in one sentence; of a cause that is not confirmed its title.
    sentence: str
    why: str
    values: dict[str, Scalar]
    evidence: list[Place]
    # Confirmed causes that this one explains.
    consequences: list[str]
    # Whether it has to do with what was asked.
    related: bool
    needs: list[Need]
    thresholds: list[Threshold]
    # Of what is confirmed or may yet be.
    remedies: list[RemedyShown]


class CauseNamed(_Part, frozen=True, kw_only=True):
    """A cause that does not apply to what was looked at."""

    cause: str
    code: str
    component: str
    title: str


class ComponentShown(_Part, frozen=True, kw_only=True):
    """One product; state is fault, warning, good, unknown or seen."""

    id: str
    title: str
    state: str
    found: int
    ruled_out: int
    unknown: int


class LookedAt(_Part, frozen=True, kw_only=True):
    """An artefact and what it was taken for; an empty list: searched as plain text."""

    name: str
    taken_for: list[str]


class NotThere(_Part, frozen=True, kw_only=True):
    """A probe or file that brought nothing, and why."""

    probe: str
    reason: str


class CrashShown(_Part, frozen=True, kw_only=True):
    """A check or reader that failed: a finding about the doctor itself."""

    what: str
    error: str


class DoctorReport(Struct, frozen=True, kw_only=True, tag_field="event", tag="doctor-report"):
    """What one run of the doctor found."""

    version: int = 1
    schema: Literal["holdfast.doctor/1"] = "holdfast.doctor/1"
    language: str
    exit_status: int
    # One sentence that says how it stands.
    summary: str
    questions: list[Question]
    symptoms: list[SymptomShown]
    components: list[ComponentShown]
    # The cause to begin with, the first of `findings`.
    root: str | None
    # Confirmed and not explained by another, the root first; then those that these explain.
    findings: list[FindingShown]
    consequences: list[FindingShown]
    ruled_out: list[FindingShown]
    unknown: list[FindingShown]
    suppressed: list[FindingShown]
    not_applicable: list[CauseNamed]
    crashes: list[CrashShown]
    looked_at: list[LookedAt]
    missing: list[NotThere]


class CauseExplained(_Part, frozen=True, kw_only=True):
    """A cause as the catalogue knows it."""

    cause: str
    code: str
    component: str
    severity: str
    title: str
    why: str
    # How it is decided, in one sentence.
    check: str
    # What is searched for in logs, in RE2 syntax.
    patterns: list[str]
    thresholds: list[Threshold]
    needs: list[Need]
    explains: list[str]
    # Symptoms that lead to it.
    symptoms: list[str]
    remedies: list[RemedyShown]
    refs: list[str]


class SymptomExplained(_Part, frozen=True, kw_only=True):
    """A symptom with its causes in the order in which to look."""

    id: str
    component: str
    title: str
    meaning: str
    codes: list[str]
    names: list[str]
    causes: list[CauseExplained]
    refs: list[str]


class NoteShown(_Part, frozen=True, kw_only=True):
    """Knowledge that is no symptom: a path, a tool, a limit, a rule."""

    id: str
    component: str
    title: str
    text: str
    refs: list[str]


class DoctorExplanation(
    Struct, frozen=True, kw_only=True, tag_field="event", tag="doctor-explanation"
):
    """What the catalogue knows about a code, a name, a message or a cause."""

    version: int = 1
    schema: Literal["holdfast.doctor-explanation/1"] = "holdfast.doctor-explanation/1"
    language: str
    exit_status: int
    question: Question
    symptoms: list[SymptomExplained]
    causes: list[CauseExplained]
    notes: list[NoteShown]
