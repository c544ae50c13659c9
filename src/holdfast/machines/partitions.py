"""The partitions of a disk, from its MBR or GPT. Pure, but for the reads it is given."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Read = Callable[[int, int], bytes]

_SECTORS = (512, 4096)
_TABLE = 446
_ENTRY = 16
_MAGIC = b"\x55\xaa"
_MBR_ENTRY = struct.Struct("<B3xB3xII")
_EXTENDED = frozenset((0x05, 0x0F, 0x85))
_PROTECTIVE = 0xEE
_GPT_MAGIC = b"EFI PART"
# Offsets in the GPT's header: where its entries are, how many, and how long each.
_GPT_HEADER = struct.Struct("<72xQIII")
_GPT_ENTRY = struct.Struct("<16s16sQQ8x")
_GPT_NAME = slice(56, 128)
# More, or longer ones, are a damaged table, or one that is made to keep us busy.
_MOST = 256
_LONGEST_ENTRY = 4096
_FIRST_LOGICAL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """Bytes of a disk; `number` as Linux counts them."""

    number: int
    start: int
    size: int
    name: str = ""


def read_partitions(read: Read, size: int) -> list[Partition]:
    """None where there is no table; what reaches beyond the disk is left out."""
    for sector in _SECTORS:
        found = [*_gpt(read, size, sector)]
        if found:
            return found
    return sorted(_mbr(read, size), key=lambda each: each.number)


def _gpt(read: Read, size: int, sector: int) -> Iterator[Partition]:
    if size < 3 * sector:
        return
    header = read(sector, sector)
    if not header.startswith(_GPT_MAGIC):
        return
    at, count, length, _checksum = _GPT_HEADER.unpack_from(header)
    count = min(count, _MOST)
    if not _GPT_NAME.stop <= length <= _LONGEST_ENTRY or at * sector + count * length > size:
        return
    table = read(at * sector, count * length)
    for number in range(count):
        entry = table[number * length : (number + 1) * length]
        kind, _guid, first, last = _GPT_ENTRY.unpack_from(entry)
        name = entry[_GPT_NAME].decode("utf-16-le", "replace").rstrip("\0")
        start, end = first * sector, (last + 1) * sector
        if any(kind) and 0 < start < end <= size:
            yield Partition(number=number + 1, start=start, size=end - start, name=name)


def _mbr(read: Read, size: int) -> Iterator[Partition]:
    table = _entries(read, 0, size)
    for number, (kind, first, count) in enumerate(table, start=1):
        if kind in _EXTENDED:
            yield from _logical(read, size, first)
        elif kind not in (0, _PROTECTIVE):
            yield from _within(number, first, count, size)


def _logical(read: Read, size: int, outer: int) -> Iterator[Partition]:
    """A chain: each link has one partition, and says where the next link is."""
    at, seen = outer, set[int]()
    while at not in seen and len(seen) < _MOST:
        seen.add(at)
        following = None
        for kind, first, count in _entries(read, at * _SECTORS[0], size)[:2]:
            if kind in _EXTENDED:
                following = outer + first
            elif kind:
                yield from _within(_FIRST_LOGICAL + len(seen) - 1, at + first, count, size)
        if following is None:
            return
        at = following


def _within(number: int, first: int, count: int, size: int) -> Iterator[Partition]:
    start, end = first * _SECTORS[0], (first + count) * _SECTORS[0]
    if 0 < start < end <= size:
        yield Partition(number=number, start=start, size=end - start)


def _entries(read: Read, at: int, size: int) -> list[tuple[int, int, int]]:
    """Kind, first sector and count of sectors of the four, if there is a table at all."""
    if at + _SECTORS[0] > size:
        return []
    sector = read(at, _SECTORS[0])
    if sector[-2:] != _MAGIC:
        return []
    found = []
    for number in range(4):
        flag, kind, first, count = _MBR_ENTRY.unpack_from(sector, _TABLE + number * _ENTRY)
        # The start of a file system may end like a table, but its flags are no flags.
        if flag not in (0x00, 0x80):
            return []
        found.append((kind, first, count))
    return found
