"""A read-only table of blobs in one file: 48 bytes a blob, mapped, found in about a microsecond.

Layout, little-endian: header, JSON with the index files it was made from, then per kind (data,
tree) a fan-out, the ids grouped by their leading bits, and one record per id; then the pack ids.
Ids are SHA-256, hence evenly spread: the leading bits give a bucket of some ten ids, and one
search by memory comparison finds the id in it. The order within a bucket does not matter.
"""

import contextlib
import hashlib
import mmap
import os
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import msgspec

from holdfast.base.ids import ID_BYTES, BlobId, PackId
from holdfast.base.texts import _
from holdfast.vault.index_buckets import in_buckets
from holdfast.vault.index_rows import RECORD, Buffer, Rows, little_endian, numbers_of
from holdfast.vault.pack_header import Kind, Span

_MAGIC = b"HFINDEX1"
_HEAD = struct.Struct("<8s32sQ")  # magic, checksum of all that follows it, length of the JSON
_BUCKET = struct.Struct("<II")
_IDS_PER_BUCKET = 8


class TableStale(Exception):
    """The file is no table, is damaged, or was made from other index files.

    Not for people: whoever sees it makes a new table.
    """


class _Section(msgspec.Struct):
    count: int
    bits: int


class _Description(msgspec.Struct):
    sources: list[str]
    sections: list[_Section]
    packs: int


class _Part(NamedTuple):
    """One kind's share of the file: where its three arrays begin."""

    size: int
    shift: int
    fan_out: int
    ids: int
    records: int


class IndexTable:
    def __init__(self, memory: mmap.mmap, description: _Description, start: int) -> None:
        self.sources = frozenset(description.sources)
        self._memory = memory
        self._parts: list[_Part] = []
        at = start
        for section in description.sections:
            ids = at + 4 * ((1 << section.bits) + 1)
            records = ids + ID_BYTES * section.count
            self._parts.append(_Part(section.count, 32 - section.bits, at, ids, records))
            at = records + RECORD.size * section.count
        self._pack_ids = at
        self._pack_count = description.packs
        if at + ID_BYTES * description.packs != len(memory):
            raise TableStale(_("it has another size than its header says"))

    def find(self, kind: Kind, blob: BlobId) -> int:
        """The place of the blob's record in the file, or -1."""
        part = self._parts[kind]
        memory = self._memory
        bucket = int.from_bytes(blob[:4], "big") >> part.shift
        first, last = _BUCKET.unpack_from(memory, part.fan_out + 4 * bucket)
        start, end = part.ids + ID_BYTES * first, part.ids + ID_BYTES * last
        at = memory.find(blob, start, end)
        # A match across two neighbouring ids is no match.
        while at >= 0 and (at - start) % ID_BYTES:
            at = memory.find(blob, at + 1, end)
        if at < 0:
            return -1
        return part.records + (at - part.ids) // ID_BYTES * RECORD.size

    def location(self, record: int) -> tuple[PackId, int, int, int]:
        number, offset, length, plain_length = RECORD.unpack_from(self._memory, record)
        return self._pack(number), offset, length, plain_length

    def find_all(self, kind: Kind, blob: BlobId) -> Iterator[int]:
        """The places of all records of a blob, which may lie in several packs."""
        part = self._parts[kind]
        bucket = int.from_bytes(blob[:4], "big") >> part.shift
        first, last = _BUCKET.unpack_from(self._memory, part.fan_out + 4 * bucket)
        for row in range(first, last):
            at = part.ids + ID_BYTES * row
            if self._memory[at : at + ID_BYTES] == blob:
                yield part.records + RECORD.size * row

    def record(self, record: int) -> tuple[int, int, int]:
        """Offset, stored length and plain length, for whoever does not ask in which pack."""
        _, offset, length, plain_length = RECORD.unpack_from(self._memory, record)
        return offset, length, plain_length

    def packs(self) -> Iterator[PackId]:
        return map(self._pack, range(self._pack_count))

    def blobs(self, kind: Kind) -> Iterator[BlobId]:
        part = self._parts[kind]
        for at in range(part.ids, part.ids + ID_BYTES * part.size, ID_BYTES):
            yield BlobId(self._memory[at : at + ID_BYTES])

    def rows(self) -> Rows:
        """The whole table as columns: views, not copies."""
        return Rows(
            list(self.packs()),
            (self._ids(Kind.DATA), self._ids(Kind.TREE)),
            (self._records(Kind.DATA), self._records(Kind.TREE)),
        )

    def _ids(self, kind: Kind) -> memoryview:
        part = self._parts[kind]
        return memoryview(self._memory)[part.ids : part.records]

    def _records(self, kind: Kind) -> memoryview:
        part = self._parts[kind]
        end = part.records + RECORD.size * part.size
        return memoryview(self._memory)[part.records : end]

    def __len__(self) -> int:
        return sum(part.size for part in self._parts)

    def _pack(self, number: int) -> PackId:
        at = self._pack_ids + ID_BYTES * number
        return PackId(self._memory[at : at + ID_BYTES])


