"""Fill one pack in a kept buffer: blobs back to back, then the sealed header."""

import mmap
from typing import Protocol

from holdfast.base.ids import BlobId
from holdfast.base.units import MIB
from holdfast.vault.compression import TRIAL_FROM, Compressor
from holdfast.vault.envelope import OVERHEAD, Sealer
from holdfast.vault.pack_header import (
    COMPRESSED,
    LENGTH,
    MAX_BLOBS,
    MAX_HEADER,
    Kind,
    Span,
    encode_header,
)

PACK_TARGET = 16 * MIB
_TREE = Kind.TREE


class PackMemory(Protocol):
    """Where a pack is put together."""

    @property
    def view(self) -> memoryview: ...

    def reserve(self, size: int, keep: int) -> None:
        """Make room for `size` bytes and keep the first `keep`."""


class PackBuffer:
    """Page-aligned memory that outlives its pack, so that direct writes work and nothing is copied.

    It grows when a single blob is larger than a whole pack.
    """

    def __init__(self, target: int = PACK_TARGET) -> None:
        self.memory = mmap.mmap(-1, target + 2 * MIB)
        self.view = memoryview(self.memory)

    def reserve(self, size: int, keep: int) -> None:
        if size <= len(self.view):
            return
        larger = mmap.mmap(-1, size)
        larger[:keep] = self.view[:keep]
        self.view.release()
        self.memory.close()
        self.memory, self.view = larger, memoryview(larger)


class PackBuilder:
    """One open pack of one kind of blobs."""

    def __init__(self, sealer: Sealer, compressor: Compressor, buffer: PackMemory) -> None:
        self._sealer = sealer
        self._compressor = compressor
        self._buffer = buffer
        self.spans: list[Span] = []
        self.size = 0
        # A blob that ends below leaves room for itself and the header of a full pack.
        self._surely_free = len(buffer.view) - MAX_HEADER - OVERHEAD

    def add(self, kind: Kind, blob: BlobId, plain: bytes | bytearray | memoryview) -> Span:
        """Compress, seal and append; the blob's plain bytes are not looked at again."""
        plain_length = len(plain)
        content, unpacked = plain, 0
        compressor, is_tree = self._compressor, kind is _TREE
        if plain_length < TRIAL_FROM or is_tree or compressor.is_worth_it(plain):
            packed = compressor.compress(plain)
            # A tree is always compressed: that is how version 2 is told from version 1.
            if len(packed) < plain_length or is_tree:
                content, unpacked = packed, plain_length
        at = self.size
        if at + len(content) > self._surely_free:
            self._make_room(len(content) + OVERHEAD)
        length = self._sealer.seal_into(self._buffer.view, content, at=at)
        span = Span(blob, kind, at, length, unpacked)
        self.spans.append(span)
        self.size = at + length
        return span

    def add_sealed(self, span: Span, sealed: bytes | memoryview) -> Span:
        """Append a blob as it lies in another pack."""
        self._make_room(len(sealed))
        at = self.size
        self._buffer.view[at : at + len(sealed)] = sealed
        blob, kind, _, length, plain_length = span
        return self._note(Span(blob, kind, at, length, plain_length))

    def is_full(self, target: int = PACK_TARGET) -> bool:
        return self.size >= target or len(self.spans) >= MAX_BLOBS

    def finish(self) -> memoryview:
        """Append the header; the whole pack, ready to be named and stored."""
        header = self._sealer.seal(encode_header(self.spans))
        tail = header + LENGTH.pack(len(header))
        self._buffer.reserve(self.size + len(tail), self.size)
        self._buffer.view[self.size : self.size + len(tail)] = tail
        return self._buffer.view[: self.size + len(tail)]

    def _make_room(self, length: int) -> None:
        tail = (len(self.spans) + 1) * COMPRESSED.size + OVERHEAD + LENGTH.size
        self._buffer.reserve(self.size + length + tail, self.size)

    def _note(self, span: Span) -> Span:
        self.spans.append(span)
        self.size += span.length
        return span
