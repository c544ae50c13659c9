"""From blobs that are wanted to as few reads of the storage as possible."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from holdfast.base.ids import BlobId
from holdfast.base.units import KIB, MIB
from holdfast.storage.protocol import Storage
from holdfast.vault.blob_index import BlobIndex, Location
from holdfast.vault.blobs import open_blob
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.errors import BlobMissing
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Kind

# Reading over a gap this small costs less than a second request.
_GAP = 32 * KIB
_RUN = 8 * MIB

Plain = bytes | bytearray


class Wanted(NamedTuple):
    kind: Kind
    blob: BlobId
    location: Location


@dataclass(frozen=True, slots=True)
class Run:
    """Blobs that lie so close in one pack that one read brings them all."""

    blobs: tuple[Wanted, ...]

    @property
    def offset(self) -> int:
        return self.blobs[0].location.offset

    @property
    def length(self) -> int:
        last = self.blobs[-1].location
        return last.offset + last.length - self.offset


def plan_runs(wanted: Iterable[Wanted]) -> list[Run]:
    """Group what is wanted into runs; the runs come in the order of their first mention."""
    packs: dict[bytes, list[Wanted]] = {}
    for one in wanted:
        packs.setdefault(one.location.pack, []).append(one)
    return [Run(tuple(run)) for blobs in packs.values() for run in _split(blobs)]


def _split(blobs: list[Wanted]) -> Iterator[list[Wanted]]:
    blobs.sort(key=lambda one: one.location.offset)
    run = blobs[:1]
    for before, one in pairwise(blobs):
        end = before.location.offset + before.location.length
        too_long = one.location.offset + one.location.length - run[0].location.offset > _RUN
        if too_long or one.location.offset - end > _GAP:
            yield run
            run = []
        run.append(one)
    yield run


class Fetcher:
    """Reads blobs of one repository; may be used from several threads."""

    def __init__(self, storage: Storage, master: MasterKey, index: BlobIndex) -> None:
        self._storage = storage
        self._master = master
        self.index = index
        # FUSE calls us from threads Python does not know, which lose their thread-locals after
        # each call; so cipher contexts are handed round instead.
        self._idle: deque[Sealer] = deque()

    def locate(self, kind: Kind, blob: BlobId) -> Wanted:
        location = self.index.find(kind, blob)
        if location is None:
            raise BlobMissing(kind=kind.word, blob=blob.hex())
        return Wanted(kind, blob, location)

    def fetch(self, run: Run) -> Iterator[tuple[Wanted, Plain | Exception]]:
        """Yield each blob of the run, or what is wrong with it; raise when the read fails."""
        path = pack_path(run.blobs[0].location.pack)
        stored = memoryview(self._storage.read(path, run.offset, run.length))
        sealer = self._idle.pop() if self._idle else Sealer(self._master)
        try:
            for one in run.blobs:
                start = one.location.offset - run.offset
                sealed = stored[start : start + one.location.length]
                try:
                    yield one, open_blob(sealer, one.kind, one.blob, one.location, sealed)
                except Exception as err:
                    yield one, err
        finally:
            self._idle.append(sealer)
