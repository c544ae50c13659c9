"""Few rows and many are sorted in two ways that must come to the same."""

import itertools
import random
import struct

import pytest

from holdfast.base.ids import ID_BYTES
from holdfast.vault import index_buckets
from holdfast.vault.index_buckets import in_buckets
from holdfast.vault.index_rows import RECORD

BITS = 4


def table(ids: bytearray, records: bytearray) -> tuple[list[int], list[set[bytes]]]:
    """The fan-out, and the rows of each bucket: their order in it is nobody's business."""
    content = b"".join(bytes(piece) for piece in in_buckets(ids, records, bits=BITS))
    fan_out = struct.unpack_from(f"<{(1 << BITS) + 1}I", content)
    sorted_ids = content[4 * len(fan_out) :][: len(ids)]
    sorted_records = content[4 * len(fan_out) + len(ids) :]
    rows = [
        sorted_ids[ID_BYTES * row : ID_BYTES * (row + 1)]
        + sorted_records[RECORD.size * row : RECORD.size * (row + 1)]
        for row in range(len(ids) // ID_BYTES)
    ]
    spans = itertools.pairwise(fan_out)
    return list(fan_out), [set(rows[start:end]) for start, end in spans]


@pytest.mark.parametrize("count", [0, 1, 300])
def test_few_rows_are_sorted_as_many_are(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(count)
    ids, records = (bytearray(dice.randbytes(size * count)) for size in (ID_BYTES, RECORD.size))

    few = table(ids, records)
    monkeypatch.setattr(index_buckets, "_SMALL", -1)
    many = table(ids, records)

    assert few == many
    assert sum(map(len, few[1])) == count
