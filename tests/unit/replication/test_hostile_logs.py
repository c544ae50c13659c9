"""A log whose writer means harm is refused before anything in it is used."""

import os
import struct
import zlib
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
import zstandard

from holdfast.base.units import GIB, KIB, MIB
from holdfast.replication.log_errors import LogDamaged, LogNewer, LogTorn, LogUnreadable
from holdfast.replication.log_frames import (
    MAGIC,
    NO_DIGEST,
    Foot,
    Frame,
    FrameKind,
    Method,
    encode_foot,
    encode_frame,
)
from holdfast.replication.log_head import Kind, LoggedDisk, LogHead
from holdfast.replication.log_reader import files, parts, read_head, verify

HEAD = LogHead(
    kind=Kind.STEP,
    vm="6f0e2c6a-0f4e-4f43-9d5e-8d5d0f3f6a11",
    name="web",
    until="holdfast-0000000000000002",
    taken_at=datetime(2026, 1, 2, tzinfo=UTC),
    disks=(LoggedDisk(target="vda", size=4 * MIB),),
)
GOOD_HEAD = msgspec.json.encode(HEAD)


def prelude(content: bytes, *, version: int = 1, length: int | None = None) -> bytes:
    begin = struct.pack("<8sII", MAGIC, version, len(content) if length is None else length)
    return begin + struct.pack("<I", zlib.crc32(begin)) + content + sha256(content).digest()


def data(offset: int, plain: bytes, *, disk: int = 0, packed: bytes | None = None) -> bytes:
    stored, method = (plain, Method.RAW) if packed is None else (packed, Method.ZSTD)
    digest = sha256(plain).digest()
    frame = Frame(FrameKind.DATA, method, disk, offset, len(plain), len(stored), digest)
    return encode_frame(frame) + stored


def zeroes(offset: int, length: int, *, disk: int = 0, stored: int = 0) -> bytes:
    frame = Frame(FrameKind.ZERO, Method.RAW, disk, offset, length, stored, NO_DIGEST)
    return encode_frame(frame)


def file(plain: bytes) -> bytes:
    digest = sha256(plain).digest()
    frame = Frame(FrameKind.FILE, Method.RAW, 0, 0, len(plain), len(plain), digest)
    return encode_frame(frame) + plain


def named(name: str) -> bytes:
    return file(struct.pack("<H", len(name.encode())) + name.encode() + b"content")


def sealed(path: Path, *frames: bytes, head: bytes = GOOD_HEAD, plain: int = 0) -> Path:
    """With a foot that is right in all but the bytes of disks."""
    content = prelude(head) + b"".join(frames)
    foot = Foot(len(frames), plain, 0, len(content), sha256(content).digest())
    path.write_bytes(content + encode_foot(foot))
    return path


def refused(path: Path, reason: str) -> None:
    for read in (verify, lambda path: list(parts(path))):
        with pytest.raises(LogDamaged, match=reason):
            read(path)


def altered(**changes: object) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(HEAD, **changes))


def disks(*found: tuple[str, int]) -> bytes:
    return altered(disks=tuple(LoggedDisk(target=name, size=size) for name, size in found))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (data(4 * MIB - 1, b"ab"), "not within a disk"),
        (data(1 << 63, b"ab"), "not within a disk"),
        (data(0, b"a", disk=1), "not within a disk"),
        (data(MIB - 1, b"ab"), "not within a disk"),
        (data(0, b""), "not within a disk"),
        (zeroes(0, 5 * MIB), "not within a disk"),
        (zeroes(2**64 - 4096, 4096), "not within a disk"),
        (zeroes(0, 1, stored=KIB), "are stored as"),
    ],
    ids=["end", "far", "disk", "border", "nothing", "long", "around", "zeroes with content"],
)
def test_frames_are_held_against_the_disks(tmp_path: Path, frame: bytes, reason: str) -> None:
    refused(sealed(tmp_path / "1.log", frame), reason)


@pytest.mark.parametrize("second", [0, KIB - 1])
def test_frames_must_not_overlap(tmp_path: Path, second: int) -> None:
    path = sealed(tmp_path / "1.log", data(0, b"a" * KIB), data(second, b"b" * KIB), plain=2 * KIB)

    with pytest.raises(LogDamaged, match="overlap"):
        verify(path)


def test_a_bomb_is_stopped_where_its_length_ends(tmp_path: Path) -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(256 * MIB))
    path = sealed(tmp_path / "1.log", data(0, b"a" * MIB, packed=bomb[: MIB - 1]), plain=MIB)

    refused(path, "cannot be unpacked")


def test_a_bomb_that_hides_its_size_is_stopped_too(tmp_path: Path) -> None:
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    bomb = packer.compress(bytes(64 * MIB)) + packer.flush()
    path = sealed(tmp_path / "1.log", data(0, b"a" * MIB, packed=bomb), plain=MIB)

    refused(path, "cannot be unpacked")


