"""From plain blocks to blobs in packs: what each thread of a disk's backup does."""

import hashlib
import threading
from collections import deque
from collections.abc import Callable

import msgspec

from holdfast.base.ids import BlobId
from holdfast.base.units import MIB
from holdfast.machines.blocks import is_zeros, zero_id
from holdfast.vault.blob_index import Has
from holdfast.vault.claims import Claims
from holdfast.vault.compression import Compressor
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.index_file import encode_entries
from holdfast.vault.pack_builder import PackBuffer, PackBuilder
from holdfast.vault.pack_header import Kind, Span
from holdfast.vault.uploads import Entries

# What restic takes for a pack that is worth a file of its own.
_LEAST_PACK = 4 * MIB
_sha256 = hashlib.sha256


class Stopped(Exception):
    """The run is over, for a reason somebody else knows."""


class Buffers:
    """Memory for packs. There is only so much, so that who is ahead of the storage waits."""

    def __init__(self, count: int) -> None:
        self._unmade = count
        self._free: deque[PackBuffer] = deque()
        self._changed = threading.Condition()
        self._is_stopped = False

    def acquire(self) -> PackBuffer:
        with self._changed:
            while not self._free and not self._unmade and not self._is_stopped:
                self._changed.wait()
            if self._is_stopped:
                raise Stopped
            if self._free:
                return self._free.pop()
            self._unmade -= 1
        return PackBuffer()

    def release(self, buffer: PackBuffer) -> None:
        with self._changed:
            self._free.append(buffer)
            self._changed.notify()

    def stop(self) -> None:
        """Let nobody wait any more, nor begin another pack."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()


class FullPack(msgspec.Struct, frozen=True):
    """A pack to be stored, and its memory to be given back then."""

    content: memoryview
    entries: Entries
    buffer: PackBuffer


class Known:
    """Which blobs need not be stored: they are in the vault, or another thread has them."""

    def __init__(self, has: Has) -> None:
        self._has = has
        self._claims = Claims()
        self._lock = threading.Lock()

    def take(self, blob: BlobId) -> bool:
        """True for the one who is to store this blob."""
        with self._lock:
            return not self._has(Kind.DATA, blob) and self._claims.take(blob)


class BlockSink:
    """One thread's; stores the blocks that are new in packs, and hands full packs over."""

    def __init__(
        self, master: MasterKey, known: Known, buffers: Buffers, send: Callable[[FullPack], None]
    ) -> None:
        self._sealer = Sealer(master)
        self._compressor = Compressor()
        self._known = known
        self._buffers = buffers
        self._send = send
        self._buffer: PackBuffer | None = None
        self._pack: PackBuilder | None = None
        self.blobs = 0
        self.added = 0

    def put(self, block: memoryview) -> BlobId:
        """The id of a block, which is in the vault already or in a pack of ours now."""
        # Most blocks of zeros are not even read; those that are need no hashing.
        zeros = is_zeros(block)
        blob = zero_id(len(block)) if zeros else BlobId(_sha256(block).digest())
        if self._known.take(blob):
            self._add(blob, block)
        return blob

    def flush(self) -> list[tuple[Span, memoryview]]:
        """Hand over the pack that is not full; if it is small, give its blobs to be put elsewhere."""
        pack, buffer = self._pack, self._buffer
        if pack is None or buffer is None:
            return []
        if pack.size >= _LEAST_PACK:
            self._hand_over(pack, buffer)
            return []
        view = buffer.view
        self._pack = None
        return [(span, view[span.offset : span.offset + span.length]) for span in pack.spans]

    def _add(self, blob: BlobId, block: memoryview) -> None:
        if self._pack is None or self._buffer is None:
            self._buffer = self._buffers.acquire()
            self._pack = PackBuilder(self._sealer, self._compressor, self._buffer)
        self._pack.add(Kind.DATA, blob, block)
        self.blobs += 1
        self.added += len(block)
        if self._pack.is_full():
            self._hand_over(self._pack, self._buffer)

    def _hand_over(self, pack: PackBuilder, buffer: PackBuffer) -> None:
        content = pack.finish()
        self._send(FullPack(content, Entries(encode_entries(pack.spans), len(pack.spans)), buffer))
        self._pack = None
