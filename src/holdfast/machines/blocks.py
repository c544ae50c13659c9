"""Which blocks of a disk are kept from the point before, which are zeros, and which are read."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from holdfast.base.ids import ID_BYTES, BlobId
from holdfast.base.units import MIB

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Acts = NDArray[np.uint8]
    Touched = NDArray[np.bool_]

# Every block of a disk is so long, but for the last, which ends with the disk.
BLOCK = MIB
_ZEROS = bytearray(BLOCK)
# Pairs of start and end in bytes, sorted and disjoint; a disks.spans.Span is one.
Spans = Sequence[tuple[int, int]]


class Act(IntEnum):
    """What is done for a block."""

    KEEP = 0
    ZERO = 1
    READ = 2


class Stretch(NamedTuple):
    """Neighbouring blocks."""

    first: int
    blocks: int


@dataclass(frozen=True, slots=True)
class BlockIds:
    """The blobs of a whole disk, one for each block."""

    size: int
    ids: bytes | bytearray

    def __getitem__(self, number: int) -> BlobId:
        return BlobId(bytes(self.ids[ID_BYTES * number : ID_BYTES * (number + 1)]))

    @property
    def count(self) -> int:
        return len(self.ids) // ID_BYTES


def block_count(size: int) -> int:
    return -(-size // BLOCK)


def block_length(size: int, number: int) -> int:
    return min(BLOCK, size - BLOCK * number)


@lru_cache(maxsize=64)
def zero_id(length: int) -> BlobId:
    """The blob of so many zeros."""
    return BlobId(hashlib.sha256(bytes(length)).digest())


def is_zeros(content: bytes | bytearray | memoryview) -> bool:
    # A bytearray on the left side compares with any memory at the speed of memory.
    zeros: object = _ZEROS if len(content) == BLOCK else bytearray(len(content))
    return zeros == content


def plan_blocks(
    size: int, *, data: Spans, changed: Spans | None = None, parent: BlockIds | None = None
) -> "Acts":
    """An Act for each block.

    `data` is what may hold anything but zeros, `changed` what may differ from the parent, None
    where nobody can say. Without a parent everything is new.
    """
    acts = np.where(touched(data, size), np.uint8(Act.READ), np.uint8(Act.ZERO))
    if parent is not None and changed is not None:
        kept = ~touched(changed, size)
        kept[_comparable(size, parent.size) :] = False
        acts[kept] = Act.KEEP
    return acts


def _comparable(size: int, before: int) -> int:
    """How many blocks are as long as they were: a short last one is not, when the disk grew."""
    return block_count(size) if size == before else min(size, before) // BLOCK


def touched(spans: Spans, size: int) -> "Touched":
    """Which blocks a span has a part of."""
    edges = np.zeros(block_count(size) + 1, dtype=np.int64)
    pairs = np.array(spans, dtype=np.int64).reshape(-1, 2).clip(0, size)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    np.add.at(edges, pairs[:, 0] // BLOCK, 1)
    np.add.at(edges, -(-pairs[:, 1] // BLOCK), -1)
    result: Touched = np.cumsum(edges[:-1]) > 0
    return result


def stretches(chosen: "Touched", *, longest: int) -> Iterator[Stretch]:
    """Runs of chosen blocks, cut where they get too long."""
    numbers = np.flatnonzero(chosen)
    if not len(numbers):
        return
    breaks = np.flatnonzero(np.diff(numbers) > 1) + 1
    starts = [0, *breaks.tolist()]
    ends = [*breaks.tolist(), len(numbers)]
    for start, end in zip(starts, ends, strict=True):
        first, after = int(numbers[start]), int(numbers[end - 1]) + 1
        for at in range(first, after, longest):
            yield Stretch(at, min(longest, after - at))


def zero_blocks(blocks: BlockIds) -> "Touched":
    """Which blocks are nothing but zeros, by their ids."""
    rows = np.frombuffer(blocks.ids, dtype=np.uint64).reshape(-1, 4)
    zeros: Touched = (rows == np.frombuffer(zero_id(BLOCK), dtype=np.uint64)).all(axis=1)
    if blocks.count and blocks.size % BLOCK:
        zeros[-1] = blocks[blocks.count - 1] == zero_id(blocks.size % BLOCK)
    return zeros


def bytes_of(chosen: "Touched", size: int) -> int:
    """How much of the disk these blocks are."""
    total = BLOCK * int(chosen.sum())
    is_short = size % BLOCK and chosen[-1]
    return total - BLOCK + size % BLOCK if is_short else total


def rows_of(ids: bytes | bytearray) -> "NDArray[np.uint8]":
    """A row for each block: a view, through which a bytearray can be written."""
    return np.frombuffer(ids, dtype=np.uint8).reshape(-1, ID_BYTES)
