"""The table at the end of a pack. Format: restic design document, section "Pack Format"."""

import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from holdfast.base.ids import BlobId, PackId
from holdfast.vault.envelope import OVERHEAD
from holdfast.vault.errors import PackHeaderBroken

PLAIN = struct.Struct("<BI32s")  # type, stored length, id
COMPRESSED = struct.Struct("<BII32s")  # type, stored length, plain length, id
LENGTH = struct.Struct("<I")  # of the sealed header, at the very end
MAX_HEADER = 16 << 20
MAX_BLOBS = (MAX_HEADER - OVERHEAD - LENGTH.size) // COMPRESSED.size


class Kind(IntEnum):
    """What a blob is; the numbers are those of the pack header."""

    DATA = 0
    TREE = 1

    @property
    def word(self) -> str:
        return "tree" if self else "data"


class Span(NamedTuple):
    """One blob in a pack; `plain_length` is 0 where it lies there uncompressed."""

    blob: BlobId
    kind: Kind
    offset: int
    length: int
    plain_length: int


_KINDS = tuple(Kind)


def encode_header(spans: Iterable[Span]) -> bytes:
    return b"".join(
        [
            COMPRESSED.pack(kind | 2, length, plain_length, blob)
            if plain_length
            else PLAIN.pack(kind, length, blob)
            for blob, kind, _offset, length, plain_length in spans
        ]
    )


def read_spans(pack: PackId, header: bytes | bytearray) -> Iterator[Span]:
    """Yield the blobs of a pack in file order, from its decrypted header."""
    at = offset = 0
    while at < len(header):
        try:
            layout = (PLAIN, PLAIN, COMPRESSED, COMPRESSED)[header[at]]
            kind, length, *plain, digest = layout.unpack_from(header, at)
        except (IndexError, struct.error) as err:
            raise PackHeaderBroken(pack=pack.hex(), reason=err, offset=at) from err
        if length < OVERHEAD:
            reason = f"a blob of {length} bytes is shorter than its envelope"
            raise PackHeaderBroken(pack=pack.hex(), reason=reason, offset=at)
        yield Span(BlobId(digest), _KINDS[kind & 1], offset, length, plain[0] if plain else 0)
        # Blobs lie back to back, so an offset is the sum of the lengths before it.
        offset += length
        at += layout.size


def pack_size(spans: Iterable[Span]) -> int:
    """The size a pack with these blobs has as a file."""
    total = OVERHEAD + LENGTH.size
    for span in spans:
        total += span.length + (COMPRESSED.size if span.plain_length else PLAIN.size)
    return total
