"""Two steps made one: what is covered is gone, what has grown is zero, and no rung is forgotten."""

import os
from pathlib import Path

import msgspec
import pytest

from holdfast.base.units import KIB, MIB
from holdfast.machines.points import Consistency, Downgrade, Rung
from holdfast.replication.log_errors import LogDamaged, LogsDoNotFollow
from holdfast.replication.log_head import Kind, LoggedDisk, LogHead
from holdfast.replication.log_reader import Part, files, parts, verify
from holdfast.replication.log_writer import LogWriter
from holdfast.replication.merging import merge, merged_head
from tests.log_bench import VM, head

NOISE = os.urandom(MIB)


def step(number: int, *disks: LoggedDisk, **changes: object) -> LogHead:
    return msgspec.structs.replace(head(number, disks=disks), **changes)


def vda(size: int = MIB, rung: Rung = Rung.BITMAP, why: str = "tracked") -> LoggedDisk:
    return LoggedDisk(target="vda", size=size, rung=rung, why=why)


def write(path: Path, head_: LogHead, **changes: list[tuple[int, bytes | int]]) -> Path:
    with LogWriter(path, head_) as log:
        log.file("domain.xml", head_.until.encode())
        for target, found in changes.items():
            for offset, what in found:
                if isinstance(what, int):
                    log.zero(target, offset, what)
                else:
                    log.data(target, offset, what)
        log.seal()
    return path


def test_the_newer_covers_the_older(tmp_path: Path) -> None:
    older = write(
        tmp_path / "1", step(1, vda()), vda=[(0, NOISE[: 16 * KIB]), (64 * KIB, 128 * KIB)]
    )
    newer = write(tmp_path / "2", step(2, vda()), vda=[(4 * KIB, b"n" * KIB), (128 * KIB, b"m")])

    merge(older, newer, tmp_path / "3")

    assert list(parts(tmp_path / "3")) == [
        Part("vda", 0, 4 * KIB, NOISE[: 4 * KIB]),
        Part("vda", 4 * KIB, KIB, b"n" * KIB),
        Part("vda", 5 * KIB, 11 * KIB, NOISE[5 * KIB : 16 * KIB]),
        Part("vda", 64 * KIB, 64 * KIB, None),
        Part("vda", 128 * KIB, 1, b"m"),
        Part("vda", 128 * KIB + 1, 64 * KIB - 1, None),
    ]


def test_what_lies_between_two_of_the_older_touches_neither(tmp_path: Path) -> None:
    older = write(tmp_path / "1", step(1, vda()), vda=[(0, b"a"), (64 * KIB, b"b")])
    newer = write(tmp_path / "2", step(2, vda()), vda=[(8 * KIB, b"n"), (16 * KIB, b"m")])

    merge(older, newer, tmp_path / "3")

    found = [(part.offset, part.content) for part in parts(tmp_path / "3")]
    assert found == [(0, b"a"), (8 * KIB, b"n"), (16 * KIB, b"m"), (64 * KIB, b"b")]


def test_a_disk_that_shrank_and_grew_has_zeroes_in_its_tail(tmp_path: Path) -> None:
    older = write(tmp_path / "1", step(1, vda(256 * KIB)), vda=[(0, NOISE[:KIB])])
    newer = write(tmp_path / "2", step(2, vda(MIB)), vda=[(512 * KIB, NOISE[:KIB])])

    merge(older, newer, tmp_path / "3")

    assert [(part.offset, part.length, part.content) for part in parts(tmp_path / "3")] == [
        (0, KIB, NOISE[:KIB]),
        (256 * KIB, 256 * KIB, None),
        (512 * KIB, KIB, NOISE[:KIB]),
        (513 * KIB, 511 * KIB, None),
    ]


def test_what_a_disk_has_shrunk_by_is_gone(tmp_path: Path) -> None:
    older = write(tmp_path / "1", step(1, vda()), vda=[(0, NOISE[: 128 * KIB]), (512 * KIB, b"a")])
    newer = write(tmp_path / "2", step(2, vda(64 * KIB)))

    merge(older, newer, tmp_path / "3")

    assert list(parts(tmp_path / "3")) == [Part("vda", 0, 64 * KIB, NOISE[: 64 * KIB])]


