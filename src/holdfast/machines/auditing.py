"""Doubt about records of changes: what they call unchanged is looked at, here and there.

Nothing else protects from a record that was cleared or written past: by another QEMU, by a
snapshot of the storage that was put back, by a disk made smaller and larger again.
"""

import hashlib
import random

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


def find_lie(source: DiskSource, parent: BlockIds, *, sample: int = SAMPLE) -> int | None:
    """A block the record wrongly calls unchanged, if one is met; others are looked at each time."""
    if source.changed is None:
        return None
    data = source.spans_with_data()
    found = contradictions(source.size, data=data, changed=source.changed, parent=parent)
    if found:
        return found[0]
    acts = plan_blocks(source.size, data=data, changed=source.changed, parent=parent)
    kept = np.flatnonzero(acts == Act.KEEP).tolist()
    has_data = plan_blocks(source.size, data=data) != Act.ZERO
    # Where a disk was cut off and grew again, all after the cut is a hole unless it was written:
    # a cut through a block is in the last that has data and is called unchanged.
    last = np.flatnonzero((acts == Act.KEEP) & has_data)[-1:].tolist()
    for number in [*last, *random.sample(kept, min(sample, len(kept)))]:
        if _digest(source, number) != parent[number]:
            return int(number)
    return None


def _digest(source: DiskSource, number: int) -> bytes:
    content = bytearray(block_length(source.size, number))
    source.read_into(number * BLOCK, memoryview(content))
    return hashlib.sha256(content).digest()
