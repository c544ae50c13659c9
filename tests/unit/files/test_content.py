"""How files are cut into blobs: the same way every time, with holes as zeros that are never read."""

import hashlib
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from pyfastcdc import FastCDC

from holdfast.base.ids import BlobId
from holdfast.files.backup.content import (
    AVERAGE_CHUNK,
    MAX_CHUNK,
    MIN_CHUNK,
    ZERO_BLOB,
    BlobSink,
    ContentReader,
    chunker_seed,
)
from holdfast.vault.envelope import MasterKey

KIB, MIB = 1 << 10, 1 << 20
SEED = 42
KEY = MasterKey(encrypt=bytes(range(32)), mac_k=bytes(range(16)), mac_r=bytes(range(16, 32)))

GOLDEN_SEED = 104302794465568709
GOLDEN = [2685828, 1154668, 1575650, 1191410, 1787419, 1285595, 886683, 1272289, 743370]


class KeptBlobs(BlobSink):
    """Keeps blobs in a dict instead of packing them."""

    def __init__(self) -> None:
        self.blobs: dict[bytes, bytes] = {}
        self.zeros: list[int] = []

    def put(self, plain: memoryview) -> bytes:
        blob = BlobId(hashlib.sha256(plain).digest())
        self.blobs[blob] = bytes(plain)
        return blob

    def put_zeros(self, length: int) -> bytes:
        self.zeros.append(length)
        return self.put(memoryview(bytes(length)))


class Cutter:
    """A reader, and the lengths of what it made."""

    def __init__(self, folder: Path, seed: int = SEED) -> None:
        self._path = folder / "file"
        self.sink = KeptBlobs()
        self.reader = ContentReader(self.sink, seed)

    def write(self, content: bytes) -> None:
        self._path.write_bytes(content)

    def build(self, size: int, data: dict[int, bytes]) -> bytes:
        """A sparse file with data at these places; its content."""
        with self._path.open("wb") as target:
            target.truncate(size)
            for at, content in data.items():
                target.seek(at)
                target.write(content)
        return self._path.read_bytes()

    def range(self, start: int, end: int) -> tuple[list[int], bytes]:
        """The lengths of the blobs, and all they hold."""
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            ids, total = self.reader.read_range(descriptor, start, end)
        finally:
            os.close(descriptor)
        blobs = [self.sink.blobs[ids[at : at + 32]] for at in range(0, len(ids), 32)]
        assert total == sum(map(len, blobs))
        return list(map(len, blobs)), b"".join(blobs)

    def small(self, expected: int) -> tuple[bytes, int] | None:
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            return self.reader.read_small(descriptor, expected)
        finally:
            os.close(descriptor)


@pytest.fixture
def cutter(tmp_path: Path) -> Cutter:
    return Cutter(tmp_path)


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def test_cuts_stay_where_they_are_for_ever() -> None:
    """Should this fail after an upgrade: vaults grow by all that is backed up again. Do not."""
    chunker = FastCDC(AVERAGE_CHUNK, min_size=MIN_CHUNK, max_size=MAX_CHUNK, seed=chunker_seed(KEY))

    lengths = [chunk.length for chunk in chunker.cut_buf(noise(12 * MIB))]

    assert lengths == GOLDEN


def test_the_seed_is_the_vaults_secret() -> None:
    other = MasterKey(encrypt=bytes(32), mac_k=bytes(16), mac_r=bytes(16))

    seeds = {chunker_seed(KEY), chunker_seed(other)}

    assert seeds == {GOLDEN_SEED, chunker_seed(other)}
    assert len(seeds) == 2
    assert all(0 <= seed < 1 << 63 for seed in seeds)


def test_other_seeds_cut_elsewhere(tmp_path: Path) -> None:
    one, other = Cutter(tmp_path), Cutter(tmp_path, SEED + 1)
    one.write(noise(8 * MIB))

    assert one.range(0, 8 * MIB)[0] != other.range(0, 8 * MIB)[0]


def test_the_window_leaves_no_trace_in_the_cuts(cutter: Cutter) -> None:
    content = noise(40 * MIB)
    cutter.write(content)
    chunker = FastCDC(AVERAGE_CHUNK, min_size=MIN_CHUNK, max_size=MAX_CHUNK, seed=SEED)
    wanted = [chunk.length for chunk in chunker.cut_buf(content)]

    lengths, read = cutter.range(0, len(content))

    assert lengths == wanted
    assert read == content


@pytest.mark.parametrize(
    "size",
    [1, MIN_CHUNK - 1, MIN_CHUNK, MIN_CHUNK + 1, AVERAGE_CHUNK, MAX_CHUNK, 2 * MAX_CHUNK + 1],
)
@pytest.mark.parametrize("make", [bytes, noise], ids=["zeros", "noise"])
def test_every_size_comes_back(cutter: Cutter, size: int, make: Callable[[int], bytes]) -> None:
    content = make(size)
    cutter.write(content)

    lengths, read = cutter.range(0, size)

    assert read == content
    assert max(lengths) <= MAX_CHUNK
    assert all(length >= MIN_CHUNK for length in lengths[:-1])