def test_a_disk_in_full_hides_what_was_logged_before(tmp_path: Path) -> None:
    older = write(tmp_path / "1", step(1, vda()), vda=[(0, b"a"), (512 * KIB, b"a")])
    newer = write(tmp_path / "2", step(2, vda(rung=Rung.FULL)), vda=[(4 * KIB, b"n")])

    merge(older, newer, tmp_path / "3")

    assert list(parts(tmp_path / "3")) == [Part("vda", 4 * KIB, 1, b"n")]


def test_disks_come_and_go_with_the_newer(tmp_path: Path) -> None:
    gone = LoggedDisk(target="vdb", size=MIB)
    new = LoggedDisk(target="vdc", size=MIB, rung=Rung.FULL)
    older = write(tmp_path / "1", step(1, vda(), gone), vda=[(0, b"a")], vdb=[(0, b"b")])
    newer = write(tmp_path / "2", step(2, new, vda()), vdc=[(0, b"c")])

    sealed = merge(older, newer, tmp_path / "3")

    assert {part.target: part.content for part in parts(tmp_path / "3")} == {
        "vda": b"a",
        "vdc": b"c",
    }
    assert sealed.head.disks == (new, vda())


def test_a_merged_log_is_of_the_newer_instant(tmp_path: Path) -> None:
    lost = Downgrade(code="agent-away", reason="nobody answered")
    before, after = step(1, vda()), step(2, vda())
    after = msgspec.structs.replace(
        after, consistency=Consistency.FILESYSTEM, downgrades=(lost,), left_out={"vdx": "raw"}
    )
    older, newer = write(tmp_path / "1", before), write(tmp_path / "2", after)

    sealed = merge(older, newer, tmp_path / "3")

    assert sealed.head == msgspec.structs.replace(after, since=before.since)
    assert sealed == verify(tmp_path / "3")
    assert files(tmp_path / "3") == {"domain.xml": after.until.encode()}
    assert files(older) == {"domain.xml": before.until.encode()}


def test_the_dearer_rung_is_remembered_with_its_reason() -> None:
    older = step(1, vda(rung=Rung.HASH, why="map-inconsistent"))

    merged = merged_head(older, step(2, vda(size=2 * MIB)))

    assert merged.disks == (vda(size=2 * MIB, rung=Rung.HASH, why="map-inconsistent"),)


@pytest.mark.parametrize(
    ("older", "newer", "reason"),
    [
        (step(1, vda()), step(3, vda()), "it begins with holdfast-0000000000000003"),
        (step(1, vda(), kind=Kind.SLICE), step(2, vda()), "slices"),
        (step(1, vda(), vm=VM.replace("6", "7")), step(2, vda()), "two machines"),
        (step(1), step(2, vda()), "vda is not in the older one"),
    ],
    ids=["gap", "slice", "another machine", "disk of no base"],
)
def test_what_does_not_follow_is_not_merged(
    tmp_path: Path, older: LogHead, newer: LogHead, reason: str
) -> None:
    write(tmp_path / "1", older)
    write(tmp_path / "2", newer)

    with pytest.raises(LogsDoNotFollow, match=reason):
        merge(tmp_path / "1", tmp_path / "2", tmp_path / "3")

    assert not (tmp_path / "3").exists()


def test_a_damaged_log_is_not_merged(tmp_path: Path) -> None:
    older = write(tmp_path / "1", step(1, vda()), vda=[(0, NOISE)])
    newer = write(tmp_path / "2", step(2, vda()), vda=[(0, NOISE)])
    content = bytearray(older.read_bytes())
    content[len(content) // 2] ^= 1
    older.write_bytes(content)

    with pytest.raises(LogDamaged):
        merge(older, newer, tmp_path / "3")

    assert sorted(each.name for each in tmp_path.iterdir()) == ["1", "2"]
