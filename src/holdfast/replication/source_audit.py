"""Doubt about the record of changes of a disk: what it calls unchanged is looked at.

What costs no link is looked at in every step: a block that was data and is a hole now, though
nothing is said to have been written there, and the last block with data, through which a disk was
perhaps cut off. Some others, and those whose turn it is, are held against the replica while it is
the very generation the record is since.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from holdfast.disks.spans import Span
from holdfast.machines.audit_plan import AuditWish, begun, blocks_due, mark_after
from holdfast.machines.blocks import BLOCK, block_count, block_length, touched
from holdfast.machines.nbd_source import NbdSource
from holdfast.machines.points import AuditMark
from holdfast.replication.source_facts import KeptDisk, LastBlock

if TYPE_CHECKING:
    from holdfast.machines.blocks import Touched

# Blocks that are read in each step although nothing seems to have changed there.
SAMPLE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """Blocks that are said to be unchanged, with their digests now."""

    target: str
    # Of the disk, whose last block may be short.
    size: int
    blocks: tuple[LastBlock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What an audit of one disk found; `lie` is a block its record wrongly calls unchanged."""

    data: bytes
    last: LastBlock | None
    sampled: Sampled
    mark: AuditMark
    lie: int | None = None


def look(
    source: NbdSource, before: KeptDisk | None, data_before: bytes, *, target: str, wish: AuditWish
) -> Looked:
    """`data_before`: a bit for each block that had data then."""
    with_data = touched(source.spans_with_data(), source.size)
    data = np.packbits(with_data).tobytes()
    last = _last(source, with_data)
    sampled = Sampled(target=target, size=source.size)
    if source.changed is None or before is None:
        return Looked(data=data, last=last, sampled=sampled, mark=begun(wish))
    kept = ~touched(source.changed, source.size)
    lie = _lost(kept & ~with_data, data_before)
    if lie is None:
        lie = _cut(source, kept, before.last)
    count = block_count(source.size)
    due = blocks_due(before.audit, count, wish)
    chosen = _chosen(kept, with_data, due)
    return Looked(
        data=data,
        last=last,
        sampled=replace(sampled, blocks=tuple(_block(source, each) for each in chosen)),
        mark=mark_after(before.audit, due, count, wish),
        lie=lie,
    )


def is_cut(source: NbdSource, before: KeptDisk, data_before: bytes, *, within: Span) -> bool:
    """Whether a disk was cut off and has grown again, which no record knows of: in this range."""
    if source.changed is None:
        return False
    kept = ~touched(source.changed, source.size) & touched([within], source.size)
    with_data = touched(source.data_within(within), source.size)
    return (
        _lost(kept & ~with_data, data_before) is not None
        or _cut(source, kept, before.last) is not None
    )


def differing(sampled: Sampled, digests: Sequence[bytes]) -> int | None:
    """The first block of which the replica has something else."""
    pairs = zip(sampled.blocks, digests, strict=True)
    return next((block.number for block, digest in pairs if block.digest != digest), None)


def _lost(holes: "Touched", data_before: bytes) -> int | None:
    bits = np.unpackbits(np.frombuffer(data_before, dtype=np.uint8))[: len(holes)]
    had_data = np.zeros(len(holes), dtype=np.bool_)
    had_data[: len(bits)] = bits
    found = np.flatnonzero(holes & had_data)
    return int(found[0]) if len(found) else None


def _cut(source: NbdSource, kept: "Touched", last: LastBlock | None) -> int | None:
    if last is None or last.number >= len(kept) or not kept[last.number]:
        return None
    # A short last block is another one when the disk has grown.
    return last.number if _block(source, last.number) != last else None


def _last(source: NbdSource, with_data: "Touched") -> LastBlock | None:
    numbers = np.flatnonzero(with_data)
    return _block(source, int(numbers[-1])) if len(numbers) else None


def _chosen(kept: "Touched", with_data: "Touched", due: range) -> list[int]:
    numbers = np.flatnonzero(kept).tolist()
    some = random.sample(numbers, min(SAMPLE, len(numbers)))
    turn = np.flatnonzero(kept & with_data)
    in_turn = turn[(turn >= due.start) & (turn < due.stop)].tolist()
    return list(dict.fromkeys([*some, *in_turn]))


def _block(source: NbdSource, number: int) -> LastBlock:
    content = bytearray(block_length(source.size, number))
    source.read_into(number * BLOCK, memoryview(content))
    return LastBlock(number=number, digest=sha256(content).digest())
