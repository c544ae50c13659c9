"""Store the blocks of disks, one disk after another, and make them durable in the end."""

import contextlib
import hashlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import ID_BYTES, BlobId
from holdfast.machines.block_sink import BlockSink, Buffers, FullPack, Known
from holdfast.machines.blocks import (
    BLOCK,
    Act,
    BlockIds,
    bytes_of,
    plan_blocks,
    rows_of,
    stretches,
    zero_blocks,
    zero_id,
)
from holdfast.machines.crew import AT_ONCE, Crew
from holdfast.machines.disk_source import DiskSource
from holdfast.machines.layout import ZERO_HALF
from holdfast.machines.spool import Kept, Spool
from holdfast.vault.index_keeper import IndexKeeper
from holdfast.vault.pack_builder import PackBuffer
from holdfast.vault.pack_header import Kind
from holdfast.vault.pack_sinks import PackSink
from holdfast.vault.repository import Repository
from holdfast.vault.uploads import Uploads

if TYPE_CHECKING:
    from holdfast.machines.blocks import Acts, Touched

# Packs beside those being filled and those being stored; each is 18 MiB of memory.
_SPARE = 1


class StoredBlocks(NamedTuple):
    """A disk whose blocks are in packs, or were in the vault before."""

    blocks: BlockIds
    # Those taken over from the parent without being read.
    kept: "Touched"
    bytes_read: int


class DiskStore:
    """What one run stores; after `finish` a snapshot may point to it."""

    def __init__(
        self,
        repository: Repository,
        *,
        workers: int,
        still_ours: Callable[[], None],
        index_every: float,
        spool: Spool | None = None,
    ) -> None:
        # Before the threads, each of which would load it.
        repository.load_index()
        self._has = repository.has_blob
        self._known = Known(repository.has_blob)
        self.uploads = Uploads(repository.storage)
        self._index = IndexKeeper(repository, still_ours, every=index_every)
        self._rests = PackSink(repository.files.sealer, self.uploads)
        self._buffers = Buffers(workers + repository.storage.parallel + _SPARE)
        self._sinks: list[BlockSink] = []
        self._crew = Crew(self._sinks, self._buffers)
        for _ in range(workers):
            master = repository.files.master
            self._sinks.append(BlockSink(master, self._known, self._buffers, self._crew.send))
        self._spool = spool
        # How many may wait in memory, so that each thread always finds one to fill.
        self._direct = threading.Semaphore(repository.storage.parallel + _SPARE)
        self._own_blobs = self._own_added = 0

    @property
    def blobs(self) -> int:
        """How many are new."""
        return self._own_blobs + sum(sink.blobs for sink in self._sinks)

    @property
    def added(self) -> int:
        """Plain bytes of the blobs that are new."""
        return self._own_added + sum(sink.added for sink in self._sinks)

    def store(
        self, source: DiskSource, parent: BlockIds | None, on_bytes: Callable[[int], None]
    ) -> StoredBlocks:
        """Read what has to be read; afterwards the source is not needed any more."""
        size, changed = source.size, source.changed
        acts = plan_blocks(size, data=source.spans_with_data(), changed=changed, parent=parent)
        blocks = BlockIds(size, bytearray(ID_BYTES * len(acts)))
        if parent is not None:
            self._keep(acts, blocks, parent)
        _fill_zeros(acts, blocks)
        chosen = acts == Act.READ
        to_read = bytes_of(chosen, size)
        on_bytes(size - to_read)
        self._read(source, chosen, blocks, on_bytes)
        # What is not in the vault must not get into a point.
        assert rows_of(blocks.ids).any(axis=1).all()
        self._store_zeros(blocks)
        return StoredBlocks(blocks, acts == Act.KEEP, to_read)

    def put(self, plain: bytes) -> BlobId:
        """Store a blob of our own, unless it is there."""
        blob = BlobId(hashlib.sha256(plain).digest())
        if self._known.take(blob):
            self._rests.open.add(Kind.DATA, blob, plain)
            self._rests.store_if_full()
            self._own_blobs += 1
            self._own_added += len(plain)
        return blob

    def finish(self) -> None:
        """Make everything durable and named."""
        for sink in self._sinks:
            for span, sealed in sink.flush():
                self._rests.open.add_sealed(span, sealed)
                self._rests.store_if_full()
        for pack in self._crew.left():
            self._upload(pack)
        self._rests.flush()
        for stored in self.uploads.finished(wait=True):
            self._index.add(stored)
        self._index.save()

    def name_what_is_durable(self) -> None:
        """After an error: the next run need not store it again."""
        # Best effort; the error that brought us here is the one to be told.
        with contextlib.suppress(HoldfastError, OSError):
            self.uploads.stop()
            for stored in self.uploads.stored():
                self._index.add(stored)
            self._index.save()

    def close(self) -> None:
        self._buffers.stop()
        self.uploads.stop()
        if self._spool is not None:
            self._spool.close()

    def _keep(self, acts: "Acts", blocks: BlockIds, parent: BlockIds) -> None:
        """Take over what the parent has; what the vault has lost since is read again."""
        for number in np.flatnonzero(acts == Act.KEEP).tolist():
            if not self._has(Kind.DATA, parent[number]):
                acts[number] = Act.READ
        kept = np.flatnonzero(acts == Act.KEEP)
        rows_of(blocks.ids)[kept] = rows_of(parent.ids)[kept]

    def _read(
        self,
        source: DiskSource,
        chosen: "Touched",
        blocks: BlockIds,
        on_bytes: Callable[[int], None],
    ) -> None:
        wanted = list(stretches(chosen, longest=AT_ONCE))
        with contextlib.closing(self._crew.read(source, wanted, blocks)) as messages:
            for message in messages:
                if isinstance(message, FullPack):
                    self._upload(message)
                else:
                    on_bytes(message.length)

    def _upload(self, pack: FullPack) -> None:
        content, release = self._way_out(pack)
        self.uploads.start(content, pack.entries, release)
        for stored in self.uploads.finished():
            self._index.add(stored)

    def _way_out(self, pack: FullPack) -> Kept:
        """Out of the spool only where reading would soon wait for the vault: it is a copy more."""
        give_back = partial(self._buffers.release, pack.buffer)
        if self._spool is not None:
            if self._direct.acquire(blocking=False):
                return Kept(pack.content, partial(self._release, pack.buffer))
            kept = self._spool.keep(pack.content)
            if kept is not None:
                give_back()
                return kept
        return Kept(pack.content, give_back)

    def _release(self, buffer: PackBuffer) -> None:
        self._buffers.release(buffer)
        self._direct.release()

    def _store_zeros(self, blocks: BlockIds) -> None:
        """Zeros are a blob as well, and restic wants to see one of a certain length."""
        zeros = zero_blocks(blocks)
        rest = blocks.size % BLOCK
        if rest and zeros[-1]:
            self.put(bytes(rest))
            zeros = zeros[:-1]
        if zeros.any():
            self.put(bytes(BLOCK))
            self.put(bytes(ZERO_HALF))


def _fill_zeros(acts: "Acts", blocks: BlockIds) -> None:
    zeros = acts == Act.ZERO
    rows = rows_of(blocks.ids)
    rows[zeros] = np.frombuffer(zero_id(BLOCK), dtype=np.uint8)
    rest = blocks.size % BLOCK
    if rest and zeros[-1]:
        rows[-1] = np.frombuffer(zero_id(rest), dtype=np.uint8)
