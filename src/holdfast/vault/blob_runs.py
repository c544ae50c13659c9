"""Read many blobs with few requests: neighbours in a pack come in one go."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from holdfast.base.ids import PackId
from holdfast.base.units import KIB, MIB
from holdfast.storage.protocol import Storage
from holdfast.vault.blob_index import Location
from holdfast.vault.blobs import open_blob
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Span
from holdfast.vault.sealed_files import SealedFiles

# Reading so much too much costs less than another request.
_GAP = 256 * KIB
# Several runs are in memory at a time; where each request costs, they are longer.
_NEAR, _FAR = 1 * MIB, 8 * MIB
_FAR_REWARDS = 4


class Run(NamedTuple):
    """Blobs that lie close together in a pack, in the order of their offsets."""

    pack: PackId
    spans: list[Span]

    @property
    def start(self) -> int:
        return self.spans[0].offset

    @property
    def length(self) -> int:
        return self.spans[-1].offset + self.spans[-1].length - self.start


def longest_run(storage: Storage) -> int:
    """A storage that rewards many calls at once is far away."""
    return _FAR if storage.parallel >= _FAR_REWARDS else _NEAR


def runs_of(wanted: Iterable[tuple[PackId, Span]], *, longest: int = _NEAR) -> Iterator[Run]:
    """Gather blobs into runs, pack by pack."""
    in_order = sorted(wanted, key=lambda pair: (pair[0], pair[1].offset))
    for pack, pairs in groupby(in_order, key=itemgetter(0)):
        spans: list[Span] = []
        for _, span in pairs:
            if spans and not _fits(spans, span, longest):
                yield Run(pack, spans)
                spans = []
            spans.append(span)
        yield Run(pack, spans)


def _fits(spans: list[Span], span: Span, longest: int) -> bool:
    gap = span.offset - (spans[-1].offset + spans[-1].length)
    return gap <= _GAP and span.offset + span.length - spans[0].offset <= longest


def read_run(files: SealedFiles, run: Run) -> bytes:
    """The part of the pack in which the blobs of a run lie."""
    return files.storage.read(pack_path(run.pack), run.start, run.length)


def sealed_in(run: Run, content: bytes) -> Iterator[tuple[Span, memoryview]]:
    """The blobs of a run as they lie in the pack, not yet looked at."""
    view, start = memoryview(content), run.start
    for span in run.spans:
        at = span.offset - start
        yield span, view[at : at + span.length]


def open_span(
    files: SealedFiles, pack: PackId, span: Span, sealed: memoryview
) -> bytes | bytearray:
    """The blob's plain bytes, proven to be the ones its id names."""
    location = Location(pack, span.offset, span.length, span.plain_length)
    return open_blob(files.sealer, span.kind, span.blob, location, sealed)
