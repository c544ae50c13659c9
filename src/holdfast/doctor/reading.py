"""From artefacts to facts: recognise what each one is, then let its readers have it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatch
from pathlib import PurePosixPath

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.catalogue_types import Event, Symptom
from holdfast.doctor.codes import patterns_of
from holdfast.doctor.decoding import encoding_of, spoken
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import LogSeen, Record
from holdfast.doctor.loading import Catalogue
from holdfast.doctor.log_format import LogFormat
from holdfast.doctor.made_records import MadeRecords
from holdfast.doctor.pasted import as_shown
from holdfast.doctor.readers_registry import LOGS, READERS, Reader
from holdfast.doctor.scanning import Interest, Interests, scan
from holdfast.doctor.yearless import redated

# Below this share of lines a text is not taken for a log of this layout.
ENOUGH = 0.2
SAMPLE_LINES = 200
LONGEST_SNIFFED = 8192
_BLANKS = re.compile(r"[ \t]{100,}")
_EMPTY_LINES = re.compile(r"(?:[ \t]*\r?\n){4,}")
SYMPTOM = "symptom "
# What fits no layout is still searched for codes and messages.
PLAIN = LogFormat(stream="text", heads=(re.compile(r"(?P<text>.+)"),), when=lambda _: None)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What an artefact was taken for."""

    artefact: Artefact
    layout: LogFormat | None
    readers: tuple[Reader, ...]


def recognise(artefact: Artefact) -> Recognised:
    """By content first: a pasted listing has no name, and a renamed log is still that log."""
    raw = artefact.head()
    name, mark = encoding_of(raw)
    head = raw[mark:].decode(name, "replace") if name != "utf-8" else spoken(raw[mark:])
    # A line without end, of a damaged file say, would cost a sniffing pattern its square.
    head = tame(head)
    file = re.split(r"[\\/]", artefact.name)[-1].lower()
    shown = "\n".join(as_shown(head.split("\n")))
    readers = tuple(one for one in READERS if one.accepts(shown, file))
    return Recognised(artefact, _layout(head, file, artefact.probe, wanted=not readers), readers)


def tame(head: str) -> str:
    """The head without what makes patterns search for ever: endless lines, blanks, empty lines."""
    short = "\n".join(line[:LONGEST_SNIFFED] for line in head.split("\n"))
    return _EMPTY_LINES.sub("\n\n\n", _BLANKS.sub(" " * 100, short))


def _layout(head: str, file: str, probe: str | None, *, wanted: bool) -> LogFormat | None:
    sample = [line.rstrip("\r") for line in head.split("\n")[:SAMPLE_LINES]]
    scored = sorted(
        ((_score(layout, sample, file), layout.stream, layout) for layout in LOGS.values()),
        key=lambda one: one[:2],
        reverse=True,
    )
    if scored and scored[0][0] >= ENOUGH:
        return scored[0][2]
    return PLAIN if wanted or probe is None else None


def _score(layout: LogFormat, sample: list[str], file: str) -> float:
    named = any(fnmatch(file, pattern.lower()) for pattern in layout.files)
    share = layout.share(sample) * (0.5 if layout.is_common else 1.0)
    return share + (1.0 if named and (share > 0 or not any(sample)) else 0.0)


# Both platforms' extensions write their status alike: it does not tell the platform.
_EITHER = {"linux.waagent.status"}


