"""Index files in columns: what a table is built from, without an object for each blob."""

from itertools import chain
from typing import NamedTuple

from holdfast.base.ids import ID_BYTES, PackId, pack_id_from_hex
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.index_file import IndexBlob, parse_index
from holdfast.vault.pack_header import Kind

Buffer = bytes | bytearray | memoryview


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
    import numpy as np

    count = len(blobs)
    ids = bytes.fromhex("".join([blob.id for blob in blobs]))
    if len(ids) != ID_BYTES * count:
        raise ValueError("an id contains white space")
    records = np.empty((count, 4), "<u4")
    records[:, 0] = np.repeat(np.arange(len(packs)), counts)
    records[:, 1] = [blob.offset for blob in blobs]
    records[:, 2] = [blob.length for blob in blobs]
    records[:, 3] = [blob.uncompressed_length for blob in blobs]
    is_tree = np.array([blob.type == Kind.TREE.word for blob in blobs], bool)
    if not is_tree.any():
        return Rows(packs, (ids, b""), (records.tobytes(), b""))
    id_rows = np.frombuffer(ids, np.uint8).reshape(count, ID_BYTES)
    return Rows(
        packs,
        (id_rows[~is_tree].tobytes(), id_rows[is_tree].tobytes()),
        (records[~is_tree].tobytes(), records[is_tree].tobytes()),
    )
