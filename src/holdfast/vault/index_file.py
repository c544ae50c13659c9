"""Index files: which pack holds which blob. Format: restic design document, section "Indexing"."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

import msgspec

from holdfast.base.ids import ID_BYTES, PackId, blob_id_from_hex, pack_id_from_hex
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.pack_header import Kind, Span

# restic closes an index file at this many blobs.
MAX_BLOBS = 50_000


# Checked while decoding: ids are only known to be as long as digests, the rest fits a pack.
_Digits = Annotated[str, msgspec.Meta(min_length=2 * ID_BYTES, max_length=2 * ID_BYTES)]
_Natural32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]


class IndexBlob(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    id: _Digits
    type: Literal["data", "tree"]
    offset: _Natural32
    length: _Natural32
    uncompressed_length: _Natural32 = 0


class IndexPack(msgspec.Struct, gc=False):
    id: _Digits
    blobs: list[IndexBlob] | None


class IndexFile(msgspec.Struct, gc=False):
    packs: list[IndexPack] | None


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
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise FileUnreadable(name=name, reason=err) from err


def packs_of(name: str, content: bytes | bytearray) -> Iterator[tuple[PackId, list[Span]]]:
    """Yield the packs an index file names, with their blobs."""
    try:
        for pack in parse_index(name, content).packs or ():
            yield pack_id_from_hex(pack.id), [_span(entry) for entry in pack.blobs or ()]
    except ValueError as err:
        raise FileUnreadable(name=name, reason=err) from err


_KINDS = {"data": Kind.DATA, "tree": Kind.TREE}


def _span(entry: IndexBlob) -> Span:
    return Span(
        blob_id_from_hex(entry.id),
        _KINDS[entry.type],
        entry.offset,
        entry.length,
        entry.uncompressed_length,
    )


def _entry(span: Span) -> IndexBlob:
    return IndexBlob(
        id=span.blob.hex(),
        type="tree" if span.kind else "data",
        offset=span.offset,
        length=span.length,
        uncompressed_length=span.plain_length,
    )
