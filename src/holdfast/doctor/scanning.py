"""Read a log of any size: find what the catalogue is interested in, leave the rest alone.

Whole blocks are searched by one automaton for the plain texts in all patterns; only the records
around its hits are cut out, decoded and read. So a log of 200 MB costs seconds and a few megabytes.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import re2

from holdfast.doctor.anchors import Choice, choices
from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.decoding import blocks, spoken
from holdfast.doctor.facts import LogSeen, Record
from holdfast.doctor.log_format import LONGEST_RECORD, LogFormat, group
from holdfast.doctor.model import LONGEST_EXCERPT, Span
from holdfast.doctor.yearless import UNKNOWN_YEAR

LONGEST_LINE = 16384
# Of a log that is longer, this much tells which texts are rare in it.
SAMPLE = 1 << 18
# A head stands within so many bytes of its line.
LONGEST_HEAD = 400


@dataclass(frozen=True, slots=True)
class Interest:
    """A name with the patterns that raise it; `benign` ones absorb the record."""

    name: str
    patterns: tuple[str, ...]
    levels: tuple[str, ...] = ()
    benign: bool = False


class Interests:
    """All that is looked for in one log.

    Blocks are searched for the anchors of all patterns at once; a pattern without anchors is
    searched for itself.
    """

    def __init__(self, wanted: Sequence[Interest]) -> None:
        self._wanted = [(one, pattern) for one in wanted for pattern in one.patterns]
        self._choices = [choices(pattern) for _, pattern in self._wanted]
        self._each: dict[int, re2._Regexp[bytes]] = {}
        self.search_by([next(iter(known), None) for known in self._choices])

    def tuned_to(self, sample: bytes) -> "Interests":
        """The same interests, with the anchors that stand least often in such a log."""
        tuned = copy(self)
        frequency = _Frequency(sample.lower())
        tuned.search_by([min(known, key=frequency, default=None) for known in self._choices])
        return tuned

    def search_by(self, chosen: Sequence[Choice | None]) -> None:
        """Compile one automaton of the anchors, and of the patterns that have none."""
        by_anchor: dict[str, list[int]] = {}
        for index, choice in enumerate(chosen):
            for anchor in map(re2.escape, choice) if choice else (self._wanted[index][1],):
                by_anchor.setdefault(anchor, []).append(index)
        options = _options()
        self._any = re2.compile("|".join(f"(?:{p})" for p in by_anchor).encode(), options)
        self._set = re2.Set.SearchSet(options)
        for anchor in by_anchor:
            self._set.Add(anchor.encode())
        self._set.Compile()
        self._behind = list(by_anchor.values())

    def next_in(self, block: bytes, start: int) -> int | None:
        """Where the next anchor stands."""
        found = self._any.search(block, start) if self._wanted else None
        return found.start() if found else None

    def matched(
        self, raw: bytes, level: Callable[[], str]
    ) -> list[tuple[Interest, dict[str, str]]]:
        """What this record raises; when something benign does, only that."""
        found: dict[str, tuple[Interest, dict[str, str]]] = {}
        for index in self._likely(raw):
            interest, _ = self._wanted[index]
            match = self._regex(index).search(raw)
            if match is None or (interest.levels and level() not in interest.levels):
                continue
            values = found.setdefault(interest.name, (interest, {}))[1]
            values.update(_named(match))
        benign = [one for one in found.values() if one[0].benign]
        return benign or list(found.values())

    def _likely(self, raw: bytes) -> list[int]:
        """The patterns whose anchors stand in this record, in the catalogue's order."""
        return sorted({index for at in self._set.Match(raw) or () for index in self._behind[at]})

    def _regex(self, index: int) -> "re2._Regexp[bytes]":
        """Compiled when it is first needed: most patterns of a catalogue never are."""
        if index not in self._each:
            self._each[index] = re2.compile(self._wanted[index][1].encode(), _options())
        return self._each[index]


