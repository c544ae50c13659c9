"""Index files: which pack holds which blob. Format: restic design document, section "Indexing"."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from holdfast.base.ids import BlobId, PackId, pack_id_from_hex
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.pack_header import Kind, Span

# restic closes an index file at this many blobs.
MAX_BLOBS = 50_000


class IndexBlob(msgspec.Struct, omit_defaults=True, kw_only=True):
    id: str
    type: str
    offset: int
    length: int
    uncompressed_length: int = 0


class IndexPack(msgspec.Struct):
    id: str
    blobs: list[IndexBlob]


class IndexFile(msgspec.Struct):
    packs: list[IndexPack]


_decoder = msgspec.json.Decoder(IndexFile)


def encode_index(packs: Iterable[tuple[PackId, Sequence[Span]]]) -> bytes:
    return (
        msgspec.json.encode(
            IndexFile([IndexPack(pack.hex(), [_entry(s) for s in spans]) for pack, spans in packs])
        )
        + b"\n"
    )


def parse_index(name: str, content: bytes | bytearray) -> IndexFile:
    try:
        return _decoder.decode(content)
    except msgspec.DecodeError as err:
        raise FileUnreadable(name=name, reason=err) from err


def packs_of(name: str, content: bytes | bytearray) -> Iterator[tuple[PackId, list[Span]]]:
    """Yield the packs an index file names, with their blobs."""
    try:
        for pack in parse_index(name, content).packs:
            yield pack_id_from_hex(pack.id), [_span(entry) for entry in pack.blobs]
    except (KeyError, ValueError) as err:
        raise FileUnreadable(name=name, reason=err) from err


_KINDS = {"data": Kind.DATA, "tree": Kind.TREE}


def _span(entry: IndexBlob) -> Span:
    digest = bytes.fromhex(entry.id)
    if len(digest) != 32 or min(entry.offset, entry.length, entry.uncompressed_length) < 0:  # noqa: PLR2004
        raise ValueError(f"impossible entry for blob {entry.id}")
    return Span(
        BlobId(digest),
        _KINDS[entry.type],
        entry.offset,
        entry.length,
        entry.uncompressed_length,
    )


def _entry(span: Span) -> IndexBlob:
    return IndexBlob(
        id=span.blob.hex(),
        type=span.kind.word,
        offset=span.offset,
        length=span.length,
        uncompressed_length=span.plain_length,
    )
