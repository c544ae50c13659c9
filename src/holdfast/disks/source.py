"""What a disk must be able to do to be served, and where its data lies."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Protocol

from holdfast.disks.spans import Span, merged

Content = bytes | bytearray | memoryview


class DiskSource(Protocol):
    """A disk that does not change while it is served; several threads read it at once."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> Content:
        """Exactly `length` bytes; whatever it raises, the client learns as an I/O error."""

    def spans_with_data(self) -> Sequence[Span]:
        """Where it may be something else than zeroes; asked once."""


class Layout:
    """A source cut into data and holes."""

    def __init__(self, source: DiskSource) -> None:
        self.size = source.size
        self._spans = merged(source.spans_with_data())
        self._starts = [span.start for span in self._spans]

    def parts(self, span: Span) -> Iterator[tuple[Span, bool]]:
        """The span in its order, each part with whether data is there."""
        at = span.start
        number = max(0, bisect_right(self._starts, at) - 1)
        while at < span.end and number < len(self._spans):
            start, end = self._spans[number]
            number += 1
            if end <= at:
                continue
            if at < start:
                yield Span(at, min(start, span.end)), False
                at = start
            if at < span.end:
                yield Span(at, min(end, span.end)), True
                at = end
        if at < span.end:
            yield Span(at, span.end), False
