"""A change log for which there is no room, and one whose disk fails, leave nothing half done."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.units import KIB, MIB
from holdfast.replication.log_errors import LogFull, LogUnreadable, LogUnwritable
from holdfast.replication.log_reader import parts, verify
from holdfast.replication.log_writer import LogWriter, SealedLog
from holdfast.replication.merging import merge
from tests.guarded_mount import guarded_mount
from tests.log_bench import head

pytestmark = [pytest.mark.faults, pytest.mark.real]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a tmpfs")
    with guarded_mount(place):
        yield place


def write(path: Path, number: int, size: int, *, at: int = 0) -> SealedLog:
    with LogWriter(path, head(number, 16 * MIB)) as log:
        log.data("vda", at, os.urandom(size))
        return log.seal()


@pytest.mark.parametrize("size", [3 * MIB + 1000 * KIB, 8 * MIB], ids=["at the end", "before"])
def test_a_log_without_room_leaves_nothing(small_disk: Path, size: int) -> None:
    (small_disk / "other").write_bytes(bytes(100 * KIB))

    with pytest.raises(LogFull, match="No space left"):
        write(small_disk / "1.log", 1, size)

    assert [each.name for each in small_disk.iterdir()] == ["other"]


def test_a_merge_without_room_leaves_both_as_they_are(small_disk: Path) -> None:
    older = write(small_disk / "1.log", 1, MIB)
    newer = write(small_disk / "2.log", 2, MIB, at=4 * MIB)

    with pytest.raises(LogFull):
        merge(older.path, newer.path, newer.path)

    assert sorted(each.name for each in small_disk.iterdir()) == ["1.log", "2.log"]
    assert (verify(older.path), verify(newer.path)) == (older, newer)


def test_a_place_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LogUnwritable, match="No such file"):
        write(tmp_path / "gone" / "1.log", 1, KIB)
    with pytest.raises(LogUnreadable, match="No such file"):
        verify(tmp_path / "1.log")


def test_who_reads_a_log_keeps_it_though_its_name_goes(tmp_path: Path) -> None:
    sealed = write(tmp_path / "1.log", 1, 3 * MIB)
    reading = parts(sealed.path)
    next(reading)

    sealed.path.unlink()

    assert len(list(reading)) == 2
