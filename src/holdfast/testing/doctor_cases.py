"""Cases of the doctor: artefacts with the verdict they must lead to, kept as TOML files.

One file per cause, named after it, with at least one `positive`, one `negative` and one `missing`
case; `scenario` cases tell a longer story and name the root.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec import Struct, convert, field

from holdfast.doctor.artefacts import Artefact, from_text
from holdfast.doctor.diagnosis import Report, diagnose
from holdfast.doctor.loading import Catalogue
from holdfast.doctor.matching import symptoms_for
from holdfast.doctor.model import Span, State, Verdict
from holdfast.doctor.reading import Reading

EXPECTED = {
    "positive": State.CONFIRMED,
    "negative": State.RULED_OUT,
    "missing": State.UNKNOWN,
    "not-applicable": State.NOT_APPLICABLE,
}


class CaseFile(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An artefact of a case: its text, or a path beside the case file."""

    text: str = ""
    path: str = ""
    encoding: str = "utf-8"
    whole: bool = False
    probe: str = ""


class Case(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is given, and what must come of it."""

    # positive, negative, missing, not-applicable or scenario
    kind: str
    name: str
    files: dict[str, CaseFile] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    now: datetime | None = None
    # The cause that must come first; "none": nothing at all may be confirmed.
    root: str = ""
    confirmed: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    # Values of the verdict that must be so.
    values: dict[str, str] = field(default_factory=dict)


class CaseBook(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One file of cases; without a cause it holds scenarios only."""

    cause: str = ""
    case: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A case with the cause it belongs to and the folder its files lie in."""

    cause: str
    case: Case
    folder: Path

    def __str__(self) -> str:
        return f"{self.cause or self.folder.name}: {self.case.name}"


def cases_in(folder: Path) -> Iterator[Told]:
    for path in sorted(folder.rglob("*.toml")):
        book = convert(tomllib.loads(path.read_text(encoding="utf-8")), CaseBook)
        yield from (Told(book.cause, case, path.parent) for case in book.case)


def artefacts_of(told: Told) -> list[Artefact]:
    return [
        from_text(name, _bytes(told.folder, file), whole=file.whole, probe=file.probe or None)
        for name, file in told.case.files.items()
    ]


def _bytes(folder: Path, file: CaseFile) -> bytes:
    return (folder / file.path).read_bytes() if file.path else file.text.encode(file.encoding)


def examine(catalogue: Catalogue, told: Told, artefacts: list[Artefact] | None = None) -> Report:
    """Diagnose a case's artefacts, or others in their place."""
    reading = Reading(catalogue, now=told.case.now)
    reading.read(artefacts_of(told) if artefacts is None else artefacts)
    asked = [name for one in told.case.asked for name in symptoms_for(catalogue, one)]
    if told.cause and not asked:
        asked = [name for name, one in catalogue.symptoms.items() if told.cause in one.causes]
    return diagnose(catalogue, reading, asked=asked)


def verdicts(report: Report) -> Mapping[str, Verdict]:
    groups = (report.found, report.explained, report.ruled_out, report.unknown)
    return {one.cause: one.verdict for group in groups for one in group}


def state_of(report: Report, cause: str) -> State:
    known = verdicts(report).get(cause)
    return known.state if known else State.NOT_APPLICABLE


def without(artefacts: list[Artefact], spans: tuple[Span, ...]) -> list[Artefact]:
    """The same artefacts with the lines of the evidence taken out."""
    return [_cut(one, [span for span in spans if span.artefact == one.name]) for one in artefacts]


def _cut(artefact: Artefact, spans: list[Span]) -> Artefact:
    gone = {line for span in spans for line in range(span.first, span.last + 1)}
    if not gone:
        return artefact
    lines = lines_of(artefact)
    kept = "\n".join(line for number, line in enumerate(lines, 1) if number not in gone)
    return from_text(artefact.name, kept, whole=artefact.whole, probe=artefact.probe)


def lines_of(artefact: Artefact) -> list[str]:
    from holdfast.doctor.decoding import text_of

    with artefact.open() as stream:
        return re.split(r"\r?\n", text_of(stream))
