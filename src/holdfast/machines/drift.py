"""What a point changed beyond the checkpoint it names.

A point of a machine that is off begins no record of changes: it goes on naming the checkpoint of
the point before, whose record tells what changed since then. To that record belongs what the
disk was then and not what this point has. If an image is put back to how it was in between, the
record is put back with it, and knows nothing of what this point has beyond; so the point says it.
"""

from holdfast.disks.spans import Span
from holdfast.machines.blocks import BLOCK, Spans, block_count, stretches, touched

# Pairs of the first of some neighbouring blocks and how many they are.
Drift = tuple[tuple[int, int], ...]


def drift_of(changed: Spans, size: int) -> Drift:
    """Whole blocks, for points know no others."""
    runs = stretches(touched(changed, size), longest=max(1, block_count(size)))
    return tuple((run.first, run.blocks) for run in runs)


def spans_of(drift: Drift, size: int) -> list[Span]:
    """As far as the disk still reaches."""
    runs = ((first * BLOCK, (first + count) * BLOCK) for first, count in drift)
    return [Span(start, min(end, size)) for start, end in runs if start < size]
