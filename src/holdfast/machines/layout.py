"""How a disk lies in a point: one file, or a folder of segments; a blob for each block.

/vm/NAME/disks/TARGET.raw                       a disk of at most one segment
/vm/NAME/disks/TARGET.raw.d/000000/000000.raw   a larger one: `cat */*.raw` makes the image

Each segment has a folder of its own, for a folder's listing holds the blobs of its files: that of
a segment in which nothing changed is the one of the point before, and need not be stored again.
"""

from collections.abc import Sequence
from typing import NamedTuple

from holdfast.base.ids import ID_BYTES, blob_id_from_hex
from holdfast.base.units import GIB, KIB
from holdfast.machines.blocks import BLOCK, block_count, zero_id

SEGMENT = 4 * GIB
# restic makes holes only in files that contain the blob of exactly so many zeros, so the first
# zero block of a file is written as two of them.
ZERO_HALF = 512 * KIB

VM = b"vm"
DISKS = b"disks"
OWN = b".holdfast"
POINT = b"point.json"
RAW = b".raw"
FOLDER = b".raw.d"


class Segment(NamedTuple):
    """A part of a disk that is a file."""

    number: int
    start: int
    size: int

    @property
    def name(self) -> bytes:
        """That of its folder; its file is called so as well."""
        return b"%06d" % self.number

    @property
    def blocks(self) -> slice:
        first = self.start // BLOCK
        return slice(first, first + block_count(self.size))

    @property
    def ids(self) -> slice:
        """Where its ids are among those of the disk."""
        return slice(ID_BYTES * self.blocks.start, ID_BYTES * self.blocks.stop)


def segments(size: int, longest: int = SEGMENT) -> list[Segment]:
    """At least one, which is empty if the disk is."""
    starts = range(0, max(size, 1), longest)
    return [
        Segment(number, start, min(longest, size - start)) for number, start in enumerate(starts)
    ]


def content_of(ids: bytes | bytearray) -> list[str]:
    """What the node of a file says of its content."""
    content = [ids[at : at + ID_BYTES].hex() for at in range(0, len(ids), ID_BYTES)]
    zeros = zero_id(BLOCK).hex()
    if zeros in content:
        at = content.index(zeros)
        content[at : at + 1] = [zero_id(ZERO_HALF).hex()] * 2
    return content


def ids_of(content: Sequence[str], size: int) -> bytes:
    """The other way round, for a file of this size; ValueError where it is not ours."""
    ids = list(content)
    if len(ids) == block_count(size) + 1:
        half = zero_id(ZERO_HALF).hex()
        at = ids.index(half)
        if ids[at : at + 2] != [half, half]:
            raise ValueError("a block is missing half of its zeros")
        ids[at : at + 2] = [zero_id(BLOCK).hex()]
    if len(ids) != block_count(size):
        raise ValueError(f"{len(content)} blocks for {size} bytes")
    return b"".join(map(blob_id_from_hex, ids))
