"""How content is cut into segments, and split at holes."""

import os

from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.ids import BlobId
from holdfast.files.restore.content import BLOCK, data_runs
from holdfast.files.restore.long_files import cut
from holdfast.files.restore.messages import Piece


def test_segments_keep_order_and_limit() -> None:
    pieces = [Piece(at * 40, 40, BlobId(b"")) for at in range(5)]

    assert [len(part) for part in cut(pieces, 100)] == [2, 2, 1]
    assert [piece for part in cut(pieces, 100) for piece in part] == pieces


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 3 * BLOCK)), max_size=6),
    st.integers(0, 2 * BLOCK),
)
def test_runs_between_holes_hold_all_data_and_few_zeros(
    parts: list[tuple[bool, int]], offset: int
) -> None:
    plain = b"".join(b"\1" * size if is_data else bytes(size) for is_data, size in parts)

    runs = list(data_runs(plain, offset))

    rebuilt = bytearray(len(plain))
    for start, end in runs:
        rebuilt[start:end] = plain[start:end]
    assert bytes(rebuilt) == plain
    assert runs == sorted(runs)
    aligned = range(-offset % BLOCK, len(plain) - BLOCK + 1, BLOCK)
    holes = [at for at in aligned if not any(plain[at : at + BLOCK])]
    assert not [at for at in holes for start, end in runs if start < at + BLOCK and at < end]


def test_noise_is_one_run() -> None:
    noise = b"\1" + os.urandom(5 * BLOCK)

    assert list(data_runs(noise, 0)) == [(0, len(noise))]
