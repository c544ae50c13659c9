"""A disk of a point is read at any place by anybody at once, and comes back as an image."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.machines.blocks import BLOCK
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_targets import FileTarget
from holdfast.machines.disk_writing import (
    WritingOptions,
    Written,
    data_runs,
    fill,
    restore_raw,
    write_differences,
)
from holdfast.machines.errors import ImageExists, ImageSizeDiffers, ImageUnwritable
from holdfast.machines.progress import DiskProgress
from holdfast.storage.errors import StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import open_vault, small_vault
from holdfast.testing.vm_points import mixed_image, open_point, overwrite, write_vm_point
from holdfast.vault.layout import DATA

MIB = 1 << 20
SIZE = 24 * MIB + 700
OPTIONS = WritingOptions(clock=SystemClock(), workers=3)


class Stored:
    """An image with a bit of everything, and the point of it."""

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        self.storage = MemoryStorage()
        vault = small_vault(self.storage)
        self.image = mixed_image(folder / "vda.raw", size, seed=11)
        self.content = self.image.read_bytes()
        self.report = write_vm_point(vault, {"vda": self.image})

    def reader(self, *, cache_bytes: int = 6 * MIB) -> DiskReader:
        point = open_point(open_vault(self.storage), self.report)
        return DiskReader(point, "vda", cache_bytes=cache_bytes)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return Stored(tmp_path_factory.mktemp("stored"))


def places(count: int, seed: int) -> list[tuple[int, int]]:
    """Reads of all sizes, many of them small, as a guest makes them."""
    dice = random.Random(seed)
    found = []
    for _ in range(count):
        length = dice.choice((0, 1, 512, 4096, 65536, dice.randrange(3 * MIB)))
        found.append((dice.randrange(SIZE - length + 1), length))
    return found


def test_random_reads_are_the_image(stored: Stored) -> None:
    reader = stored.reader()

    for at, length in places(300, seed=1):
        assert bytes(reader.read(at, length)) == stored.content[at : at + length]


def test_reads_into_memory_are_the_image(stored: Stored) -> None:
    reader, memory = stored.reader(), bytearray(b"x" * SIZE)

    reader.read_into(0, memoryview(memory))

    assert memory == stored.content


def test_many_threads_read_the_image_at_once(stored: Stored) -> None:
    reader = stored.reader()

    def look(seed: int) -> bool:
        return all(
            bytes(reader.read(at, length)) == stored.content[at : at + length]
            for at, length in places(60, seed)
        )

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(look, range(12)))


def test_reading_on_and_on_asks_the_vault_seldom(stored: Stored) -> None:
    storage = FaultyStorage(stored.storage)
    point = open_point(open_vault(storage), stored.report)
    reader = DiskReader(point, "vda")
    before = storage.calls

    for at in range(0, SIZE - 4096, 64 << 10):
        reader.read(at, 4096)

    blocks = sum(not reader.is_zero(number) for number in range(reader.blocks.count))
    assert storage.calls - before <= blocks


def test_zeros_are_read_without_the_vault(stored: Stored) -> None:
    reader = stored.reader()
    zero = next(n for n in range(reader.blocks.count) if reader.is_zero(n))

    assert bytes(reader.read(zero * BLOCK, BLOCK)) == bytes(BLOCK)


def test_data_is_where_the_image_is_not_zero(stored: Stored) -> None:
    inside = bytearray(SIZE)
    for start, end in stored.reader().spans_with_data():
        inside[start:end] = stored.content[start:end]

    assert inside == stored.content


@pytest.mark.parametrize(("at", "length"), [(-1, 1), (SIZE, 1), (0, SIZE + 1), (5, -1)])
def test_reads_beyond_the_disk_are_refused(stored: Stored, at: int, length: int) -> None:
    with pytest.raises(ValueError, match=f"of a disk of {SIZE}"):
        stored.reader().read(at, length)


def test_an_outage_is_an_error_now_and_no_error_later(stored: Stored) -> None:
    storage = FaultyStorage(stored.storage)
    reader = DiskReader(open_point(open_vault(storage), stored.report), "vda")
    start, end = max(reader.spans_with_data(), key=lambda span: span.length)
    storage.fail("read", StorageUnavailable(place="it", name="it", reason="timeout"))

    with pytest.raises(StorageUnavailable):
        reader.read(start, end - start)

    assert bytes(reader.read(start, end - start)) == stored.content[start:end]


def test_a_damaged_pack_spoils_its_blocks_and_no_other(tmp_path: Path) -> None:
    stored = Stored(tmp_path, size=8 * MIB)
    largest = max(stored.storage.list(DATA), key=lambda entry: entry.size)
    content = bytearray(stored.storage.get(largest.name))
    content[1000] ^= 1
    stored.storage.delete(largest.name)
    stored.storage.put(largest.name, bytes(content))
    reader = stored.reader()

    outcomes = []
    for number in range(reader.blocks.count):
        at = number * BLOCK
        try:
            assert bytes(reader.read(at, 100)) == stored.content[at : at + 100]
            outcomes.append("")
        except HoldfastError as err:
            outcomes.append(err.code)

    assert set(outcomes) == {"", "blob-broken"}


def test_a_new_raw_file_is_the_image_and_as_sparse(stored: Stored, tmp_path: Path) -> None:
    path = tmp_path / "back.raw"

    done = restore_raw(stored.reader(), str(path), OPTIONS)

    assert path.read_bytes() == stored.content
    assert done.written + done.zeroed == SIZE
    assert path.stat().st_blocks * 512 <= done.written + 64 * 1024
    assert done.written <= SIZE - stored.content.count(bytes(BLOCK)) * BLOCK
    assert os.listdir(tmp_path) == ["back.raw"]


def test_pages_of_zeros_inside_a_block_become_holes() -> None:
    block = bytearray(BLOCK)
    block[5000] = block[9000] = block[-1] = 1

    assert list(data_runs(bytes(block))) == [(4096, 12288), (BLOCK - 4096, BLOCK)]
    assert list(data_runs(b"\1" * 700)) == [(0, 700)]


def test_something_that_is_there_is_not_overwritten(stored: Stored, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_bytes(b"precious")

    with pytest.raises(ImageExists):
        restore_raw(stored.reader(), str(path), OPTIONS)

    assert path.read_bytes() == b"precious"


def test_a_restore_that_fails_leaves_nothing(stored: Stored, tmp_path: Path) -> None:
    storage = FaultyStorage(stored.storage)
    reader = DiskReader(open_point(open_vault(storage), stored.report), "vda")
    storage.fail("read", StorageUnavailable(place="it", name="it", reason="timeout"))

    with pytest.raises(StorageUnavailable):
        restore_raw(reader, str(tmp_path / "back.raw"), OPTIONS)

    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_said_with_its_reason(stored: Stored, tmp_path: Path) -> None:
    with pytest.raises(ImageUnwritable, match="No such file"):
        restore_raw(stored.reader(), str(tmp_path / "none" / "back.raw"), OPTIONS)


def test_in_place_only_what_differs_is_written(stored: Stored, tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    restore_raw(stored.reader(), str(path), OPTIONS)
    reader = stored.reader()
    zero = next(n for n in range(reader.blocks.count) if reader.is_zero(n))
    data = next(n for n in range(reader.blocks.count) if not reader.is_zero(n))
    overwrite(path, (zero * BLOCK + 9, b"x"), (data * BLOCK, bytes(10)), (SIZE - 1, b"\x07"))
    last = SIZE - (SIZE // BLOCK) * BLOCK
    tail = {"zeroed": last} if reader.is_zero(SIZE // BLOCK) else {"written": last}

    with FileTarget(str(path)) as target:
        done = write_differences(reader, target, OPTIONS)

    page = 4096
    expected = Written(written=page, zeroed=BLOCK, same=SIZE - page - BLOCK - last)
    assert done == expected + Written(**tail)
    assert path.read_bytes() == stored.content


def test_in_place_onto_the_same_disk_writes_nothing(stored: Stored) -> None:
    with FileTarget(str(stored.image)) as target:
        done = write_differences(stored.reader(), target, OPTIONS)

    assert done == Written(same=SIZE)


def test_in_place_looks_only_where_it_is_told_to(stored: Stored, tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(stored.content)
    changed = overwrite(path, (3 * MIB + 5, b"one"), (9 * MIB, b"two"))
    options = WritingOptions(clock=SystemClock(), where=changed)

    with FileTarget(str(path)) as target:
        done = write_differences(stored.reader(), target, options)

    assert done.written + done.zeroed + done.same == 2 * BLOCK
    assert path.read_bytes() == stored.content


def test_a_disk_of_another_size_is_refused(stored: Stored, tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(b"small")

    with FileTarget(str(path)) as target, pytest.raises(ImageSizeDiffers):
        fill(stored.reader(), target, OPTIONS)

    assert path.read_bytes() == b"small"


def test_progress_of_a_restore_ends_at_the_size(stored: Stored, tmp_path: Path) -> None:
    seen: list[DiskProgress] = []
    options = WritingOptions(clock=SystemClock(), disk="vda", on_progress=seen.append)

    restore_raw(stored.reader(), str(tmp_path / "back.raw"), options)

    assert seen[-1] == DiskProgress(disk="vda", done=SIZE, total=SIZE)
