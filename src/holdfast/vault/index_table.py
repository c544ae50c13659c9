"""A read-only table of blobs in one file: 48 bytes a blob, mapped, found in about a microsecond.

Layout, little-endian: header, JSON with the index files it was made from, then per kind (data,
tree) a fan-out, the ids grouped by their leading bits, and one record per id; then the pack ids.
Ids are SHA-256, hence evenly spread: the leading bits give a bucket of some ten ids, and one
search by memory comparison finds the id in it. The order within a bucket does not matter.
"""

import hashlib
import mmap
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from holdfast.base.ids import ID_BYTES, BlobId, PackId
from holdfast.vault.pack_header import Kind, Span

_MAGIC = b"HFINDEX1"
_HEAD = struct.Struct("<8s32sQ")  # magic, checksum of all that follows it, length of the JSON
_RECORD = struct.Struct("<IIII")  # pack number, offset, stored length, plain length
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
            at = records + _RECORD.size * section.count
        self._pack_ids = at
        self._pack_count = description.packs
        if at + ID_BYTES * description.packs != len(memory):
            raise TableStale("the file has another size than its header says")

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
        return part.records + (at - part.ids) // ID_BYTES * _RECORD.size

    def location(self, record: int) -> tuple[PackId, int, int, int]:
        number, offset, length, plain_length = _RECORD.unpack_from(self._memory, record)
        return self._pack(number), offset, length, plain_length

    def packs(self) -> Iterator[PackId]:
        return map(self._pack, range(self._pack_count))

    def blobs(self, kind: Kind) -> Iterator[BlobId]:
        part = self._parts[kind]
        for at in range(part.ids, part.ids + ID_BYTES * part.size, ID_BYTES):
            yield BlobId(self._memory[at : at + ID_BYTES])

    def __len__(self) -> int:
        return sum(part.size for part in self._parts)

    def _pack(self, number: int) -> PackId:
        at = self._pack_ids + ID_BYTES * number
        return PackId(self._memory[at : at + ID_BYTES])


def open_table(path: str, sources: frozenset[str]) -> IndexTable:
    """Map a table made from some of `sources`; TableStale where it cannot be trusted."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as err:
        raise TableStale(str(err)) from err
    try:
        memory = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
    except (OSError, ValueError) as err:
        raise TableStale(str(err)) from err
    finally:
        os.close(descriptor)
    description, start = _verified(memory)
    if not sources.issuperset(description.sources):
        raise TableStale("index files it was made from are gone")
    return IndexTable(memory, description, start)


def _verified(memory: mmap.mmap) -> tuple[_Description, int]:
    try:
        magic, checksum, length = _HEAD.unpack_from(memory)
        with memoryview(memory) as view, view[8 + 32 :] as checked:
            if magic != _MAGIC or hashlib.sha256(checked).digest() != checksum:
                raise TableStale("the checksum does not match")
        start = _HEAD.size + length
        return msgspec.json.decode(memory[_HEAD.size : start], type=_Description), start
    except (struct.error, msgspec.DecodeError) as err:
        raise TableStale(str(err)) from err


class TableWriter:
    """Collects packs and writes them as one table; 48 bytes a blob while it does."""

    def __init__(self) -> None:
        self._packs: dict[PackId, int] = {}
        self._ids = (bytearray(), bytearray())
        self._records = (bytearray(), bytearray())

    def add(self, pack: PackId, spans: Iterable[Span]) -> None:
        number = self._packs.setdefault(pack, len(self._packs))
        pack_record = _RECORD.pack
        for blob, kind, offset, length, plain_length in spans:
            self._ids[kind].extend(blob)
            self._records[kind].extend(pack_record(number, offset, length, plain_length))

    def write(self, path: str, sources: Sequence[str]) -> None:
        """Put the table at `path`, whole or not at all."""
        sections, arrays = zip(
            *(_grouped(self._ids[k], self._records[k]) for k in Kind), strict=True
        )
        description = msgspec.json.encode(
            _Description(sorted(sources), list(sections), len(self._packs))
        )
        body = [struct.pack("<Q", len(description)), description]
        body += [piece for pieces in arrays for piece in pieces]
        body.append(b"".join(self._packs))
        checksum = hashlib.sha256()
        for piece in body:
            checksum.update(piece)
        temporary = f"{path}.{os.getpid()}.tmp"
        with open(temporary, "wb") as target:
            target.writelines([_MAGIC, checksum.digest(), *body])
        os.replace(temporary, path)


def _grouped(ids: bytearray, records: bytearray) -> tuple[_Section, list[bytes]]:
    """Sort ids and records by the leading bits of the ids, and count them into a fan-out."""
    import numpy as np  # a tenth of a second that only a rebuild should pay

    count = len(ids) // ID_BYTES
    bits = max(1, min(24, (count // _IDS_PER_BUCKET).bit_length()))
    id_rows = np.frombuffer(ids, np.uint8).reshape(count, ID_BYTES)
    record_rows = np.frombuffer(records, np.uint8).reshape(count, _RECORD.size)
    leading = id_rows[:, :4].copy().view(">u4").ravel().astype(np.uint32) >> np.uint32(32 - bits)
    order = np.argsort(leading, kind="stable")
    fan_out = np.zeros((1 << bits) + 1, "<u4")
    fan_out[1:] = np.cumsum(np.bincount(leading, minlength=1 << bits))
    pieces = [fan_out, id_rows[order], record_rows[order]]
    return _Section(count, bits), [piece.tobytes() for piece in pieces]
