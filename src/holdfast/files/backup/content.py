"""From the bytes of files to blobs in packs: what a worker does with content."""

import errno
import hashlib
import hmac
import mmap
import os
import stat
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from holdfast.base.units import KIB, MIB
from holdfast.files.backup.messages import Counts, PackReady
from holdfast.files.backup.slots import Slots
from holdfast.vault.blob_index import Has
from holdfast.vault.claims import Claims
from holdfast.vault.compression import Compressor
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.index_file import encode_entries
from holdfast.vault.pack_builder import PackBuilder
from holdfast.vault.pack_header import Kind

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

    from holdfast.base.ids import BlobId

MIN_CHUNK, AVERAGE_CHUNK, MAX_CHUNK = 512 * KIB, MIB, 8 * MIB
# restic makes holes only in files that contain the blob of exactly so many zeros.
ZERO_BLOB = 512 * KIB
# Read so much at a time that it is still in the processor's cache when it is cut and hashed.
_STEP = 2 * MIB
_WINDOW = MAX_CHUNK + _STEP
# What restic takes for a pack that is worth a file of its own.
_LEAST_PACK = 4 * MIB
_OWN_MEMORY = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
# Read only, hence one page of the kernel's many times over.
_ZEROS = memoryview(mmap.mmap(-1, MAX_CHUNK, flags=_OWN_MEMORY, prot=mmap.PROT_READ))
_PIECE = 4 * KIB
_ZERO_PIECE = bytes(_PIECE)

_sha256 = hashlib.sha256
_DATA = Kind.DATA


def chunker_seed(master: MasterKey) -> int:
    """A secret seed per repository: chunk lengths must not tell which known files are stored."""
    digest = hmac.digest(master.mac_k + master.encrypt, b"holdfast chunker", "sha256")
    return int.from_bytes(digest[:8], "little") >> 1


class BlobSink:
    """Takes plain blobs, stores those that are new in packs, and hands full packs over."""

    def __init__(
        self,
        *,
        master: MasterKey,
        has: Has,
        claims: Claims,
        slots: Slots,
        send: Callable[[PackReady], None],
    ) -> None:
        self._sealer = Sealer(master)
        self._compressor = Compressor()
        self._has = has
        self._claims = claims
        self._slots = slots
        self._send = send
        self._slot = -1
        self._pack: PackBuilder | None = None
        self._zero_ids: dict[int, bytes] = {}
        self.counts = Counts()

    def put(self, plain: memoryview) -> bytes:
        """The id of a blob, which is in the vault already or in a pack of ours now."""
        blob: BlobId = _sha256(plain).digest()  # type: ignore[assignment]
        if self._has(_DATA, blob) or not self._claims.take(blob):
            return blob
        pack = self._pack or self._open()
        pack.add(_DATA, blob, plain)
        counts = self.counts
        counts.blobs += 1
        counts.added += len(plain)
        if pack.is_full():
            self._hand_over(pack)
        return blob

    def put_zeros(self, length: int) -> bytes:
        """The id of that many zeros, hashed once."""
        known = self._zero_ids.get(length)
        if known is None:
            known = self._zero_ids[length] = self.put(_ZEROS[:length])
        return known

    def flush(self) -> None:
        """Hand over the pack that is not full; the parent puts the blobs of small ones together."""
        pack = self._pack
        if pack is None:
            return
        if pack.size >= _LEAST_PACK:
            self._hand_over(pack)
            return
        spans = list(map(tuple, pack.spans))
        self._send(PackReady(self._slot, pack.size, b"", len(spans), spans))
        self._pack = None

    def _open(self) -> PackBuilder:
        self._slot = self._slots.acquire()
        memory = self._slots.slots[self._slot]
        self._pack = PackBuilder(self._sealer, self._compressor, memory)
        return self._pack

    def _hand_over(self, pack: PackBuilder) -> None:
        size, spans = len(pack.finish()), pack.spans
        self._send(PackReady(self._slot, size, encode_entries(spans), len(spans)))
        self._pack = None


