"""What people paste from a Linux terminal: lines without prompts, quotes and carriage returns."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.decoding import text_of
from holdfast.doctor.model import LONGEST_EXCERPT, Span
from holdfast.doctor.pasted import as_shown

# "root@vm:~# df -h" and "[azureuser@vm ~]$ df -h": the prompt with what was typed after it.
_PROMPT = re.compile(r"^[ \t]*(?:\[?[\w.-]+@[\w.-]+[^$#\n]{0,80}[$#]|[$#])\s+(?P<typed>\S.*)$")
_SIZE = re.compile(r"^(?P<number>\d+(?:[.,]\d+)?)(?P<unit>[KMGTPE])?(?:i?B)?$", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `text` without a quote mark, `typed` what stands behind a prompt."""

    span: Span
    text: str
    typed: str = ""


def lines_of(artefact: Artefact) -> list[Line]:
    """All lines with their places in the artefact."""
    with artefact.open() as stream:
        whole = text_of(stream)
    written = whole.split("\n")
    spans = (
        Span(artefact=artefact.name, first=number, last=number, excerpt=raw[:LONGEST_EXCERPT])
        for number, raw in enumerate(written, 1)
    )
    return [
        _line(span, shown.rstrip()) for span, shown in zip(spans, as_shown(written), strict=True)
    ]


def _line(span: Span, text: str) -> Line:
    prompt = _PROMPT.match(text) if text else None
    return Line(span, "" if prompt else text, prompt.group("typed") if prompt else "")


def joined(lines: list[Line]) -> Span:
    """The span from the first of these lines to the last."""
    first, last = lines[0].span, lines[-1].span
    text = "\n".join(line.span.excerpt for line in lines)[:LONGEST_EXCERPT]
    return Span(artefact=first.artefact, first=first.first, last=last.last, excerpt=text)


def matches(lines: list[Line], pattern: re.Pattern[str]) -> Iterator[tuple[Line, re.Match[str]]]:
    for line in lines:
        if found := pattern.search(line.text):
            yield line, found


def size_of(text: str, unit: int = 1) -> int | None:
    """A size with its suffix in bytes; a bare number counts in `unit` bytes."""
    found = _SIZE.match(text)
    if not found:
        return None
    number = float(found.group("number").replace(",", "."))
    suffix = (found.group("unit") or "").upper()
    return int(number * (1024 ** _POWERS[suffix] if suffix else unit))
