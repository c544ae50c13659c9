"""Rank verdicts into findings: the root cause first, its consequences under it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from holdfast.doctor.catalogue_types import Cause
from holdfast.doctor.checking import Params, decide
from holdfast.doctor.facts import Record
from holdfast.doctor.loading import Catalogue
from holdfast.doctor.matching import of_what_is_here
from holdfast.doctor.model import Severity, State, Verdict, not_applicable
from holdfast.doctor.open_records import recent
from holdfast.doctor.reading import Reading

NOTHING, FOUND, BAD_INPUT, INCONCLUSIVE, CRASHED, NOT_MENDED, REFUSED = range(7)

# A message older than this, seen from the end of its own log, is history.
RECENT_DAYS = 14.0
Overrides = Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause with its verdict; consequences are confirmed causes that this one explains."""

    cause: str
    verdict: Verdict
    severity: Severity
    consequences: tuple[str, ...] = ()
    # Whether it has to do with what was asked; if nothing was asked, everything has.
    related: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A check or reader that failed: a finding about the doctor itself."""

    what: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of one diagnosis, everything in a stable order."""

    # Symptoms that were asked for or seen, with the records that show them.
    symptoms: dict[str, tuple[Record, ...]]
    # Confirmed and unexplained, the root cause first.
    found: tuple[Finding, ...] = ()
    explained: tuple[Finding, ...] = ()
    ruled_out: tuple[Finding, ...] = ()
    unknown: tuple[Finding, ...] = ()
    # Confirmed, but somebody has taken them on: they count nowhere.
    suppressed: tuple[Finding, ...] = ()
    not_applicable: tuple[str, ...] = ()
    crashes: tuple[Crash, ...] = ()
    # What was asked for and is in no catalogue.
    unmatched: tuple[str, ...] = ()

    @property
    def root(self) -> Finding | None:
        return self.found[0] if self.found else None


@dataclass(slots=True)
class _Decided:
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    crashes: list[Crash] = field(default_factory=list)


def diagnose(
    catalogue: Catalogue,
    reading: Reading,
    *,
    asked: Sequence[str] = (),
    overrides: Overrides | None = None,
    components: Collection[str] | None = None,
    suppressed: Collection[str] = (),
) -> Report:
    """Decide every cause in question and say which of the confirmed ones is the root.

    What is asked for is a symptom or a cause. Such causes come first; then, with symptoms that were
    asked for or seen in the artefacts, theirs in their order; all other causes are decided too,
    since a second fault matters, but never as "unknown". Of components that are not there nothing
    is decided unless what was asked leads to it.
    """
    here = _here(catalogue, reading) if components is None else components
    named = [name for name in asked if name not in catalogue.symptoms]
    asked = [name for name in asked if name in catalogue.symptoms]
    symptoms = of_what_is_here(catalogue, dict.fromkeys([*asked, *_seen(reading)]), here)
    asked = [name for name in asked if name in symptoms]
    reading.facts.asked = frozenset(asked)
    order, wanted = _order(catalogue, symptoms, named), set(_order(catalogue, asked, named))
    causes = {
        name: cause
        for name, cause in catalogue.causes.items()
        if components is None or name in order or catalogue.owners["cause", name] in components
    }
    decided = _decide_all(catalogue, reading, causes, overrides or {})
    findings = {
        name: Finding(
            cause=name, verdict=verdict, severity=Severity.of(catalogue.causes[name].severity)
        )
        for name, verdict in decided.verdicts.items()
    }
    hidden = [one for one in findings.values() if _is_hidden(one, suppressed)]
    return _ranked(
        catalogue,
        {name: one for name, one in findings.items() if one not in hidden},
        order=order,
        nearby=_nearby(catalogue, wanted) if asked or named else set(causes),
        wanted=wanted,
        report=Report(
            symptoms={name: tuple(reading.symptoms.get(name, ())) for name in symptoms},
            suppressed=tuple(sorted(hidden, key=lambda one: one.cause)),
            crashes=(*decided.crashes, *_reader_crashes(reading)),
        ),
    )


def _is_hidden(finding: Finding, suppressed: Collection[str]) -> bool:
    return finding.verdict.state is State.CONFIRMED and finding.cause in suppressed


def _here(catalogue: Catalogue, reading: Reading) -> set[str]:
    """The components whose own artefacts were read."""
    known = reading.facts.probes & catalogue.probes.keys()
    return {catalogue.owners["probe", name] for name in known}


def _seen(reading: Reading) -> list[str]:
    """Symptoms the artefacts show, the one seen last first; old history asks nothing."""
    fresh = {
        name: kept
        for name, records in reading.symptoms.items()
        if (kept := recent(reading.facts, records, days=RECENT_DAYS))
    }
    return sorted(fresh, key=lambda name: _recency(fresh[name]), reverse=True)