class _Frequency:
    """How often a choice's texts stand in a sample, each counted once."""

    def __init__(self, sample: bytes) -> None:
        self._sample = sample
        self._known: dict[str, int] = {}

    def __call__(self, choice: Choice) -> int:
        return sum(map(self._count, choice))

    def _count(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = self._sample.count(text.lower().encode())
        return self._known[text]


def _named(match: "re2._Match[bytes]") -> dict[str, str]:
    """What the pattern's named groups hold."""
    groups = match.groupdict()
    return {_name(key): spoken(value) for key, value in groups.items() if value is not None}


def _name(key: str | bytes) -> str:
    """The automaton speaks of a group in the kind of string that it searches."""
    return key.decode() if isinstance(key, bytes) else key


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 64 << 20
    return options


# The number says for how many records of the same kind this one stands.
Raise = Callable[[Interest, Record, int], None]
# Of each interest so many records from the start of a log are raised, and as many from its end.
FIRST = LAST = 100
# What messages raise is remembered, since logs repeat themselves.
_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 1000
_TIME = b"0123456789-:/.,+TZ []"


def scan(
    artefact: Artefact, layout: LogFormat, interests: Interests, raised: Raise
) -> LogSeen | None:
    """Call `raised` for every record of interest; say what was read, None for an empty log."""
    walk = _Walk(artefact, layout, interests, raised)
    with artefact.open() as stream:
        for block in _record_blocks(blocks(stream), layout):
            walk.block(block)
    walk.finish()
    return walk.seen()


def _record_blocks(source: Iterator[bytes], layout: LogFormat) -> Iterator[bytes]:
    """Cut the blocks so that a record's lines stay together."""
    rest = b""
    for block in source:
        joined = rest + block
        cut = _last_head(joined, layout)
        if cut:
            yield joined[:cut]
        rest = joined[cut:]
        if len(rest) > (4 << 20):
            yield rest
            rest = b""
    if rest:
        yield rest


def _first_head(block: bytes, layout: LogFormat) -> int:
    """Where the first record begins; the first line that says anything when none begins near it."""
    at, first = 0, -1
    for raw in block.split(b"\n", LONGEST_RECORD)[:LONGEST_RECORD]:
        if layout.head(spoken(raw[:LONGEST_HEAD])):
            return at
        first = at if first < 0 and raw.strip() else first
        at += len(raw) + 1
    return max(first, 0)


def _last_head(block: bytes, layout: LogFormat) -> int:
    """Where the last record begins; the last line that says anything when none begins near it."""
    at = end = len(block.rstrip())
    for _ in range(LONGEST_RECORD):
        at = block.rfind(b"\n", 0, at - 1) + 1 if at > 1 else 0
        if layout.head(spoken(block[at : at + LONGEST_HEAD].split(b"\n", 1)[0])):
            return at
        if at == 0:
            break
    return block.rfind(b"\n", 0, end) + 1


_Match = tuple[Interest, dict[str, str]]


class _Late(NamedTuple):
    """A record that is raised at the end of the log, if it is still among the last by then."""

    interest: Interest
    values: dict[str, str]
    raw: bytes
    line: int


class _Walk:
    """One pass over one log."""

    def __init__(
        self, artefact: Artefact, layout: LogFormat, interests: Interests, raised: Raise
    ) -> None:
        self._artefact, self._layout = artefact, layout
        self._interests, self._raised = interests, raised
        self._line = 1  # the number of the block's first line
        self._first: Record | None = None
        self._last: Record | None = None
        self._times: list[datetime] = []
        self._is_cut = False  # the last line has no end
        self._counts: Counter[str] = Counter()
        self._late: dict[str, deque[_Late]] = {}
        self._remembered: dict[bytes, list[_Match]] = {}
        self._time = 0  # how long the time at the begin of a record is

    def block(self, block: bytes) -> None:
        counted_to, line, done_to = 0, self._line, 0
        if self._line == 1 and len(block) > SAMPLE:
            self._interests = self._interests.tuned_to(block[:SAMPLE])
        if not block.isspace():
            self._edges(block)
        while (at := self._interests.next_in(block, done_to)) is not None:
            start, end = self._record_bounds(block, at, done_to)
            line += block.count(b"\n", counted_to, start)
            counted_to, done_to = start, end
            self._record(block[start:end], line)
        self._line += block.count(b"\n")
        self._is_cut = not block.endswith(b"\n")

    def _record_bounds(self, block: bytes, at: int, floor: int) -> tuple[int, int]:
        start = block.rfind(b"\n", 0, at) + 1
        for _ in range(LONGEST_RECORD):
            if start <= floor or self._head_at(block, start):
                break
            start = block.rfind(b"\n", 0, start - 1) + 1
        end = self._line_end(block, max(at, start))
        for _ in range(LONGEST_RECORD):
            if end >= len(block) or self._head_at(block, end):
                break
            end = self._line_end(block, end)
        return max(start, floor), end

    def _head_at(self, block: bytes, at: int) -> bool:
        end = min(at + LONGEST_HEAD, self._line_end(block, at))
        return self._layout.head(spoken(block[at:end])) is not None

    def _line_end(self, block: bytes, at: int) -> int:
        return block.find(b"\n", at) + 1 or len(block)

    def _record(self, raw: bytes, line: int) -> None:
        raw = raw[:LONGEST_LINE].rstrip(b"\r\n")
        for interest, values in self._matched(raw, line):
            self._counts[interest.name] += 1
            if self._counts[interest.name] <= FIRST:
                self._raise(_Late(interest, values, raw, line), 1)
            else:
                late = self._late.setdefault(interest.name, deque(maxlen=LAST))
                late.append(_Late(interest, values, raw, line))

    def _matched(self, raw: bytes, line: int) -> list["_Match"]:
        time, message = raw[: self._time], raw[self._time :]
        if len(message) > _LONGEST_REMEMBERED or time.strip(_TIME):
            return self._interests.matched(raw, lambda: self._read(raw, line).level)
        known = self._remembered.get(message)
        if known is None:
            known = self._interests.matched(raw, lambda: self._read(raw, line).level)
            if len(self._remembered) < _REMEMBERED:
                self._remembered[message] = known
        return known

    def _raise(self, late: "_Late", stands_for: int) -> None:
        record = replace(self._read(late.raw, late.line), values=late.values)
        self._raised(late.interest, record, stands_for)

    def _read(self, raw: bytes, line: int) -> Record:
        return read_record(raw, line, artefact=self._artefact.name, layout=self._layout)

    def finish(self) -> None:
        """Raise the last records of what came too often to raise each."""
        for name, late in self._late.items():
            unseen = self._counts[name] - FIRST - len(late)
            for number, one in enumerate(late):
                self._raise(one, 1 if number else 1 + unseen)

    def _edges(self, block: bytes) -> None:
        """Note the log's first and last record, and the times between which it speaks."""
        first = self._at(block, _first_head(block, self._layout))
        self._last = self._at(block, _last_head(block, self._layout))
        if self._first is None:
            self._first = first
            head = self._layout.head(first.span.excerpt)
            self._time = head.end("when") if head and "when" in head.re.groupindex else 0
        self._times += [one.when for one in (first, self._last) if one.when]

    def _at(self, block: bytes, begin: int) -> Record:
        """The record that begins there, as far as one line tells."""
        end = self._line_end(block, begin)
        number = self._line + block.count(b"\n", 0, begin)
        return read_record(
            block[begin:end][:LONGEST_LINE],
            number,
            artefact=self._artefact.name,
            layout=self._layout,
        )

    def seen(self) -> LogSeen | None:
        if self._first is None or self._last is None:
            return None
        return LogSeen(
            span=self._first.span,
            last=self._last.span,
            stream=self._layout.stream,
            lines=self._line - 1 + self._is_cut,
            whole=self._artefact.whole,
            begins=self._end(min, 0),
            ends=self._end(max, -1),
        )

    def _end(self, outermost: Callable[[list[datetime]], datetime], place: int) -> datetime | None:
        """The earliest or latest time; where years are unknown only the place in the log tells."""
        if not self._times:
            return None
        return self._times[place] if self._times[0].year == UNKNOWN_YEAR else outermost(self._times)


def read_record(raw: bytes, line: int, *, artefact: str, layout: LogFormat) -> Record:
    """Take a record apart; a line of another layout is a record without a head."""
    text = spoken(raw).replace("\r\n", "\n").rstrip("\r\n")
    first_line, _, more = text.partition("\n")
    head = layout.head(first_line)
    span = Span(
        artefact=artefact, first=line, last=line + text.count("\n"), excerpt=text[:LONGEST_EXCERPT]
    )
    if head is None:
        return Record(span=span, stream=layout.stream, text=text)
    said = group(head, "text") or first_line[head.end() :]
    return Record(
        span=span,
        stream=layout.stream,
        when=layout.when(head),
        level=group(head, "level").lower(),
        who=group(head, "who"),
        text=f"{said}\n{more}" if more else said,
    )
