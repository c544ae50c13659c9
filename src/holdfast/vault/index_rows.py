"""Index files in columns: what a table is built from, without an object for each blob."""

import struct
import sys
from array import array
from itertools import chain, repeat, starmap
from typing import NamedTuple

from holdfast.base.ids import ID_BYTES, PackId, pack_id_from_hex
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.index_file import IndexBlob, parse_index
from holdfast.vault.pack_header import Kind

RECORD = struct.Struct("<IIII")  # pack number, offset, stored length, plain length
Buffer = bytes | bytearray | memoryview
# A blob with the place of its pack in the file.
_Numbered = tuple[int, IndexBlob]


class Rows(NamedTuple):
    """Packs, and per kind of blob the ids and the records of a table, one after another.

    A record is four numbers of 32 bits, little-endian: the pack's place in `packs`, offset, stored
    length, plain length.
    """

    packs: list[PackId]
    ids: tuple[Buffer, Buffer]
    records: tuple[Buffer, Buffer]


def rows_of(name: str, content: bytes | bytearray) -> Rows:
    """The columns of one index file."""
    packs = parse_index(name, content).packs or []
    blobs = list(chain.from_iterable(pack.blobs or () for pack in packs))
    counts = [len(pack.blobs or ()) for pack in packs]
    try:
        return _columns([pack_id_from_hex(pack.id) for pack in packs], counts, blobs)
    except ValueError as err:
        raise FileUnreadable(name=name, reason=err) from err


def _columns(packs: list[PackId], counts: list[int], blobs: list[IndexBlob]) -> Rows:
    numbers = chain.from_iterable(starmap(repeat, enumerate(counts)))
    split: tuple[list[_Numbered], list[_Numbered]] = ([], [])
    for numbered in zip(numbers, blobs, strict=True):
        split[numbered[1].type == Kind.TREE.word].append(numbered)
    data, trees = map(_column, split)
    return Rows(packs, (data[0], trees[0]), (data[1], trees[1]))


def _column(blobs: list[_Numbered]) -> tuple[bytes, bytes]:
    ids = bytes.fromhex("".join([blob.id for _, blob in blobs]))
    if len(ids) != ID_BYTES * len(blobs):
        raise ValueError("an id contains white space")
    records = [(n, b.offset, b.length, b.uncompressed_length) for n, b in blobs]
    numbers = array("I", chain.from_iterable(records))
    return ids, little_endian(numbers).tobytes()


def numbers_of(records: Buffer) -> "array[int]":
    """The numbers of records, four for each."""
    numbers = array("I")
    numbers.frombytes(records)
    return little_endian(numbers)


def little_endian(numbers: "array[int]") -> "array[int]":
    """From the order of this machine to that of the file, or back."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
