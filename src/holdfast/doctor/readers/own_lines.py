"""The form of what Holdfast's own probes write: JSON lines that say of what kind they are."""

import dataclasses
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.decoding import blocks
from holdfast.doctor.facts import Fact
from holdfast.doctor.model import LONGEST_EXCERPT, Span

# The key that every line of ours begins with, and what it may say.
KIND = "holdfast"
# Without it in it a line is none of ours, and need not be parsed.
_MARK = f'"{KIND}"'.encode()
Line = dict[str, Any]


def looks_like(kinds: Collection[str]) -> Callable[[str, str], bool]:
    def accepts(head: str, _file: str) -> bool:
        if f'"{KIND}"' not in head:
            return False
        plain = head.replace('": "', '":"')
        return any(f'"{KIND}":"{kind}"' in plain for kind in kinds)

    return accepts


def objects(artefact: Artefact) -> Iterator[tuple[Span, Line]]:
    """The objects of our lines; a line that is cut or foreign is passed over."""
    number = 0
    with artefact.open() as stream:
        for block in blocks(stream):
            for raw in block.splitlines():
                number += 1
                known = _object(raw) if _MARK in raw else None
                if known and KIND in known:
                    text = raw.decode("utf-8", "replace")[:LONGEST_EXCERPT]
                    span = Span(artefact=artefact.name, first=number, last=number, excerpt=text)
                    yield span, known


def facts_of(artefact: Artefact, kinds: Mapping[str, type[Fact]]) -> Iterator[Fact]:
    """A fact for each line of these kinds whose fields are what they should be."""
    for span, known in objects(artefact):
        kind = kinds.get(str(known[KIND]))
        if kind is not None and (made := _made(kind, span, known)):
            yield made


def _made(kind: type[Fact], span: Span, known: Line) -> Fact | None:
    told = {name: value for name, value in known.items() if value is not None}
    try:
        made = msgspec.convert({**told, "span": dataclasses.asdict(span)}, kind, strict=False)
        moments: Line = {
            one.name: plain(value)
            for one in dataclasses.fields(made)
            if isinstance(value := getattr(made, one.name), datetime)
        }
    except (msgspec.ValidationError, OverflowError):
        return None
    return dataclasses.replace(made, **moments) if moments else made


def plain(moment: datetime) -> datetime:
    """In UTC and without saying so, as the doctor's "now" is."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _object(raw: bytes) -> Line | None:
    try:
        known = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return known if isinstance(known, dict) else None
