"""Read many blobs at once: in the order in which they lie in packs, neighbours in one read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.ids import BlobId, PackId
from holdfast.base.units import KIB, MIB
from holdfast.vault.blob_index import Location
from holdfast.vault.blobs import open_blob
from holdfast.vault.envelope import OVERHEAD
from holdfast.vault.errors import BlobMissing
from holdfast.vault.forking import ahead
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Kind
from holdfast.vault.repository import Repository

Plain = bytes | bytearray
# Near storages: what was just read should still be in the processor's cache when it is opened.
_NEAR_RANGE, _NEAR_GAP = MIB, 64 * KIB
# Far ones: a request costs as much as a few hundred kilobytes.
_FAR_RANGE, _FAR_GAP = 8 * MIB, 256 * KIB

# A blob that shrank this much is nothing but zeros or a pattern.
_HOLLOW = 1000


# Plain tuples: they are made and sorted by the hundred thousand.
Wanted = tuple[Location, BlobId]


class Range(NamedTuple):
    """One read: a part of a pack with wanted blobs in it."""

    pack: PackId
    start: int
    end: int
    blobs: Sequence[Wanted]


class Blobs:
    """Gives blobs of one repository in the order that is cheapest to read."""

    def __init__(self, repository: Repository, *, parallel: int = 1) -> None:
        self._storage = repository.storage
        self._files = repository.files
        self._index = repository.index
        self._parallel = parallel
        self._limits = (_FAR_RANGE, _FAR_GAP) if parallel > 1 else (_NEAR_RANGE, _NEAR_GAP)

    def length(self, blob: BlobId) -> int | None:
        """How long a data blob is, without reading it."""
        found = self._index.find(Kind.DATA, blob)
        if found is None:
            return None
        return found.plain_length or found.length - OVERHEAD

    def room(self, blob: BlobId) -> int:
        """How much a data blob will take on disk, roughly: what shrank to nothing is a hole."""
        found = self._index.find(Kind.DATA, blob)
        if found is None or found.length * _HOLLOW < found.plain_length:
            return 0
        return found.plain_length or found.length - OVERHEAD

    def fetch(
        self, kind: Kind, blobs: Iterable[BlobId]
    ) -> Iterator[tuple[BlobId, Plain | HoldfastError]]:
        """Each blob once, in any order; damage comes as a value, for the others are still good."""
        wanted: list[Wanted] = []
        find = self._index.find
        for blob in dict.fromkeys(blobs):
            location = find(kind, blob)
            if location is None:
                yield blob, BlobMissing(kind=kind.word, blob=blob.hex())
            else:
                wanted.append((location, blob))
        wanted.sort()
        for part, read in self._reads(list(ranges(wanted, *self._limits))):
            yield from self._opened(kind, part, read)

    def _reads(self, parts: Sequence[Range]) -> Iterator[tuple[Range, Callable[[], bytes]]]:
        if self._parallel > 1 and len(parts) > 1:
            for part, future in ahead(parts, self._read, parallel=self._parallel):
                yield part, future.result
        else:
            for part in parts:
                yield part, partial(self._read, part)

    def _read(self, part: Range) -> bytes:
        return self._storage.read(pack_path(part.pack), part.start, part.end - part.start)

    def _opened(
        self, kind: Kind, part: Range, read: Callable[[], bytes]
    ) -> Iterator[tuple[BlobId, Plain | HoldfastError]]:
        try:
            view = memoryview(read())
        except HoldfastError as err:
            yield from self._singly(kind, part, err)
            return
        sealer, start = self._files.sealer, part.start
        for location, blob in part.blobs:
            _, offset, length, _ = location
            sealed = view[offset - start : offset - start + length]
            try:
                yield blob, open_blob(sealer, kind, blob, location, sealed)
            except HoldfastError as err:
                yield blob, self._elsewhere(kind, one=(location, blob), problem=err)

    def _singly(
        self, kind: Kind, part: Range, err: HoldfastError
    ) -> Iterator[tuple[BlobId, Plain | HoldfastError]]:
        """A torn pack still has its beginning; what is no damage concerns all blobs, so it ends us."""
        if err.exit_status != Exit.DAMAGE:
            raise err
        for one in part.blobs:
            location, blob = one
            if len(part.blobs) == 1:
                yield blob, self._elsewhere(kind, one=one, problem=err)
                continue
            start, length = location.offset, location.length
            alone = Range(part.pack, start, start + length, (one,))
            yield from self._opened(kind, alone, partial(self._read, alone))

    def _elsewhere(
        self, kind: Kind, *, one: Wanted, problem: HoldfastError
    ) -> Plain | HoldfastError:
        """The blob from another pack that holds it too, or what was wrong with the first copy."""
        first, blob = one
        for copy in self._index.find_all(kind, blob):
            if copy == first:
                continue
            try:
                sealed = self._storage.read(pack_path(copy.pack), copy.offset, copy.length)
                return open_blob(self._files.sealer, kind, blob, copy, sealed)
            except HoldfastError as err:
                if err.exit_status != Exit.DAMAGE:
                    raise
        return problem


def ranges(wanted: Iterable[Wanted], limit: int, gap: int) -> Iterator[Range]:
    """Cut sorted blobs into reads; a short unwanted gap is cheaper to read than to skip."""
    run: list[Wanted] = []
    pack = PackId(b"")
    start = end = 0
    for one in wanted:
        here, offset, length, _ = one[0]
        after = offset + length
        if run and here == pack and offset - end <= gap and after - start <= limit:
            run.append(one)
            end = max(end, after)
            continue
        if run:
            yield Range(pack, start, end, run)
        run, pack, start, end = [one], here, offset, after
    if run:
        yield Range(pack, start, end, run)