class Reading:
    """Reads artefacts into one set of facts."""

    def __init__(self, catalogue: Catalogue, *, now: datetime | None = None) -> None:
        self.facts = Facts(now=now)
        self.symptoms: dict[str, list[Record]] = {}
        self.crashed: list[tuple[str, BaseException]] = []
        self._catalogue = catalogue
        self._interests: dict[str, Interests] = catalogue.compiled

    def read(self, artefacts: Iterable[Artefact]) -> list[Recognised]:
        known = [self._one(artefact) for artefact in artefacts]
        dated = self.facts.date_all()
        self.symptoms = {name: redated(kept, dated) for name, kept in self.symptoms.items()}
        return known

    def _one(self, artefact: Artefact) -> Recognised:
        known = self._of_its_platform(recognise(artefact))
        if artefact.probe:
            self.facts.probes.add(artefact.probe)
        logged = [one for one in known.readers if self._run(one, artefact)]
        # What readers have read as a log in full is not searched as plain text as well.
        if known.layout and (
            known.layout is not PLAIN or len(logged) < len(known.readers) or not logged
        ):
            self._scan(artefact, known.layout)
        self._platforms()
        return known

    def _of_its_platform(self, known: Recognised) -> Recognised:
        """What a Linux host was asked for is no Windows listing, however much it looks like one."""
        probes = self._catalogue.probes
        asked = probes.get(known.artefact.probe or "")
        if asked is None:
            return known
        fitting = (
            one
            for one in known.readers
            if one.probe not in probes
            or "any" in {probes[one.probe].platform, asked.platform}
            or probes[one.probe].platform == asked.platform
        )
        return replace(known, readers=tuple(fitting))

    def _run(self, one: Reader, artefact: Artefact) -> bool:
        """Take a reader's facts one by one; say whether it read the artefact as a log."""
        self.facts.probes.add(one.probe)
        logged, made = False, MadeRecords(self._listening, self._raise)
        try:
            for fact in one.read(artefact):
                logged = logged or isinstance(fact, LogSeen)
                if isinstance(fact, Record):
                    made.take(fact)
                else:
                    self.facts.add([fact])
        except Exception as error:  # a reader's defect must not hide what the others found
            self.crashed.append((artefact.name, error))
        made.flush()
        return logged

    def _listening(self, stream: str) -> Interests:
        if stream not in self._interests:
            self._interests[stream] = Interests(interests_of(self._catalogue, stream))
        return self._interests[stream]

    def _scan(self, artefact: Artefact, layout: LogFormat) -> None:
        seen = scan(artefact, layout, self._listening(layout.stream), self._raise)
        if seen:
            self.facts.add([seen])
            self.facts.probes.update(self._probes_of(layout.stream))

    def _probes_of(self, stream: str) -> list[str]:
        """A log answers the probe of its own name; `x.log` may have `x.log.*` generations."""
        return [name for name in self._catalogue.probes if name == stream]

    def _raise(self, interest: Interest, record: Record, stands_for: int = 1) -> None:
        if interest.name.startswith(SYMPTOM):
            kept = self.symptoms.setdefault(interest.name.removeprefix(SYMPTOM), [])
            kept.append(record)
            del kept[20:-20]
        else:
            self.facts.add_event(interest.name, record, stands_for)

    def _platforms(self) -> None:
        probes = self._catalogue.probes
        told = self.facts.probes & probes.keys() - _EITHER
        seen = {probes[name].platform for name in told}
        self.facts.platforms = frozenset(seen & {"linux", "windows"})


def interests_of(catalogue: Catalogue, stream: str) -> list[Interest]:
    """The events of this log, and every symptom's keys."""
    events = [
        Interest(name, event.match, event.levels, event.benign)
        for name, event in catalogue.events.items()
        if _listens(event, stream)
    ]
    symptoms = [
        Interest(SYMPTOM + name, patterns)
        for name, symptom in catalogue.symptoms.items()
        if (patterns := _keys(symptom))
    ]
    return [*events, *symptoms]


def _listens(event: Event, stream: str) -> bool:
    return event.stream in {stream, "*"}


def _keys(symptom: Symptom) -> tuple[str, ...]:
    codes = (pattern for code in symptom.match.code for pattern in patterns_of(code))
    names = (rf"\b{re.escape(name)}\b" for name in symptom.match.name)
    return (*codes, *names, *symptom.match.message)


def matches_path(name: str, patterns: Sequence[str]) -> bool:
    """Whether a path in an archive ends as one of these globs does."""
    path = PurePosixPath(name.replace("\\", "/"))
    return any(path.match(pattern) for pattern in patterns)