def test_something_inserted_changes_few_blobs(cutter: Cutter) -> None:
    content = noise(16 * MIB)
    cutter.write(content)
    cutter.range(0, len(content))
    before = set(cutter.sink.blobs)
    changed = content[: 5 * MIB] + b"inserted" + content[5 * MIB :]
    cutter.write(changed)

    _, read = cutter.range(0, len(changed))

    assert read == changed
    assert len(set(cutter.sink.blobs) - before) <= 2


@pytest.mark.parametrize("end", [10 * MIB, 3 * MIB + 1, 3 * MIB])
def test_a_range_beyond_the_end_stops_there(cutter: Cutter, end: int) -> None:
    content = noise(3 * MIB)
    cutter.write(content)

    assert cutter.range(MIB, end)[1] == content[MIB:]
    assert cutter.range(3 * MIB, 4 * MIB) == ([], b"")


HOLES: dict[str, tuple[int, dict[int, bytes]]] = {
    "all": (20 * MIB, {}),
    "start": (6 * MIB, {4 * MIB: noise(2 * MIB)}),
    "middle": (9 * MIB, {0: noise(2 * MIB), 7 * MIB: noise(2 * MIB)}),
    "end": (6 * MIB, {0: noise(2 * MIB)}),
    "odd": (6 * MIB + 123, {MIB: noise(77)}),
    "exactly a zero blob": (2 * MIB, {ZERO_BLOB: noise(2 * MIB - ZERO_BLOB)}),
    "one page less": (2 * MIB, {ZERO_BLOB - 4 * KIB: noise(MIB)}),
    "one page more": (2 * MIB, {ZERO_BLOB + 4 * KIB: noise(MIB)}),
    "largest chunk": (MAX_CHUNK + ZERO_BLOB + MIB, {MAX_CHUNK + ZERO_BLOB: noise(MIB)}),
}


@pytest.mark.parametrize("name", HOLES)
def test_holes_come_back_as_zeros(cutter: Cutter, name: str) -> None:
    size, data = HOLES[name]
    content = cutter.build(size, data)

    lengths, read = cutter.range(0, size)

    assert read == content
    assert max(lengths) <= MAX_CHUNK


@pytest.mark.parametrize("name", ["all", "start", "middle", "end", "exactly a zero blob"])
def test_a_file_with_a_hole_has_the_blob_by_which_restic_knows_it(
    cutter: Cutter, name: str
) -> None:
    size, data = HOLES[name]
    cutter.build(size, data)

    cutter.range(0, size)

    assert ZERO_BLOB in cutter.sink.zeros
    assert hashlib.sha256(bytes(ZERO_BLOB)).digest() in cutter.sink.blobs


@pytest.mark.parametrize("name", HOLES)
@pytest.mark.parametrize("cut", [1, 4 * KIB, MIB, 3 * MIB + 5])
def test_pieces_of_a_sparse_file_make_the_whole(cutter: Cutter, name: str, cut: int) -> None:
    size, data = HOLES[name]
    content = cutter.build(size, data)

    pieces = [cutter.range(0, cut)[1], cutter.range(cut, size)[1]]

    assert b"".join(pieces) == content


def test_small_holes_do_not_make_small_blobs(cutter: Cutter) -> None:
    """A disk image has a hole every few blocks; a blob for each would choke the index."""
    data = {at: noise(4 * KIB, at) for at in range(0, 8 * MIB, 16 * KIB)}
    content = cutter.build(8 * MIB, data)

    lengths, read = cutter.range(0, 8 * MIB)

    assert read == content
    assert min(lengths[:-1]) >= MIN_CHUNK


def test_written_zeros_are_known_by_their_content(cutter: Cutter) -> None:
    content = noise(MIB) + bytes(40 * MIB) + noise(MIB, 2)
    cutter.write(content)

    lengths, read = cutter.range(0, len(content))

    assert read == content
    assert cutter.sink.zeros
    assert len(cutter.sink.blobs) < len(lengths)


@pytest.mark.parametrize("expected", [0, 5, 100])
def test_a_small_file_is_one_blob(cutter: Cutter, expected: int) -> None:
    content = noise(expected)
    cutter.write(content)

    found = cutter.small(expected)

    assert found is not None
    assert found[1] == expected
    assert cutter.sink.blobs == ({found[0]: content} if expected else {})


def test_a_small_file_that_shrank_is_what_is_left(cutter: Cutter) -> None:
    cutter.write(b"short")

    found = cutter.small(1000)

    assert found == (hashlib.sha256(b"short").digest(), 5)


def test_a_small_file_that_grew_is_none_any_more(cutter: Cutter) -> None:
    cutter.write(bytes(1001))

    assert cutter.small(1000) is None
