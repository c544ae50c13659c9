import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.machines.partitions import Partition, Read, read_partitions

KIND = bytes(range(16))
SIZE = 1 << 20


def reads(disk: bytes) -> Read:
    return lambda offset, length: disk[offset : offset + length]


def gpt(*parts: tuple[int, int, str], sector: int = 512) -> bytes:
    """A protective MBR and a table; parts by first and last sector."""
    disk = bytearray(SIZE)
    disk[446:462] = struct.pack("<B3xB3xII", 0, 0xEE, 1, 0xFFFFFFFF)
    disk[510:512] = b"\x55\xaa"
    header = b"EFI PART" + bytes(64) + struct.pack("<QIII", 2, 128, 128, 0)
    disk[sector : sector + len(header)] = header
    for number, (first, last, name) in enumerate(parts):
        entry = KIND + bytes(16) + struct.pack("<QQQ", first, last, 0)
        entry += name.encode("utf-16-le").ljust(72, b"\0")
        at = 2 * sector + number * 128
        disk[at : at + 128] = entry
    return bytes(disk)


def mbr(*parts: tuple[int, int, int]) -> bytes:
    table = b"".join(struct.pack("<B3xB3xII", 0, *part) for part in parts)
    return (bytes(446) + table).ljust(510, b"\0") + b"\x55\xaa"


@pytest.mark.parametrize("sector", [512, 4096])
def test_gpt_partitions_have_their_names(sector: int) -> None:
    disk = gpt((64, 95, "EFI"), (96, 127, "루트"), sector=sector)

    assert read_partitions(reads(disk), SIZE) == [
        Partition(number=1, start=64 * sector, size=32 * sector, name="EFI"),
        Partition(number=2, start=96 * sector, size=32 * sector, name="루트"),
    ]


def test_what_reaches_beyond_the_disk_is_left_out() -> None:
    disk = gpt((64, 1 << 40, "far"), (64, 95, "near"))

    assert [each.name for each in read_partitions(reads(disk), SIZE)] == ["near"]


def test_entries_as_long_as_the_disk_are_not_read() -> None:
    disk = bytearray(gpt((64, 95, "huge")))
    disk[512 + 72 : 512 + 92] = struct.pack("<QIII", 2, 1, SIZE // 2, 0)
    asked: list[int] = []

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        return bytes(disk[offset : offset + length])

    assert read_partitions(read, SIZE) == []
    assert max(asked) <= 4096


def test_logical_partitions_are_a_chain_and_count_from_five() -> None:
    disk = bytearray(SIZE)
    disk[:512] = mbr((0x83, 8, 8), (0x05, 100, 900))
    disk[100 * 512 : 101 * 512] = mbr((0x83, 10, 20), (0x05, 50, 50))
    disk[150 * 512 : 151 * 512] = mbr((0x83, 10, 30), (0, 0, 0))

    assert [
        (each.number, each.start // 512) for each in read_partitions(reads(bytes(disk)), SIZE)
    ] == [
        (1, 8),
        (5, 110),
        (6, 160),
    ]


def test_a_chain_that_bites_its_tail_ends() -> None:
    disk = bytearray(SIZE)
    disk[:512] = mbr((0x05, 100, 900))
    disk[100 * 512 : 101 * 512] = mbr((0x83, 10, 20), (0x05, 0, 50))

    assert len(read_partitions(reads(bytes(disk)), SIZE)) == 1


def test_a_boot_sector_of_a_file_system_is_no_table() -> None:
    sector = bytearray(b"\xeb\x3c\x90" + b"text" * 127).ljust(512)[:512]
    sector[510:] = b"\x55\xaa"

    assert read_partitions(reads(bytes(sector)), 512) == []


@given(st.binary(max_size=3000))
def test_nothing_that_lies_there_breaks_the_reading(head: bytes) -> None:
    for disk in (head, b"EFI PART".join((bytes(512), head)), head.ljust(510) + b"\x55\xaa"):
        for found in read_partitions(reads(disk), len(disk)):
            assert 0 < found.start < found.start + found.size <= len(disk)
