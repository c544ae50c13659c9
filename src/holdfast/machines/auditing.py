"""Doubt about records of changes: what they call unchanged is looked at, here and there.

Nothing else protects from a record that was cleared or written past: by another QEMU, by a
snapshot of the storage that was put back, by a disk made smaller and larger again.
"""

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from holdfast.machines.blocks import (
    BLOCK,
    Act,
    BlockIds,
    Spans,
    block_length,
    plan_blocks,
    zero_blocks,
)
from holdfast.machines.disk_source import DiskSource

if TYPE_CHECKING:
    from holdfast.machines.blocks import Touched

# Blocks of each disk that are read although nothing seems to have changed there.
SAMPLE = 8


def contradictions(size: int, *, data: Spans, changed: Spans, parent: BlockIds) -> list[int]:
    """Blocks that are nothing but holes now, had content before, and are called unchanged.

    Costs no reading: a disk that became smaller and larger again, or was put back, has such.
    """
    acts = plan_blocks(size, data=data, changed=changed, parent=parent)
    holes = plan_blocks(size, data=data) == Act.ZERO
    # Beyond the parent's end nothing is kept, and what is kept lies within both.
    had_content = np.zeros(len(acts), dtype=np.bool_)
    shared = min(len(acts), parent.count)
    had_content[:shared] = ~zero_blocks(parent)[:shared]
    return [int(each) for each in np.flatnonzero((acts == Act.KEEP) & holes & had_content)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """`lie` is a block the record wrongly calls unchanged, if one was met."""

    lie: int | None = None
    # Bytes read for it.
    read: int = 0


def audit(
    source: DiskSource, parent: BlockIds, *, due: range = range(0), sample: int = SAMPLE
) -> Audited:
    """Look at what is due, and at some others, which are others each time."""
    if source.changed is None:
        return Audited()
    data = source.spans_with_data()
    found = contradictions(source.size, data=data, changed=source.changed, parent=parent)
    if found:
        return Audited(lie=found[0])
    acts = plan_blocks(source.size, data=data, changed=source.changed, parent=parent)
    has_data = plan_blocks(source.size, data=data) != Act.ZERO
    wanted = _wanted(acts == Act.KEEP, has_data, due=due, sample=sample)
    read = 0
    for number in wanted:
        read += block_length(source.size, number)
        if _digest(source, number) != parent[number]:
            return Audited(lie=number, read=read)
    return Audited(read=read)


def _wanted(kept: "Touched", has_data: "Touched", *, due: range, sample: int) -> list[int]:
    numbers = np.flatnonzero(kept).tolist()
    with_data = np.flatnonzero(kept & has_data)
    # Where a disk was cut off and grew again, all after the cut is a hole unless it was written:
    # a cut through a block is in the last that has data and is called unchanged.
    last = with_data[-1:].tolist()
    # Holes among them are holes in the point as well, or they would be contradictions.
    in_turn = with_data[(with_data >= due.start) & (with_data < due.stop)].tolist()
    chosen = [*last, *random.sample(numbers, min(sample, len(numbers))), *in_turn]
    return list(dict.fromkeys(chosen))


def _digest(source: DiskSource, number: int) -> bytes:
    content = bytearray(block_length(source.size, number))
    source.read_into(number * BLOCK, memoryview(content))
    return hashlib.sha256(content).digest()
