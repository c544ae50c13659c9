"""Bring the rows of a blob table into the order of its buckets: by the leading bits of the ids."""

import struct
from array import array
from collections.abc import Iterator
from itertools import accumulate

from holdfast.base.ids import ID_BYTES
from holdfast.vault.index_rows import RECORD, Buffer, little_endian

# Up to so many rows, sorting them here is done before numpy would be loaded.
_SMALL = 1 << 16
_SLICE = 1 << 18
_LEADING = struct.Struct(f">I{ID_BYTES - 4}x")
_ID = struct.Struct(f"{ID_BYTES}s")
_WHOLE_RECORD = struct.Struct(f"{RECORD.size}s")


def in_buckets(ids: bytearray, records: bytearray, *, bits: int) -> Iterator[Buffer]:
    """The fan-out, then ids and records sorted by the leading bits of the ids."""
    few = len(ids) <= _SMALL * ID_BYTES
    return _few_in_buckets(ids, records, bits) if few else _many_in_buckets(ids, records, bits)


def _few_in_buckets(ids: bytearray, records: bytearray, bits: int) -> Iterator[Buffer]:
    buckets = [leading >> (32 - bits) for (leading,) in _LEADING.iter_unpack(ids)]
    sizes = [0] * ((1 << bits) + 1)
    for bucket in buckets:
        sizes[bucket + 1] += 1
    yield little_endian(array("I", accumulate(sizes))).tobytes()
    order = sorted(range(len(buckets)), key=buckets.__getitem__)
    for rows, row in ((ids, _ID), (records, _WHOLE_RECORD)):
        found = [content for (content,) in row.iter_unpack(rows)]
        yield b"".join([found[number] for number in order])


def _many_in_buckets(ids: bytearray, records: bytearray, bits: int) -> Iterator[Buffer]:
    import numpy as np

    id_rows = np.frombuffer(ids, np.uint8).reshape(-1, ID_BYTES)
    record_rows = np.frombuffer(records, np.uint8).reshape(-1, RECORD.size)
    leading = id_rows[:, :4].copy().view(">u4").ravel().astype(np.uint32) >> np.uint32(32 - bits)
    fan_out = np.zeros((1 << bits) + 1, "<u4")
    fan_out[1:] = np.cumsum(np.bincount(leading, minlength=1 << bits))
    yield fan_out.tobytes()
    order = np.argsort(leading).astype(np.uint32)
    del leading, fan_out
    for rows in (id_rows, record_rows):
        # In slices, so that no second copy of ten million ids is ever held.
        for start in range(0, len(order), _SLICE):
            yield rows[order[start : start + _SLICE]].tobytes()
