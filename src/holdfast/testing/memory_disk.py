"""A disk in memory, to be served: with holes where it is told, and failing where it is told."""

from collections.abc import Sequence

from holdfast.disks.spans import Span

_NOTHING = Span(0, 0)


class MemoryDisk:
    """Data in each of `spans`, a byte that tells where; zeroes elsewhere."""

    def __init__(self, size: int, spans: Sequence[Span], *, broken: Span = _NOTHING) -> None:
        self.size = size
        self._spans = list(spans)
        self._broken = broken
        self.content = bytearray(size)
        for start, end in spans:
            self.content[start:end] = (b"%09d " % start * ((end - start) // 10 + 1))[: end - start]
        self.reads: list[Span] = []

    def read(self, offset: int, length: int) -> memoryview:
        self.reads.append(Span(offset, offset + length))
        if offset < self._broken.end and offset + length > self._broken.start:
            raise OSError("the store is gone")
        return memoryview(self.content)[offset : offset + length]

    def spans_with_data(self) -> list[Span]:
        return self._spans
