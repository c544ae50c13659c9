"""How content is read in ranges, cut into segments, and split at holes."""

import os

from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.ids import BlobId, PackId
from holdfast.files.restore.blobs import ranges
from holdfast.files.restore.content import BLOCK, data_runs
from holdfast.files.restore.long_files import cut
from holdfast.files.restore.messages import Piece
from holdfast.vault.blob_index import Location

PACKS = [PackId(bytes([number]) * 32) for number in range(3)]


def wanted(*places: tuple[int, int, int]) -> list[tuple[Location, BlobId]]:
    """Blobs by pack number, offset and length."""
    return [
        (Location(PACKS[pack], offset, length, 0), BlobId(b"%032d" % offset))
        for pack, offset, length in places
    ]


def spans(blobs: list[tuple[Location, BlobId]], **limits: int) -> list[tuple[bytes, int, int]]:
    found = ranges(blobs, limits.get("limit", 1000), limits.get("gap", 10))
    return [(part.pack, part.start, part.end) for part in found]


def test_neighbours_are_one_read() -> None:
    assert spans(wanted((0, 0, 50), (0, 50, 50), (0, 105, 50))) == [(PACKS[0], 0, 155)]


def test_a_wide_gap_is_skipped() -> None:
    assert spans(wanted((0, 0, 50), (0, 500, 50))) == [(PACKS[0], 0, 50), (PACKS[0], 500, 550)]


def test_packs_are_read_apart() -> None:
    assert spans(wanted((0, 0, 50), (1, 50, 50))) == [(PACKS[0], 0, 50), (PACKS[1], 50, 100)]


def test_reads_stay_below_the_limit_unless_one_blob_is_longer() -> None:
    blobs = wanted((0, 0, 600), (0, 600, 600), (0, 1200, 5000))

    assert spans(blobs) == [(PACKS[0], 0, 600), (PACKS[0], 600, 1200), (PACKS[0], 1200, 6200)]


def test_nothing_wanted_is_nothing_read() -> None:
    assert spans([]) == []


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
