"""How many blobs are read with few requests."""

from holdfast.base.ids import BlobId, PackId
from holdfast.vault.blob_index import Location
from holdfast.vault.blob_ranges import ranges

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
