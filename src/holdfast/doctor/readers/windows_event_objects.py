"""Event logs as PowerShell prints them: `Get-WinEvent` and `Get-EventLog` as list, table or CSV.

See `windows_events` for how a record is rendered.
"""

import csv
import re
from collections.abc import Iterable, Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import Row, lists, tables
from holdfast.doctor.readers.windows_events import STREAM, Event, Seen, level_of
from holdfast.doctor.readers.windows_lines import Text, moment
from holdfast.doctor.readers_registry import reader

_LIST = re.compile(
    r"^[ \t>|]*(?:TimeCreated|TimeGenerated|ProviderName|EntryType|InstanceId)\s*:", re.MULTILINE
)
_TABLE = re.compile(
    r"^[ \t>|]*(?:TimeCreated\s+(?:ProviderName\s+)?Id\b.*Message|(?:Index\s+)?Time\S*\s+EntryType\s+Source\s+InstanceID\b)",
    re.MULTILINE,
)
_CSV = re.compile(
    r"^\ufeff?(?:#TYPE[^\n]*\n)?\"?[^\n]*\"?(?:Id|EventID|InstanceId)\"?,[^\n]*\"?(?:ProviderName|Source)\"?"
)
_PROVIDER = re.compile(r"^[ \t]*ProviderName:\s*(?P<name>\S.*?)\s*$")


def _is_objects(head: str, _: str) -> bool:
    ids = re.search(r"^[ \t>|]*(?:Id|EventID|InstanceId)\s*:\s*\d+", head, re.MULTILINE)
    return bool(_LIST.search(head) and ids) or bool(_TABLE.search(head)) or bool(_CSV.match(head))


@reader(STREAM, accepts=_is_objects)
def read_objects(artefact: Artefact) -> Iterator[Fact]:
    """Objects with an id, a source and a message; a table names the source above itself."""
    text = windows_lines.read(artefact)
    seen = Seen(whole=False)  # long outputs are read from their start only, tables are shortened
    for row in [*_csv_rows(text), *lists(text), *_with_provider(text, tables(text))]:
        if event := _event(row):
            yield seen.note(event.record(row.span))
    yield from seen.done()


def _with_provider(text: Text, rows: Iterable[Row]) -> Iterator[Row]:
    """`Get-WinEvent` groups its table by provider."""
    heads = [
        (number, found["name"])
        for number, line in enumerate(text.lines, 1)
        if (found := _PROVIDER.match(line))
    ]
    for row in rows:
        above = [name for number, name in heads if number < row.span.first]
        known = {"providername": above[-1]} if above else {}
        yield Row({**known, **row.values}, row.span)


def _csv_rows(text: Text) -> Iterator[Row]:
    if not _CSV.match(text.whole):
        return
    begin = 1 if text.lines[0].lstrip("\ufeff").startswith("#TYPE") else 0
    found = csv.reader(line + "\n" for line in text.lines[begin:])
    try:
        names = [name.strip("\ufeff ").lower() for name in next(found)]
        before = found.line_num
        for cells in found:
            span = text.span(begin + before + 1, begin + found.line_num)
            yield Row(dict(zip(names, cells, strict=False)), span)
            before = found.line_num
    except (csv.Error, StopIteration):
        return


def _event(row: Row) -> Event | None:
    number = row.get("id", "eventid", "instanceid")
    source = row.get("providername", "source")
    if not number.isdigit() or not source:
        return None
    return Event(
        source=source,
        # An instance id carries severity and facility above the event's number.
        number=int(number) & 0xFFFF,
        message=row.get("message"),
        when=moment(row.get("timecreated", "timegenerated", "timewritten", "time")),
        level=level_of(row.get("leveldisplayname", "entrytype")),
    )