def _recency(records: Sequence[Record]) -> tuple[str, int]:
    last = records[-1]
    return (last.when.isoformat() if last.when else "", last.span.first)


def _order(catalogue: Catalogue, symptoms: Iterable[str], named: Iterable[str]) -> dict[str, int]:
    ordered = [cause for name in symptoms for cause in catalogue.symptoms[name].causes]
    return {cause: place for place, cause in enumerate(dict.fromkeys([*named, *ordered]))}


def _nearby(catalogue: Catalogue, wanted: Collection[str]) -> set[str]:
    """The causes of every component that the causes of what was asked belong to."""
    owners = catalogue.owners
    components = {owners["cause", name] for name in wanted}
    return {name for name in catalogue.causes if owners["cause", name] in components}


def _decide_all(
    catalogue: Catalogue, reading: Reading, causes: Mapping[str, Cause], overrides: Overrides
) -> _Decided:
    decided = _Decided()
    for name, cause in causes.items():
        try:
            decided.verdicts[name] = decide(
                name,
                cause,
                facts=reading.facts,
                params=params_of(name, cause, overrides),
                events=catalogue.events,
            )
        except Exception as error:  # a crashed check is a finding of its own; the others still run
            decided.crashes.append(Crash(what=name, error=f"{type(error).__name__}: {error}"))
            decided.verdicts[name] = not_applicable()
    return decided


def params_of(name: str, cause: Cause, overrides: Overrides) -> Params:
    """The cause's thresholds; `cause.param` in the overrides wins."""
    return Params(
        {key: overrides.get(f"{name}.{key}", param.value) for key, param in cause.param.items()}
    )


def _reader_crashes(reading: Reading) -> list[Crash]:
    return [
        Crash(what=name, error=f"{type(error).__name__}: {error}")
        for name, error in reading.crashed
    ]


def _ranked(
    catalogue: Catalogue,
    findings: Mapping[str, Finding],
    *,
    order: Mapping[str, int],
    nearby: set[str],
    wanted: set[str],
    report: Report,
) -> Report:
    by_state: dict[State, list[Finding]] = {state: [] for state in State}
    for finding in findings.values():
        by_state[finding.verdict.state].append(finding)
    sure = {finding.cause for finding in by_state[State.CONFIRMED]}
    explained = {name: _explained_by(catalogue, name, sure) for name in sure}
    found = [
        replace(
            one,
            consequences=tuple(sorted(name for name, by in explained.items() if one.cause in by)),
            related=one.cause in nearby
            or any(one.cause in explained[name] for name in nearby & sure),
        )
        for one in by_state[State.CONFIRMED]
        if not explained[one.cause]
    ]

    def place(finding: Finding) -> int:
        """Where the symptom names it; what it does not name stands where its consequence does."""
        named = [name for name in (finding.cause,) if name in order] or finding.consequences
        return min((order[name] for name in named if name in order), default=len(order))

    def rank(finding: Finding) -> tuple[bool, bool, bool, int, int, str]:
        # What is harmless explains nothing, wherever a symptom names it; and a warning nobody
        # asked about does not push an error aside because its message came last.
        harmless = finding.severity is Severity.INFO
        confirmed = finding.verdict.state is State.CONFIRMED
        whole = {finding.cause, *finding.consequences}
        grave = any(findings[name].severity >= Severity.ERROR for name in whole)
        minor = confirmed and not grave and not wanted & whole
        known = (harmless, not finding.related, minor)
        return (*known, place(finding), -finding.severity, finding.cause)

    asked = [one for one in by_state[State.UNKNOWN] if one.cause in order]
    return replace(
        report,
        found=tuple(sorted(found, key=rank)),
        explained=tuple(sorted((findings[n] for n, by in explained.items() if by), key=rank)),
        ruled_out=tuple(sorted(by_state[State.RULED_OUT], key=rank)),
        unknown=tuple(sorted(asked, key=rank)),
        not_applicable=tuple(sorted(one.cause for one in by_state[State.NOT_APPLICABLE])),
    )


def _explained_by(catalogue: Catalogue, name: str, sure: set[str]) -> set[str]:
    """The confirmed causes that explain this one, directly or over others."""
    explainers: set[str] = set()
    fresh = {name}
    while fresh:
        fresh = {
            other for other in sure - explainers if fresh & set(catalogue.causes[other].explains)
        }
        explainers |= fresh
    return explainers - {name}


def exit_status(report: Report, *, fail_on: Severity = Severity.ERROR) -> int:
    """What the doctor's commands exit with; doctor statuses are their own, see the reference."""
    if any(one.severity >= fail_on for one in (*report.found, *report.explained)):
        return FOUND
    if report.crashes:
        return CRASHED
    if report.unmatched or (report.unknown and not report.found):
        return INCONCLUSIVE
    return NOTHING
