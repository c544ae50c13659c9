r"""Event logs of Windows, whatever they were saved as, as records of the stream `windows.event-log`.

Every record's text is `<source> <event id>: <message>`, so that an event of the catalogue matches
on `\bVSS 8193:` or `\bHyper-V-VMMS 32086:` whether it came from a binary .evtx, from `wevtutil`,
from the Event Viewer (CSV, TXT, XML, copied details, in any language) or from PowerShell. The source
is the provider's name; the Event Viewer leaves out the `Microsoft-Windows-` before it, so patterns
should begin with a word boundary. A binary log holds no messages: there the values that were
inserted stand in its place, joined by `; `. Its lines are joined, since consoles wrap them anywhere. `values` has `source` and `event_id`, `level` is
critical, error, warning, information, verbose or "" (a language whose words are not known): patterns
should not rely on levels.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.decoding import blocks, spoken
from holdfast.doctor.facts import Fact, LogSeen, Record
from holdfast.doctor.log_format import LONGEST_RECORD, parse_iso
from holdfast.doctor.model import LONGEST_EXCERPT, Span
from holdfast.doctor.readers.windows_lines import moment
from holdfast.doctor.readers_registry import reader

STREAM = "windows.event-log"
LEVELS = {0: "information", 1: "critical", 2: "error", 3: "warning", 4: "information", 5: "verbose"}
# English, Korean, German, French, Spanish, Japanese, Chinese.
_LEVEL_WORDS = {
    "critical": "critical 위험 심각 kritisch critique crítico 重大 严重 關鍵",
    "error": "error 오류 fehler erreur error エラー 错误 錯誤",
    "warning": "warning 경고 warnung avertissement advertencia 警告",
    "information": "information 정보 informationen informations información 情報 信息 資訊",
    "verbose": "verbose 자세한 ausführlich detalle 詳細",
}
_LEVEL_OF = {word: level for level, words in _LEVEL_WORDS.items() for word in words.split()}

Lines = Iterable[tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every form of an event log says of one event."""

    source: str
    number: int
    message: str
    when: datetime | None
    level: str

    def record(self, span: Span) -> Record:
        return Record(
            span=span,
            stream=STREAM,
            when=self.when,
            level=self.level,
            who=self.source,
            text=f"{self.source} {self.number}: {' '.join(self.message.split())}",
            values={"source": self.source, "event_id": str(self.number)},
        )


def level_of(word: str) -> str:
    return _LEVEL_OF.get(word.strip().lower(), "")


@dataclass(slots=True)
class Seen:
    """Passes records on and remembers between which of them the log speaks."""

    whole: bool
    lines: int = 0
    _first: Span | None = None
    _last: Span | None = None
    _times: list[datetime] = field(default_factory=list)

    def note(self, record: Record) -> Record:
        self._first = self._first or record.span
        self._last = record.span
        if record.when:
            edges = [*self._times, record.when]
            self._times = [min(edges), max(edges)]
        self.lines = max(self.lines, record.span.last)
        return record

    def done(self) -> Iterator[LogSeen]:
        if self._first and self._last:
            yield LogSeen(
                span=self._first,
                last=self._last,
                stream=STREAM,
                lines=self.lines,
                whole=self.whole,
                begins=self._times[0] if self._times else None,
                ends=self._times[-1] if self._times else None,
            )


def numbered(artefact: Artefact) -> Iterator[tuple[int, str]]:
    """The lines of a text of any size, from 1."""
    number = 0
    with artefact.open() as stream:
        for block in blocks(stream):
            for raw in block.split(b"\n")[: -1 if block.endswith(b"\n") else None]:
                number += 1
                yield number, spoken(raw).rstrip("\r")


def span_of(artefact: Artefact, lines: list[tuple[int, str]]) -> Span:
    """The lines of one record without blank ends."""
    while len(lines) > 1 and not lines[-1][1].strip():
        lines = lines[:-1]
    excerpt = "\n".join(line for _, line in lines)[:LONGEST_EXCERPT]
    return Span(artefact=artefact.name, first=lines[0][0], last=lines[-1][0], excerpt=excerpt)


# Level, date and time, source, event id, category, message: the order is the same everywhere.
_CELL = r"(?:\"(?:[^\"]|\"\")*\"|[^,;\t\"]*)"
_ROW = re.compile(
    rf"^\ufeff?(?P<level>{_CELL})(?P<sign>[,;\t])(?P<when>\"?[^,;\t\"]*\d[^,;\t\"]*:\d\d[^,;\t\"]*\"?)(?P=sign)"
    rf"(?P<source>{_CELL})(?P=sign)\"?(?P<id>\d{{1,5}})\"?(?P=sign)(?P<category>{_CELL})(?:(?P=sign)(?P<message>.*))?$"
)


