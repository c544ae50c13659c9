"""Read a disk of a point as if it were there: any bytes at any time, by several threads."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId
from holdfast.base.units import MIB
from holdfast.disks.spans import Span
from holdfast.machines.block_cache import BlockCache, Plain
from holdfast.machines.blocks import BLOCK, BlockIds, block_length, stretches, zero_blocks
from holdfast.machines.errors import DiskLayoutBroken
from holdfast.machines.point_reader import PointReader
from holdfast.vault.blob_ranges import Blobs
from holdfast.vault.pack_header import Kind

CACHE_BYTES = 128 * MIB
# Blocks that come with one where somebody reads on and on; packs hold neighbours together.
_AHEAD = 8
# How many places somebody may read on at are remembered.
_READERS = 64
_ZEROS = bytes(BLOCK)


class DiskReader:
    """Serves as source of an NBD server, of a restore and of a comparison."""

    def __init__(self, point: PointReader, target: str, *, cache_bytes: int = CACHE_BYTES) -> None:
        self.blocks: BlockIds = point.disk(target).blocks
        self.size = self.blocks.size
        self._point = point.snapshot.id
        self._target = target
        self._is_zero = zero_blocks(self.blocks)
        self._blobs = Blobs(point.repository, parallel=point.repository.storage.parallel)
        self._cache = BlockCache(self._fetch, cache_bytes)
        self._next: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, offset: int, length: int) -> bytes | bytearray | memoryview:
        """Exactly so many bytes; a view of kept memory where that saves a copy."""
        self._check(offset, length)
        number, start = divmod(offset, BLOCK)
        if length and start + length <= BLOCK and not self._is_zero[number]:
            return memoryview(self._block(number))[start : start + length]
        if self._is_zero[number : -(-(offset + length) // BLOCK)].all():
            return bytes(length)
        content = bytearray(length)
        self.read_into(offset, memoryview(content))
        return content

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill the target from this place of the disk."""
        self._check(offset, len(target))
        done = 0
        while done < len(target):
            number, start = divmod(offset + done, BLOCK)
            step = min(BLOCK - start, len(target) - done)
            zero = self._is_zero[number]
            plain = _ZEROS if zero else self._block(number)
            target[done : done + step] = memoryview(plain)[start : start + step]
            done += step

    def spans_with_data(self) -> list[Span]:
        """All but the blocks of zeros."""
        runs = stretches(~self._is_zero, longest=max(1, self.blocks.count))
        return [
            Span(run.first * BLOCK, min(self.size, (run.first + run.blocks) * BLOCK))
            for run in runs
        ]

    def is_zero(self, number: int) -> bool:
        return bool(self._is_zero[number])

    def load(self, numbers: Sequence[int]) -> Iterator[tuple[int, Plain]]:
        """These blocks in the order that is cheapest, past the cache: for whoever wants them all."""
        places: dict[BlobId, list[int]] = {}
        for number in numbers:
            places.setdefault(self.blocks[number], []).append(number)
        for blob, plain in self._fetch(list(places)):
            if isinstance(plain, HoldfastError):
                raise plain
            for number in places[blob]:
                yield number, self._measured(number, plain)

    def _fetch(self, blobs: Sequence[BlobId]) -> Iterator[tuple[BlobId, Plain | HoldfastError]]:
        return self._blobs.fetch(Kind.DATA, blobs)

    def _block(self, number: int) -> Plain:
        plain = self._cache.get(self.blocks[number], lambda: self._others(number))
        return self._measured(number, plain)

    def _measured(self, number: int, plain: Plain) -> Plain:
        if len(plain) != block_length(self.size, number):
            reason = f"block {number} has {len(plain)} bytes"
            raise DiskLayoutBroken(point=self._point, disk=self._target, reason=reason)
        return plain

    def _others(self, number: int) -> Iterable[BlobId]:
        """What to load with a block: those after it, where somebody has read up to it."""
        with self._lock:
            reads_on = self._next.pop(number, self) is None
            last = number
            if reads_on:
                last = min(number + _AHEAD, self.blocks.count) - 1
            self._next[last + 1] = None
            while len(self._next) > _READERS:
                self._next.popitem(last=False)
        after = np.flatnonzero(~self._is_zero[number + 1 : last + 1]) + number + 1
        return [self.blocks[each] for each in after.tolist()]

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise ValueError(f"{length} bytes at {offset} of a disk of {self.size}")
