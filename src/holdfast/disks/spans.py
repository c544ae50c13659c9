"""Byte ranges of a disk and what can be done with lists of them.

A list of spans is sorted, and its spans are neither empty nor do they touch: `merged` makes such
a list of any spans, and every other function takes and gives such lists. All are linear, for a
fragmented disk has a hundred thousand spans.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """Bytes from `start` up to `end`, which is not part of it."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same bytes in as few spans as possible."""
    result: list[Span] = []
    first = last = -1
    for start, end in sorted(spans):
        if start >= end:
            continue
        if start <= last:
            last = max(last, end)
            continue
        if last >= 0:
            result.append(Span(first, last))
        first, last = start, end
    if last >= 0:
        result.append(Span(first, last))
    return result


def union(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    # Sorting two sorted runs is one linear merge.
    return merged([*one, *other])


def intersection(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    result: list[Span] = []
    at = 0
    for start, end in one:
        while at < len(other) and other[at].end <= start:
            at += 1
        look = at
        while look < len(other) and other[look].start < end:
            result.append(Span(max(start, other[look].start), min(end, other[look].end)))
            look += 1
        # The last one may reach into the next span too.
        at = max(at, look - 1)
    return result


def difference(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """What is in `one` and not in `other`."""
    result: list[Span] = []
    at = 0
    for first, end in one:
        start = first
        while at < len(other) and other[at].end <= start:
            at += 1
        look = at
        while look < len(other) and other[look].start < end:
            if start < other[look].start:
                result.append(Span(start, other[look].start))
            start = other[look].end
            look += 1
        at = max(at, look - 1)
        if start < end:
            result.append(Span(start, end))
    return result


def aligned(spans: Iterable[Span], unit: int, size: int) -> list[Span]:
    """Every unit that a span touches, as a whole, on a disk of `size` bytes."""
    return merged(
        Span(start - start % unit, min(end + -end % unit, size)) for start, end in spans if end
    )


def clipped(spans: Iterable[Span], within: Span) -> list[Span]:
    cut = (Span(max(start, within.start), min(end, within.end)) for start, end in spans)
    return [span for span in cut if span.start < span.end]


def total(spans: Iterable[Span]) -> int:
    """How many bytes they are."""
    return sum(end - start for start, end in spans)


def pieces(spans: Iterable[Span], longest: int) -> Iterator[Span]:
    """The spans cut at multiples of `longest`, so that a piece never has more bytes than that."""
    for first, end in spans:
        start = first
        while start < end:
            cut = min(end, start - start % longest + longest)
            yield Span(start, cut)
            start = cut