def _is_delimited(head: str, _: str) -> bool:
    lines = head.replace("\r", "").split("\n")
    return sum(bool(_ROW.match(line)) for line in lines[:200]) >= 1


@reader(STREAM, accepts=_is_delimited)
def read_delimited(artefact: Artefact) -> Iterator[Fact]:
    """The Event Viewer's CSV and TXT; a message in quotes goes on over lines."""
    seen = Seen(artefact.whole)
    for lines in _cut(numbered(artefact), _ROW):
        if found := _ROW.match(lines[0][1]):
            yield seen.note(_delimited(found, lines).record(span_of(artefact, lines)))
    yield from seen.done()


def _cut(lines: Lines, head: re.Pattern[str]) -> Iterator[list[tuple[int, str]]]:
    """Records: a line that matches the head, and what follows it."""
    record: list[tuple[int, str]] = []
    for number, line in lines:
        if head.match(line):
            if record:
                yield record
            record = [(number, line)]
        elif record and len(record) < LONGEST_RECORD:
            record.append((number, line))
    if record:
        yield record


def _delimited(found: re.Match[str], lines: list[tuple[int, str]]) -> Event:
    message = "\n".join([found["message"] or "", *(line for _, line in lines[1:])])
    return Event(
        source=found["source"].strip('" '),
        number=int(found["id"]),
        message=message.strip().strip('"').replace('""', '"'),
        when=moment(found["when"]),
        level=level_of(found["level"].strip('" ')),
    )


# Log, source, date, number: four labelled lines in this order begin an event. A translated label
# may fill its column, so that no blank stands behind it.
_LABELLED = re.compile(
    r"^[ \t>|]*[^\s:\uff1a][^:\uff1a\n]{0,30}?\s*[:\uff1a](?:(?:\s+|(?=[^\s\\/]))(?P<value>\S.*?))?\s*$"
)
_INDEX = re.compile(r"^[ \t]*\w+\s?\[\d+\]:?\s*$")
_PARTS = 4
_LEVEL_PART = 5
_LABELS = 12


def _begins(window: Iterable[tuple[int, str]]) -> bool:
    found = [_LABELLED.match(line) for _, line in window]
    values = [(one["value"] or "") if one else "" for one in found]
    if len(values) != _PARTS or not all(values) or not values[3].isdigit():
        return False
    if "/" in values[1] or int(values[3]) == 0:  # logon mode, last run, last result of a task
        return False
    return _when(values[2]) is not None and ":" in values[2]


def _when(text: str) -> datetime | None:
    return moment(text) or parse_iso(text)


def _is_labelled(head: str, _: str) -> bool:
    lines = list(enumerate(head.replace("\r", "").split("\n")))
    return any(_begins(lines[at : at + _PARTS]) for at in range(len(lines) - _PARTS + 1))


@reader(STREAM, accepts=_is_labelled)
def read_labelled(artefact: Artefact) -> Iterator[Fact]:
    """`wevtutil /f:text` and the details that the Event Viewer copies."""
    seen = Seen(artefact.whole)
    for lines in _labelled(numbered(artefact)):
        yield seen.note(_of_labels(lines).record(span_of(artefact, lines)))
    yield from seen.done()


def _labelled(lines: Lines) -> Iterator[list[tuple[int, str]]]:
    window: deque[tuple[int, str]] = deque(maxlen=_PARTS)
    record: list[tuple[int, str]] = []
    for one in lines:
        window.append(one)
        if _begins(window):
            before = [old for old in record if old[0] < window[0][0] and not _INDEX.match(old[1])]
            if before:
                yield before
            record = list(window)
        elif record and len(record) < LONGEST_RECORD:
            record.append(one)
    if record:
        yield record


def _of_labels(lines: list[tuple[int, str]]) -> Event:
    labels: list[str] = []
    rest = len(lines)
    for place, (_, line) in enumerate(lines[:_LABELS]):
        found = _LABELLED.match(line)
        if found is None or (place > _LEVEL_PART and _describes(lines, place)):
            rest = place
            break
        labels.append(found["value"] or "")
    message = "\n".join(line.strip() for _, line in lines[rest:])
    return Event(
        source=labels[1],
        number=int(labels[3]),
        message=_without_label(message).strip(),
        when=_when(labels[2]),
        level=level_of(labels[_LEVEL_PART]) if len(labels) > _LEVEL_PART else "",
    )


