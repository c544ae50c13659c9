"""One visit to the doctor: what was asked, what was looked at, and what came of it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from holdfast.doctor.artefacts import Artefact, Missing
from holdfast.doctor.codes import codes_in
from holdfast.doctor.diagnosis import (
    INCONCLUSIVE,
    NOTHING,
    Overrides,
    Report,
    diagnose,
    exit_status,
)
from holdfast.doctor.loading import Catalogue
from holdfast.doctor.matching import causes_in, symptoms_for
from holdfast.doctor.model import Severity
from holdfast.doctor.reading import PLAIN, Reading, Recognised
from holdfast.doctor.sources import Source
from holdfast.doctor.suggesting import suggest


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody typed, the chain of codes in it from the outside in, and what it means."""

    text: str
    codes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    symptoms: tuple[str, ...] = ()
    # Causes by their id or by the code the doctor prints.
    causes: tuple[str, ...] = ()
    # For what is in no catalogue: what looks like it.
    close: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        return bool(self.symptoms or self.causes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """An artefact and what it was taken for; nothing in particular is an empty list."""

    name: str
    taken_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a diagnosis is to be done."""

    overrides: Overrides = field(default_factory=dict)
    suppressed: Collection[str] = ()
    # Only what is there counts; None: whatever the artefacts speak of.
    components: Collection[str] | None = None
    first: bool = False
    fail_on: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything a report is made from, in no language yet."""

    report: Report
    wishes: Wishes
    asked: tuple[Asked, ...] = ()
    looked_at: tuple[Looked, ...] = ()
    missing: tuple[Missing, ...] = ()
    live: bool = False

    @property
    def status(self) -> int:
        """Doctor statuses are their own, docs/reference/exit-statuses.md lists them."""
        status = exit_status(self.report, fail_on=self.wishes.fail_on)
        return INCONCLUSIVE if status == NOTHING and self.saw_nothing else status

    @property
    def saw_nothing(self) -> bool:
        """Whether nothing that was handed over could be read as anything: ignorance, not health."""
        decided = (*self.report.found, *self.report.ruled_out, *self.report.suppressed)
        return not self.live and not decided and not any(one.taken_for for one in self.looked_at)


def understand(catalogue: Catalogue, words: Sequence[str]) -> tuple[Asked, ...]:
    """Take the words as one message; if that says nothing, each word for itself."""
    together = ask(catalogue, " ".join(words))
    if together.is_known or len(words) == 1:
        return (together,)
    apart = [ask(catalogue, word) for word in words]
    known = tuple(one for one in apart if one.is_known)
    return known or (together,)


def ask(catalogue: Catalogue, text: str) -> Asked:
    symptoms = tuple(symptoms_for(catalogue, text))
    codes = tuple((code, tuple(symptoms_for(catalogue, code))) for code in codes_in(text))
    causes = tuple(causes_in(catalogue, text))
    return Asked(
        text=text,
        codes=codes,
        symptoms=symptoms,
        causes=causes,
        close=() if symptoms or causes else suggest(catalogue, text),
    )


def examine(
    catalogue: Catalogue,
    sources: Iterable[Source],
    *,
    asked: tuple[Asked, ...] = (),
    wishes: Wishes | None = None,
    live: bool = False,
) -> Examination:
    """Read everything, decide, rank."""
    wishes = wishes or Wishes()
    reading, looked_at, missing = _read(catalogue, sources)
    report = diagnose(
        catalogue,
        reading,
        asked=[name for one in asked for name in (*one.symptoms, *one.causes)],
        overrides=wishes.overrides,
        components=wishes.components,
        suppressed=wishes.suppressed,
    )
    report = replace(report, unmatched=tuple(one.text for one in asked if not one.is_known))
    return Examination(
        report=only_first(report) if wishes.first else report,
        wishes=wishes,
        asked=asked,
        looked_at=tuple(looked_at),
        missing=tuple(missing),
        live=live,
    )


def _read(
    catalogue: Catalogue, sources: Iterable[Source]
) -> tuple[Reading, list[Looked], list[Missing]]:
    reading, missing = Reading(catalogue), list[Missing]()
    looked_at = [_looked(known) for known in reading.read(_present(sources, reading, missing))]
    return reading, looked_at, missing


def _present(
    sources: Iterable[Source], reading: Reading, missing: list[Missing]
) -> Iterator[Artefact]:
    """What there is to read; what is missing is put aside."""
    for source in sources:
        reading.facts.now = source.now or reading.facts.now
        for one in source.gather():
            if isinstance(one, Artefact):
                yield one
            else:
                missing.append(one)


def _looked(known: Recognised) -> Looked:
    layout = known.layout.stream if known.layout and known.layout is not PLAIN else None
    kinds = [*([layout] if layout else []), *(one.probe for one in known.readers)]
    return Looked(name=known.artefact.name, taken_for=tuple(dict.fromkeys(kinds)))


def only_first(report: Report) -> Report:
    """The root with its consequences, and nothing about what stands behind it."""
    if not report.root:
        return report
    under = set(report.root.consequences)
    return replace(
        report,
        found=(report.root,),
        explained=tuple(one for one in report.explained if one.cause in under),
        ruled_out=(),
        unknown=(),
    )