def open_table(path: str, sources: frozenset[str]) -> IndexTable:
    """Map a table made from some of `sources`; TableStale where it cannot be trusted."""
    try:
        with open(path, "rb") as file:
            return map_table(file, sources)
    except OSError as err:
        raise TableStale(str(err)) from err


def map_table(file: BinaryIO, sources: frozenset[str]) -> IndexTable:
    """As `open_table`, of an open file, which may be closed afterwards."""
    try:
        memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    except (OSError, ValueError) as err:
        raise TableStale(str(err)) from err
    description, start = _verified(memory)
    if not sources.issuperset(description.sources):
        raise TableStale(_("index files it was made from are gone"))
    return IndexTable(memory, description, start)


def _verified(memory: mmap.mmap) -> tuple[_Description, int]:
    try:
        magic, checksum, length = _HEAD.unpack_from(memory)
        with memoryview(memory) as view, view[8 + 32 :] as checked:
            if magic != _MAGIC or hashlib.sha256(checked).digest() != checksum:
                raise TableStale(_("its checksum does not match"))
        start = _HEAD.size + length
        return msgspec.json.decode(memory[_HEAD.size : start], type=_Description), start
    except (struct.error, msgspec.DecodeError) as err:
        raise TableStale(str(err)) from err


class TableWriter:
    """Collects packs and writes them as one table; 48 bytes a blob while it does."""

    def __init__(self) -> None:
        # How many packs came from more than one index file.
        self.repeated = 0
        self._packs: dict[PackId, int] = {}
        self._ids = (bytearray(), bytearray())
        self._records = (bytearray(), bytearray())

    def add(self, pack: PackId, spans: Iterable[Span]) -> None:
        number = self._number(pack)
        pack_record = RECORD.pack
        for blob, kind, offset, length, plain_length in spans:
            self._ids[kind].extend(blob)
            self._records[kind].extend(pack_record(number, offset, length, plain_length))

    def add_rows(self, rows: Rows) -> None:
        """Take in columns whole."""
        numbers = [self._number(pack) for pack in rows.packs]
        for kind in Kind:
            self._ids[kind].extend(rows.ids[kind])
            self._records[kind].extend(_renumbered(rows.records[kind], numbers))

    def write(self, path: str, sources: Iterable[str]) -> None:
        """Put the table at `path`, whole or not at all."""
        temporary = f"{path}.{os.getpid()}.tmp"
        try:
            with open(temporary, "w+b") as target:
                self.write_to(target, sources)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def write_to(self, target: BinaryIO, sources: Iterable[str]) -> None:
        """Put the table into a file opened for writing."""
        sections = [_section(len(ids) // ID_BYTES) for ids in self._ids]
        description = msgspec.json.encode(_Description(sorted(sources), sections, len(self._packs)))
        checksum = hashlib.sha256()

        def put(piece: Buffer) -> None:
            checksum.update(piece)
            target.write(piece)

        target.write(bytes(_HEAD.size - 8))
        put(struct.pack("<Q", len(description)))
        put(description)
        for section, ids, records in zip(sections, self._ids, self._records, strict=True):
            for piece in in_buckets(ids, records, bits=section.bits):
                put(piece)
        put(b"".join(self._packs))
        target.seek(0)
        target.write(_MAGIC + checksum.digest())
        target.flush()

    def _number(self, pack: PackId) -> int:
        self.repeated += pack in self._packs
        return self._packs.setdefault(pack, len(self._packs))


def _renumbered(records: Buffer, numbers: Sequence[int]) -> bytes:
    found = numbers_of(records)
    found[::4] = array("I", [numbers[number] for number in found[::4]])
    return little_endian(found).tobytes()


def _section(count: int) -> _Section:
    return _Section(count, max(1, min(24, (count // _IDS_PER_BUCKET).bit_length())))
