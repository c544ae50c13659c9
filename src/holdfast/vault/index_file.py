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
    return join_index((pack, encode_entries(spans)) for pack, spans in packs)


def encode_entries(spans: Iterable[Span]) -> bytes:
    """What an index file says of the blobs of one pack; can be made before the pack has a name."""
    # Written by hand: there are millions of them, and an object for each takes thrice the time.
    return ",".join(
        [
            f'{{"id":"{blob.hex()}","type":"{_WORDS[kind]}","offset":{offset},"length":{length}'
            + (f',"uncompressed_length":{plain_length}}}' if plain_length else "}")
            for blob, kind, offset, length, plain_length in spans
        ]
    ).encode()


def join_index(packs: Iterable[tuple[PackId, bytes]]) -> bytes:
    """An index file that names these packs, each with its encoded entries."""
    pieces = (b'{"id":"%s","blobs":[%s]}' % (pack.hex().encode(), text) for pack, text in packs)
    return b'{"packs":[' + b",".join(pieces) + b"]}\n"


def encode_packs(packs: Iterable[IndexPack]) -> bytes:
    """As `encode_index`, for packs as they stand in other index files."""
    return msgspec.json.encode(IndexFile(list(packs))) + b"\n"


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
_WORDS = ("data", "tree")


def _span(entry: IndexBlob) -> Span:
    return Span(
        blob_id_from_hex(entry.id),
        _KINDS[entry.type],
        entry.offset,
        entry.length,
        entry.uncompressed_length,
    )