class ContentReader:
    """Reads files through one large kept buffer and cuts them into blobs."""

    def __init__(self, sink: BlobSink, seed: int) -> None:
        self._sink = sink
        self._seed = seed
        self._window = memoryview(mmap.mmap(-1, _WINDOW, flags=_OWN_MEMORY))

    @cached_property
    def _chunker(self) -> "FastCDC":
        # Imported by the first worker with a big file: most backups have none that is new.
        from pyfastcdc import FastCDC

        return FastCDC(AVERAGE_CHUNK, min_size=MIN_CHUNK, max_size=MAX_CHUNK, seed=self._seed)

    def read_small(self, descriptor: int, expected: int) -> tuple[bytes, int] | None:
        """Blob id and length of a file of one blob; None when it has grown beyond that."""
        window = self._window
        # One byte more than expected, so that one call tells that this was the end. With a place
        # to read at, since what a pipe holds, if that is there by now, is meant for another.
        length = os.preadv(descriptor, (window[: expected + 1],), 0)
        if length > expected or length > MIN_CHUNK:
            return None
        if length < expected:
            length = self._rest(descriptor, length, expected)
        return (self._sink.put(window[:length]) if length else b""), length

    def _rest(self, descriptor: int, length: int, expected: int) -> int:
        while length < expected:
            more = os.preadv(descriptor, (self._window[length:expected],), length)
            if not more:
                break
            length += more
        return length

    def read_range(self, descriptor: int, start: int, end: int) -> tuple[bytes, int]:
        """Blob ids and length of a part of a file; ends early where the file does."""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            # A device, put in the place of the file that was listed, need not ever end.
            raise OSError(errno.ESPIPE, os.strerror(errno.ESPIPE))
        ids: list[bytes] = []
        total = 0
        for begin, stop, is_data in _coarse(_extents(descriptor, start, end)):
            blobs = self._data(descriptor, begin, stop) if is_data else self._hole(stop - begin)
            for blob, length in blobs:
                ids.append(blob)
                total += length
        return b"".join(ids), total

    def _hole(self, length: int) -> Iterator[tuple[bytes, int]]:
        if length >= ZERO_BLOB:
            yield self._sink.put_zeros(ZERO_BLOB), ZERO_BLOB
            length -= ZERO_BLOB
        while length > 0:
            step = min(length, MAX_CHUNK)
            yield self._sink.put_zeros(step), step
            length -= step

    def _data(self, descriptor: int, start: int, end: int) -> Iterator[tuple[bytes, int]]:
        window = self._window
        kept = 0
        while start < end:
            want = min(_STEP, end - start)
            got = os.preadv(descriptor, (window[kept : kept + want],), start)
            start += got
            filled = kept + got
            last = got == 0 or start >= end
            used = 0
            for length in self._cuts(window[:filled], last=last):
                yield self._blob(window[used : used + length]), length
                used += length
            if last:
                return
            kept = filled - used
            # The open chunk moves to the front; it is cut again with what follows it.
            window[:kept] = window[used:filled]

    def _cuts(self, content: memoryview, *, last: bool) -> Iterator[int]:
        """Lengths of the chunks that are certain: all of them only at the end."""
        pending = 0
        for chunk in self._chunker.cut_buf(content):
            if pending:
                yield pending
            pending = chunk.length
        if pending and last:
            yield pending

    def _blob(self, chunk: memoryview) -> bytes:
        # A look at both ends first: comparing everything is for what may really be zeros.
        if not chunk[0] and not chunk[-1] and _is_zeros(chunk):
            return self._sink.put_zeros(len(chunk))
        return self._sink.put(chunk)


def _is_zeros(chunk: memoryview) -> bool:
    # In pieces: a copy of all of it would stay with the allocator as a hole of 8 MiB.
    for at in range(0, len(chunk), _PIECE):
        piece = bytes(chunk[at : at + _PIECE])
        if piece != _ZERO_PIECE[: len(piece)]:
            return False
    return True


def _coarse(extents: Iterator[tuple[int, int, bool]]) -> Iterator[tuple[int, int, bool]]:
    """Take small holes for data: a disk image has one every few blocks, and none is worth a blob."""
    begin = end = -1
    for start, stop, is_data in extents:
        if is_data or stop - start < ZERO_BLOB:
            begin, end = (start if begin < 0 else begin), stop
            continue
        if begin >= 0:
            yield begin, end, True
            begin = -1
        yield start, stop, False
    if begin >= 0:
        yield begin, end, True


def _extents(descriptor: int, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Yield begin, stop and whether there is data; one data extent where holes are not known."""
    at = start
    while at < end:
        try:
            data = min(os.lseek(descriptor, at, os.SEEK_DATA), end)
        except OSError:
            # ENXIO: nothing but a hole up to the end. Anything else: this file has no holes.
            size = os.fstat(descriptor).st_size
            if not _seeks_data(descriptor):
                yield at, end, True
            elif size > at:
                yield at, min(size, end), False
            return
        if data > at:
            yield at, data, False
        if data < end:
            try:
                hole = min(os.lseek(descriptor, data, os.SEEK_HOLE), end)
            except OSError:
                return  # it has just shrunk below this place
            yield data, hole, True
            data = hole
        at = data


def _seeks_data(descriptor: int) -> bool:
    try:
        os.lseek(descriptor, 0, os.SEEK_HOLE)
    except OSError:
        return False
    return True