# Between empty keywords and the description stand the user and the computer.
_TO_DESCRIPTION = 3


def _describes(lines: list[tuple[int, str]], place: int) -> bool:
    """A label without a value begins the description, unless it is that of empty keywords."""
    after = [_LABELLED.match(line) for _, line in lines[place : place + _TO_DESCRIPTION + 1]]
    empty = [one is not None and not one["value"] for one in after]
    keywords = len(after) > _TO_DESCRIPTION and all(after) and empty[-1] and not any(empty[1:-1])
    return empty[0] and not keywords


def _without_label(message: str) -> str:
    """Leave out the word for "Description" and the XML that may follow."""
    first, _, more = message.partition("\n")
    text = more if first.rstrip().endswith(":") else message
    return text.split("<Event xmlns=", 1)[0]


_EVENT_END = "</Event>"
_EVENT_BEGIN = re.compile(r"<Event(?:\s[^>]*)?>")
_PROVIDER = re.compile(r"<Provider\b[^>]*?\bName\s*=\s*(?P<q>[\"'])(?P<name>.*?)(?P=q)", re.DOTALL)
_SOURCE_NAME = re.compile(
    r"<Provider\b[^>]*?\bEventSourceName\s*=\s*(?P<q>[\"'])(?P<name>.*?)(?P=q)", re.DOTALL
)
_EVENT_ID = re.compile(r"<EventID\b[^>]*>\s*(?P<id>\d+)\s*</EventID>")
_XML_LEVEL = re.compile(r"<Level>\s*(?P<level>\d+)\s*</Level>")
_CREATED = re.compile(r"<TimeCreated\b[^>]*?SystemTime\s*=\s*[\"'](?P<when>[^\"']+)")
_MESSAGE = re.compile(r"<Message>(?P<text>.*?)</Message>", re.DOTALL)
_DATA = re.compile(r"<(?:Data\b[^>]*|Binary|param\d+|\w+)>(?P<text>[^<]+)</", re.DOTALL)
# An event of more text than this is damage.
_LONGEST_EVENT = 1 << 20


def _is_xml(head: str, _: str) -> bool:
    found = _EVENT_BEGIN.search(head) and _EVENT_ID.search(head)
    return bool(found) and not _is_labelled(head, "")  # copied details repeat themselves in XML


@reader(STREAM, accepts=_is_xml)
def read_xml(artefact: Artefact) -> Iterator[Fact]:
    """XML of `wevtutil` and the Event Viewer, one event per line or all on one."""
    seen = Seen(artefact.whole)
    for text, line in _events(artefact):
        if event := of_xml(text):
            excerpt = text[:LONGEST_EXCERPT]
            span = Span(
                artefact=artefact.name, first=line, last=line + text.count("\n"), excerpt=excerpt
            )
            yield seen.note(event.record(span))
    yield from seen.done()


def _events(artefact: Artefact) -> Iterator[tuple[str, int]]:
    """The text of each event with the line on which it begins."""
    rest, line = "", 1
    with artefact.open() as stream:
        for block in blocks(stream):
            rest += spoken(block).replace("\r\n", "\n")
            while (end := rest.find(_EVENT_END)) >= 0:
                end += len(_EVENT_END)
                begins = list(_EVENT_BEGIN.finditer(rest, 0, end))
                begin = begins[-1].start() if begins else 0
                yield rest[begin:end], line + rest.count("\n", 0, begin)
                line += rest.count("\n", 0, end)
                rest = rest[end:]
            if len(rest) > _LONGEST_EVENT:
                line += rest.count("\n")
                rest = ""


def of_xml(text: str) -> Event | None:
    known, provider = _EVENT_ID.search(text), _SOURCE_NAME.search(text) or _PROVIDER.search(text)
    if known is None or provider is None:
        return None
    level, created, message = _XML_LEVEL.search(text), _CREATED.search(text), _MESSAGE.search(text)
    body = text[known.end() :].partition("</System>")[2]
    said = (
        message["text"]
        if message
        else "; ".join(one["text"].strip() for one in _DATA.finditer(body))
    )
    return Event(
        source=unescape(provider["name"]),
        number=int(known["id"]),
        message=unescape(said).strip(),
        when=_utc(created["when"]) if created else None,
        level=LEVELS.get(int(level["level"]), "") if level else "",
    )


def _utc(text: str) -> datetime | None:
    """Windows writes up to nine digits of a second."""
    return parse_iso(re.sub(r"(\.\d{6})\d+", r"\1", text))