def test_what_unpacks_to_less_is_refused(tmp_path: Path) -> None:
    packed = zstandard.ZstdCompressor().compress(b"a" * KIB)
    path = sealed(tmp_path / "1.log", data(0, b"a" * MIB, packed=packed), plain=MIB)

    refused(path, "came out")


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../domain.xml", "a/b", "/etc/passwd", "a\0b", "a\nb", ".hidden", "ä"]
)
def test_no_file_leaves_its_folder(tmp_path: Path, name: str) -> None:
    path = sealed(tmp_path / "1.log", named(name))

    refused(path, "name")
    with pytest.raises(LogDamaged, match="name"):
        files(path)


@pytest.mark.parametrize("plain", [b"", b"\x01", b"\xff\xff", b"\x05\x00abc"])
def test_a_file_with_half_a_name_is_refused(tmp_path: Path, plain: bytes) -> None:
    with pytest.raises(LogDamaged):
        verify(sealed(tmp_path / "1.log", file(plain)))


def test_no_name_comes_twice(tmp_path: Path) -> None:
    refused(sealed(tmp_path / "1.log", named("nvram"), named("nvram")), "twice")


def test_a_file_larger_than_any_is_not_read(tmp_path: Path) -> None:
    frame = Frame(FrameKind.FILE, Method.ZSTD, 0, 0, 8 * GIB, KIB, NO_DIGEST)

    refused(sealed(tmp_path / "1.log", encode_frame(frame) + bytes(KIB)), "not within")


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (altered(vm="../../etc"), "UUID"),
        (altered(vm=HEAD.vm.upper()), "UUID"),
        (altered(until="../1"), "generations"),
        (altered(since="holdfast-0000000000000002/.."), "generations"),
        (altered(until=""), "generations"),
        (disks(("../vda", MIB)), "name of a disk"),
        (disks(("", MIB)), "name of a disk"),
        (disks(("vda\n", MIB)), "name of a disk"),
        (disks(("vda", MIB), ("vda", MIB)), "twice"),
        (disks(("vda", -1)), "bytes"),
        (disks(("vda", 1 << 63)), "bytes"),
        (b"[" * 100_000, "makes no sense"),
        (b"{}", "makes no sense"),
        (b"\xff", "makes no sense"),
    ],
    ids=range(14),
)
def test_heads_that_name_what_they_must_not_are_refused(
    tmp_path: Path, head: bytes, reason: str
) -> None:
    path = sealed(tmp_path / "1.log", head=head)

    with pytest.raises(LogDamaged, match=reason):
        read_head(path)


def test_a_head_larger_than_any_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_bytes(prelude(b"{}", length=(1 << 32) - 1))

    with pytest.raises(LogDamaged, match="4294967295 bytes"):
        read_head(path)


def test_a_newer_format_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_bytes(prelude(GOOD_HEAD, version=2))

    with pytest.raises(LogNewer, match="version 2"):
        read_head(path)


@pytest.mark.parametrize("version", [0, 2])
def test_a_head_that_denies_its_version_is_refused(tmp_path: Path, version: int) -> None:
    with pytest.raises(LogDamaged, match="version"):
        read_head(sealed(tmp_path / "1.log", head=altered(version=version)))


def test_frames_that_were_swapped_or_taken_out_are_noticed(tmp_path: Path) -> None:
    frames = [data(MIB * number, os.urandom(KIB)) for number in range(3)]
    whole = sealed(tmp_path / "1.log", *frames, plain=3 * KIB).read_bytes()
    foot, begin = whole[-76:], prelude(GOOD_HEAD)
    path = tmp_path / "2.log"

    path.write_bytes(begin + frames[0] + frames[2] + foot)
    refused(path, "other frames")
    twice = data(MIB, os.urandom(KIB))
    path.write_bytes(begin + frames[0] + twice + frames[2] + foot)
    with pytest.raises(LogDamaged, match="something in it has changed"):
        verify(path)


def test_what_follows_the_foot_is_refused(tmp_path: Path) -> None:
    path = sealed(tmp_path / "1.log", data(0, b"a"), plain=1)
    with open(path, "ab") as log:
        log.write(b"more")

    refused(path, "follows its foot")


def test_an_empty_file_is_a_torn_log(tmp_path: Path) -> None:
    (tmp_path / "1.log").touch()

    with pytest.raises(LogTorn):
        verify(tmp_path / "1.log")


def test_no_link_is_followed(tmp_path: Path) -> None:
    sealed(tmp_path / "1.log")
    (tmp_path / "2.log").symlink_to(tmp_path / "1.log")

    with pytest.raises(LogUnreadable):
        verify(tmp_path / "2.log")
