"""Binary event logs (.evtx): chunk by chunk, what is damaged is left out.

The lines of a span are record numbers, its excerpt is the record as `windows_events` renders it.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from evtx import PyEvtxParser

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.log_format import parse_iso
from holdfast.doctor.model import LONGEST_EXCERPT, Span
from holdfast.doctor.readers.windows_events import LEVELS, STREAM, Event, Seen
from holdfast.doctor.readers_registry import reader

_MAGIC = "ElfFile"
# So many records in a row that cannot be read: the rest is not a log.
_GIVE_UP = 10_000


def _is_evtx(head: str, file: str) -> bool:
    wide = _MAGIC.encode().ljust(8, b"\0").decode("utf-16-le")
    return head.startswith((_MAGIC, wide)) or (file.endswith(".evtx") and "ElfChnk" in head)


@reader(STREAM, accepts=_is_evtx)
def read_evtx(artefact: Artefact) -> Iterator[Fact]:
    seen = Seen(artefact.whole)
    for number, event in enumerate(_events(artefact), 1):
        record = event.record(Span(artefact=artefact.name, first=number, last=number, excerpt=""))
        span = Span(
            artefact=artefact.name, first=number, last=number, excerpt=record.text[:LONGEST_EXCERPT]
        )
        yield seen.note(event.record(span))
    yield from seen.done()


def _events(artefact: Artefact) -> Iterator[Event]:
    with artefact.open() as stream:
        try:
            parser = PyEvtxParser(stream, number_of_threads=1, skip_errors=True)
        except (RuntimeError, OSError, ValueError):
            return
        for raw in _readable(parser):
            if event := _event(raw):
                yield event


def _readable(parser: PyEvtxParser) -> Iterator[str]:
    """Records as JSON, past those that cannot be read."""
    records, failed = iter(parser.records_json()), 0
    while failed < _GIVE_UP:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                record = next(records)
        except StopIteration:
            return
        except (RuntimeError, OSError, ValueError):
            failed += 1
            continue
        failed = 0
        if record:
            yield record["data"]


def _event(raw: str) -> Event | None:
    try:
        whole = json.loads(raw)["Event"]
        system = whole["System"]
        number = int(_text(system["EventID"]))
    except (ValueError, KeyError, TypeError):
        return None
    provider = _attributes(system.get("Provider"))
    level = _text(system.get("Level"))
    return Event(
        source=str(provider.get("EventSourceName") or provider.get("Name") or ""),
        number=number,
        message="; ".join(_leaves({key: value for key, value in whole.items() if key != "System"})),
        when=parse_iso(str(_attributes(system.get("TimeCreated")).get("SystemTime", ""))),
        level=LEVELS.get(int(level), "") if level.isdigit() else "",
    )


def _attributes(node: object) -> Mapping[str, Any]:
    found = node.get("#attributes") if isinstance(node, dict) else None
    return found if isinstance(found, dict) else {}


def _text(node: object) -> str:
    return str(node.get("#text", "")) if isinstance(node, dict) else str(node)


def _leaves(node: object) -> Iterator[str]:
    """All texts below a node in their order; attributes are no texts."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key != "#attributes":
                yield from _leaves(value)
    elif isinstance(node, list):
        for one in node:
            yield from _leaves(one)
    elif node not in (None, ""):
        yield str(node).strip()
