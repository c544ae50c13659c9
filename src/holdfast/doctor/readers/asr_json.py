"""JSON of Azure whatever stands around it: its objects in order, each with the lines it came from.

Property names differ between tools in upper and lower case only, so they are compared in lower case.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.decoding import text_of
from holdfast.doctor.log_format import parse_iso
from holdfast.doctor.model import LONGEST_EXCERPT, Span

_BEGIN = re.compile(r"[\[{]")
_TICKS = re.compile(r"/Date\((?P<milliseconds>-?\d{1,15})")
_AMERICAN = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S")
# An object's own values stand within so many lines of its first one.
_NEAR = 60
_MOST = 200_000
# More beginnings than this are no listing.
_TRIES = 1000


@dataclass(frozen=True, slots=True)
class Node:
    """One object: its properties by name in lower case, and the names that led to it."""

    values: Mapping[str, Any]
    path: tuple[str, ...] = ()

    def text(self, *names: str) -> str:
        """The first of these that says something."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, str | int | float) and str(value).strip():
                return str(value).strip()
        return ""

    def node(self, *names: str) -> "Node":
        for name in names:
            if isinstance(value := self.values.get(name), dict):
                return Node(lowered(value), (*self.path, name))
        return Node({})

    def nodes(self, *names: str) -> list["Node"]:
        for name in names:
            if isinstance(value := self.values.get(name), list):
                return [Node(lowered(one), (*self.path, name)) for one in value if _is(one)]
        return []


def _is(value: object) -> bool:
    return isinstance(value, dict)


def lowered(value: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key).lower(): one for key, one in value.items()}


@dataclass(slots=True)
class Document:
    """A text with JSON in it."""

    name: str
    whole: str
    lines: list[str] = field(init=False)
    # Where the last span ended: objects are asked for in the order in which they stand.
    _after: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.lines = self.whole.split("\n")

    def nodes(self) -> Iterator[Node]:
        """Every object, outer ones before inner ones."""
        stack: list[tuple[Any, tuple[str, ...]]] = [(one, ()) for one in reversed(self._values())]
        count = 0
        while stack and count < _MOST:
            value, path = stack.pop()
            count += 1
            if isinstance(value, list):
                stack.extend((one, path) for one in reversed(value))
            elif isinstance(value, dict):
                node = Node(lowered(value), path)
                yield node
                inner = [(one, (*path, key)) for key, one in node.values.items()]
                stack.extend(reversed([pair for pair in inner if isinstance(pair[0], dict | list)]))

    def _values(self) -> list[Any]:
        decoder, at, found = json.JSONDecoder(), 0, list[Any]()
        for _ in range(_TRIES):
            if not (begin := _BEGIN.search(self.whole, at)):
                break
            try:
                value, at = decoder.raw_decode(self.whole, begin.start())
            except (ValueError, RecursionError):
                at = begin.end()
                continue
            found.append(value)
        return found

    def span(self, *said: str) -> Span:
        """The lines from the first that says the first of these to the last that says another."""
        wanted = [json.dumps(word, ensure_ascii=False)[1:-1] for word in said if word]
        first = self._line(wanted[0]) if wanted else 0
        last = first
        for number in range(first, min(first + _NEAR, len(self.lines))):
            if any(word in self.lines[number] for word in wanted):
                last = number
        excerpt = "\n".join(line.rstrip("\r") for line in self.lines[first : last + 1])
        return Span(
            artefact=self.name, first=first + 1, last=last + 1, excerpt=excerpt[:LONGEST_EXCERPT]
        )

    def _line(self, word: str) -> int:
        """From where the last object ended, else from the start."""
        for start in (self._after, 0):
            for number in range(start, len(self.lines)):
                if word in self.lines[number]:
                    self._after = number
                    return number
        return 0


def document(artefact: Artefact) -> Document:
    with artefact.open() as stream:
        return Document(artefact.name, text_of(stream))


def moment(text: str) -> datetime | None:
    """A time in ISO 8601, as ticks of .NET's JSON, or as an American console prints it."""
    if ticks := _TICKS.search(text):
        try:
            stamp = datetime.fromtimestamp(int(ticks["milliseconds"]) / 1000, UTC)
        except (OverflowError, OSError, ValueError):
            return None
        return stamp.replace(tzinfo=None)
    for layout in _AMERICAN:
        try:
            return datetime.strptime(text.strip(), layout)  # noqa: DTZ007  the console names no zone
        except ValueError:
            continue
    return parse_iso(re.sub(r"(\.\d{6})\d+", r"\1", text))
