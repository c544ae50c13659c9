"""Reads at any place of a file, with few calls to the storage and bounded memory."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from holdfast.base.ids import BlobId, PackId
from holdfast.base.units import KIB, MIB
from holdfast.files.mount.cache import BlobCache
from holdfast.files.mount.fetching import Fetcher, Run, Wanted, plan_runs
from holdfast.files.mount.reading import FileReader, Layout
from holdfast.storage.errors import StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import add_point, small_vault
from holdfast.vault.blob_index import Location
from holdfast.vault.pack_header import Kind

SIZE = 6 * MIB + 17
CHUNK = 64 * KIB
CONTENT = random.Random(3).randbytes(SIZE)


@dataclass
class Bench:
    storage: FaultyStorage
    fetcher: Fetcher
    cache: BlobCache
    pool: ThreadPoolExecutor
    content: list[str]

    def reader(self) -> FileReader:
        return FileReader(Layout(self.content, self.fetcher), self.cache, self.fetcher)

    def settle(self) -> None:
        """Wait until all that was asked ahead is here: the pool has one thread."""
        self.pool.submit(int).result()


@pytest.fixture
def bench() -> Iterator[Bench]:
    storage = FaultyStorage(MemoryStorage())
    repository = small_vault(storage)
    snapshot = add_point(repository, {"file": CONTENT}, chunk=CHUNK)
    (node,) = repository.load_tree(snapshot.tree)
    fetcher = Fetcher(storage, repository.files.master, repository.index)
    with ThreadPoolExecutor(1) as pool:
        cache = BlobCache(fetcher, limit=8 * MIB, pool=pool)
        yield Bench(storage, fetcher, cache, pool, node.content or [])


def place(pack: int, offset: int, length: int) -> Wanted:
    blob = BlobId(offset.to_bytes(32, "big"))
    return Wanted(Kind.DATA, blob, Location(PackId(bytes([pack]) * 32), offset, length, 0))


def test_neighbours_in_a_pack_come_in_one_run_whatever_the_order() -> None:
    wanted = [place(1, 200, 100), place(2, 0, 50), place(1, 100, 100)]

    runs = plan_runs(wanted)

    assert [(run.offset, run.length) for run in runs] == [(100, 200), (0, 50)]


def test_a_wide_gap_and_a_great_length_end_a_run() -> None:
    far = [place(1, 0, 10), place(1, MIB, 10)]
    long = [place(1, at * MIB, MIB) for at in range(12)]

    assert [len(plan_runs(far)), len(plan_runs(long))] == [2, 2]


def test_random_reads_give_the_bytes_of_the_file(bench: Bench) -> None:
    reader, dice = bench.reader(), random.Random(4)

    for _ in range(300):
        at, size = dice.randrange(SIZE + 100), dice.randrange(3 * CHUNK)
        assert reader.read(at, size) == CONTENT[at : at + size]


def test_a_stream_needs_few_reads_of_the_storage(bench: Bench) -> None:
    reader, before = bench.reader(), bench.storage.calls

    pieces = []
    for at in range(0, SIZE, 100_000):
        pieces.append(reader.read(at, 100_000))
        bench.settle()

    assert b"".join(pieces) == CONTENT
    assert bench.storage.calls - before < 30  # of 97 blobs


def test_a_random_read_fetches_what_it_needs_and_no_more(bench: Bench) -> None:
    reader, before = bench.reader(), bench.storage.calls

    for blob in (90, 20, 60, 5):
        reader.read(blob * CHUNK + 10, 100)
    reader.read(60 * CHUNK, 50)

    assert bench.storage.calls - before == 4


def test_the_cache_keeps_to_its_limit_and_forgets_the_oldest(bench: Bench) -> None:
    cache = BlobCache(bench.fetcher, limit=3 * CHUNK, pool=bench.pool)
    blobs = [BlobId(bytes.fromhex(digits)) for digits in bench.content]
    for blob in blobs[:3]:
        cache.load(Kind.DATA, blob)
    cache.load(Kind.DATA, blobs[0])
    cache.load(Kind.DATA, blobs[3])
    before = bench.storage.calls

    cache.load(Kind.DATA, blobs[0])
    kept = bench.storage.calls - before
    cache.load(Kind.DATA, blobs[1])

    assert (kept, bench.storage.calls - before) == (0, 1)


def test_what_failed_ahead_is_asked_for_again_when_it_is_needed(bench: Bench) -> None:
    one = bench.fetcher.locate(Kind.DATA, BlobId(bytes.fromhex(bench.content[0])))
    bench.storage.fail("read", StorageUnavailable(place="there", reason="a hiccup"))
    bench.cache.prefetch([one])
    bench.settle()

    plain = bench.cache.load(Kind.DATA, one.blob)

    assert plain == CONTENT[:CHUNK]
    assert bench.storage.unused() == []


def test_a_failed_read_leaves_nothing_behind(bench: Bench) -> None:
    blob = BlobId(bytes.fromhex(bench.content[0]))
    bench.storage.fail("read", StorageUnavailable(place="there", reason="a hiccup"))
    with pytest.raises(StorageUnavailable):
        bench.cache.load(Kind.DATA, blob)

    assert bench.cache.load(Kind.DATA, blob) == CONTENT[:CHUNK]


def test_many_readers_of_one_blob_read_it_once(bench: Bench) -> None:
    blob, before = BlobId(bytes.fromhex(bench.content[7])), bench.storage.calls

    with ThreadPoolExecutor(8) as readers:
        loaded = list(readers.map(lambda _: bench.cache.load(Kind.DATA, blob), range(8)))

    assert loaded == [CONTENT[7 * CHUNK : 8 * CHUNK]] * 8
    assert bench.storage.calls - before == 1


def test_a_blob_that_is_another_one_spoils_only_itself(bench: Bench) -> None:
    first, second = (
        bench.fetcher.locate(Kind.DATA, BlobId(bytes.fromhex(digits)))
        for digits in bench.content[:2]
    )
    wrong = first._replace(blob=second.blob)

    found = dict(bench.fetcher.fetch(Run((wrong, second))))

    assert isinstance(found[wrong], Exception)
    assert found[second] == CONTENT[CHUNK : 2 * CHUNK]
