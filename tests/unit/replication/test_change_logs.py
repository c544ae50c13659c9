"""A change log gives back what was put into it, and nothing else whatever became of its file."""

import os
import threading
from pathlib import Path

import pytest

from holdfast.base.units import GIB, KIB, MIB
from holdfast.replication.log_errors import LogDamaged, LogTorn
from holdfast.replication.log_reader import Part, files, parts, read_head, verify
from holdfast.replication.log_writer import LogWriter, SealedLog
from tests.log_bench import head

NOISE = os.urandom(3 * MIB)


def write(path: Path, *content: tuple[str, int, bytes | int], size: int = 8 * MIB) -> SealedLog:
    with LogWriter(path, head(1, size, size)) as log:
        for target, offset, what in content:
            if isinstance(what, int):
                log.zero(target, offset, what)
            else:
                log.data(target, offset, what)
        return log.seal()


def test_what_was_put_in_comes_out_in_order(tmp_path: Path) -> None:
    path = tmp_path / "1.log"

    write(path, ("vda", 0, NOISE[:KIB]), ("vdb", 512, 4096), ("vda", 2 * MIB, b"a" * KIB))

    assert list(parts(path)) == [
        Part("vda", 0, KIB, NOISE[:KIB]),
        Part("vda", 2 * MIB, KIB, b"a" * KIB),
        Part("vdb", 512, 4096, None),
    ]


def test_what_is_sealed_is_what_is_verified(tmp_path: Path) -> None:
    path = tmp_path / "1.log"

    sealed = write(path, ("vda", 0, NOISE), ("vdb", 0, MIB))

    assert verify(path) == sealed
    assert read_head(path) == sealed.head == head(1, 8 * MIB, 8 * MIB)
    assert (sealed.plain_bytes, sealed.zero_bytes) == (len(NOISE), MIB)
    assert sealed.size == path.stat().st_size


def test_data_is_cut_at_each_mebibyte(tmp_path: Path) -> None:
    path = tmp_path / "1.log"

    write(path, ("vda", MIB - KIB, NOISE[: 2 * MIB]))

    cuts = [(part.offset, part.length) for part in parts(path)]
    assert cuts == [(MIB - KIB, KIB), (MIB, MIB), (2 * MIB, MIB - KIB)]


def test_blocks_of_zeroes_become_runs_that_join_their_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    content = NOISE[: 64 * KIB] + bytes(200 * KIB) + NOISE[: 24 * KIB] + bytes(32 * KIB)

    write(path, ("vda", 0, content), ("vda", 320 * KIB, MIB), ("vda", 2 * MIB, bytes(MIB)))

    found = [(part.offset, part.length, part.content is None) for part in parts(path)]
    assert found == [
        (0, 64 * KIB, False),
        (64 * KIB, 192 * KIB, True),
        # Not a whole block is zero here.
        (256 * KIB, 64 * KIB, False),
        (320 * KIB, MIB, True),
        (2 * MIB, MIB, True),
    ]


def test_zeroes_of_a_huge_disk_are_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "1.log"

    sealed = write(path, ("vda", 0, 64 * GIB), size=64 * GIB)

    assert list(parts(path)) == [Part("vda", 0, 64 * GIB, None)]
    assert sealed.size < 4 * KIB


def test_files_come_out_by_name(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    with LogWriter(path, head(1, MIB)) as log:
        log.file("domain.xml", b"<domain/>")
        log.data("vda", 0, NOISE[:MIB])
        log.file("nvram", NOISE)
        log.seal()

    assert files(path) == {"domain.xml": b"<domain/>", "nvram": NOISE}


def test_a_log_without_changes_is_a_log(tmp_path: Path) -> None:
    path = tmp_path / "1.log"

    sealed = write(path)

    assert list(parts(path)) == []
    assert files(path) == {}
    assert verify(path) == sealed


def test_what_is_not_sealed_leaves_nothing(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "1.log", head(1, MIB)) as log:
        log.data("vda", 0, NOISE[:MIB])

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "1.log.part").write_bytes(b"torn")

    sealed = write(tmp_path / "1.log", ("vda", 0, NOISE))

    assert verify(tmp_path / "1.log") == sealed
    assert [each.name for each in tmp_path.iterdir()] == ["1.log"]


def test_disks_may_be_written_by_a_thread_each(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    with LogWriter(path, head(1, 64 * MIB, 64 * MIB)) as log:
        threads = [threading.Thread(target=fill, args=(log, target)) for target in ("vda", "vdb")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sealed = log.seal()

    assert verify(path) == sealed
    for target in ("vda", "vdb"):
        content = b"".join(part.content or b"" for part in parts(path) if part.target == target)
        assert content == NOISE * 10


def fill(log: LogWriter, target: str) -> None:
    for number in range(10):
        log.data(target, number * len(NOISE), NOISE)


def test_a_buffer_is_free_as_soon_as_it_was_given(tmp_path: Path) -> None:
    path, buffer = tmp_path / "1.log", bytearray(NOISE)
    with LogWriter(path, head(1, 8 * MIB)) as log:
        log.data("vda", 0, memoryview(buffer))
        buffer[:] = bytes(len(buffer))
        log.seal()

    assert b"".join(part.content or b"" for part in parts(path)) == NOISE


@pytest.mark.parametrize(
    ("offset", "length"), [(7 * MIB + 1, MIB), (MIB - 1, 1)], ids=["beyond its end", "back"]
)
def test_a_writer_refuses_what_no_reader_takes(tmp_path: Path, offset: int, length: int) -> None:
    with LogWriter(tmp_path / "1.log", head(1, 8 * MIB)) as log:
        log.data("vda", 0, NOISE[:MIB])

        with pytest.raises(ValueError, match=r"within a disk|comes after"):
            log.data("vda", offset, NOISE[:length])


def test_a_log_cut_anywhere_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    write(path, ("vda", 0, NOISE[:100]), ("vdb", 0, 4096), ("vdb", 8192, b"a" * 200))
    whole = path.read_bytes()

    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        for read in (verify, files, lambda path: list(parts(path))):
            with pytest.raises(LogTorn):
                read(path)


def test_a_flipped_bit_anywhere_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    write(path, ("vda", 0, NOISE[:100]), ("vdb", 0, 4096), ("vdb", 8192, b"a" * 200))
    whole = path.read_bytes()

    for at in range(len(whole)):
        for bit in (0, 3, 7):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(LogDamaged):
                verify(path)
