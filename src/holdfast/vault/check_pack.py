"""Prove one pack: its name, its header, and every blob in it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId, PackId
from holdfast.base.units import MIB
from holdfast.storage.protocol import Storage
from holdfast.vault.compression import MAX_PLAIN, ZstdError, decompress
from holdfast.vault.envelope import OVERHEAD, Sealer
from holdfast.vault.errors import EnvelopeBroken, PackHeaderBroken
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import LENGTH, MAX_HEADER, Span, read_spans

# Packs up to this size are read in one piece; larger ones in pieces of about as much.
PIECE = 32 * MIB
SMALLEST = OVERHEAD + LENGTH.size


@dataclass(frozen=True, slots=True, kw_only=True)
class PackVerdict:
    """What is wrong with a pack; nothing when all is empty."""

    # It could not be read at all, or not to its end.
    unreadable: HoldfastError | None = None
    is_named_wrongly: bool = False
    header: HoldfastError | None = None
    differs: bool = False
    broken: frozenset[BlobId] = frozenset()

    @property
    def is_good(self) -> bool:
        return self == _GOOD


_GOOD = PackVerdict()


def verify_pack(
    storage: Storage,
    sealer: Sealer,
    pack: PackId,
    spans: Sequence[Span],
    *,
    size: int,
    content: bytes | None = None,
) -> PackVerdict:
    """Read a pack once, in pieces if it is large; `spans` is what the index says of it.

    `content` is the whole pack where somebody has read it already.
    """
    try:
        return _verified(_Source(storage, pack, size, content), sealer, pack, spans)
    except HoldfastError as err:
        blobs = frozenset(span.blob for span in spans)
        return PackVerdict(unreadable=err, broken=blobs)


class _Source:
    """A pack's bytes in order; all that is taken goes through the hash."""

    def __init__(self, storage: Storage, pack: PackId, size: int, content: bytes | None) -> None:
        self._storage = storage
        self._path = pack_path(pack)
        if content is None and size <= PIECE:
            content = storage.get(self._path)
        self._content = memoryview(content) if content is not None else None
        self.size = size if content is None else len(content)
        self.hash = hashlib.sha256()

    def take(self, start: int, end: int) -> memoryview:
        if self._content is not None:
            piece = self._content[start:end]
        else:
            piece = memoryview(self._storage.read(self._path, start, end - start))
        self.hash.update(piece)
        return piece


def _verified(source: _Source, sealer: Sealer, pack: PackId, spans: Sequence[Span]) -> PackVerdict:
    broken: set[BlobId] = set()
    at = 0
    for start, end, group in _pieces(spans, source.size):
        source.take(at, start)
        piece = source.take(start, end)
        at = end
        broken.update(_broken(sealer, group, piece, start))
    tail = source.take(at, source.size)
    broken.update(span.blob for span in spans if span.offset + span.length > source.size)
    header, differs = _check_header(sealer, pack, tail, spans)
    return PackVerdict(
        is_named_wrongly=source.hash.digest() != pack,
        header=header,
        differs=differs,
        broken=frozenset(broken),
    )


def _pieces(spans: Sequence[Span], size: int) -> Iterator[tuple[int, int, list[Span]]]:
    """Neighbouring blobs to be read together; what lies outside the file or overlaps is left out."""
    group: list[Span] = []
    start = end = 0
    for span in spans:
        if span.offset < end or span.offset + span.length > size:
            continue
        if group and (span.offset != end or span.offset + span.length - start > PIECE):
            yield start, end, group
            group = []
        if not group:
            start = span.offset
        group.append(span)
        end = span.offset + span.length
    if group:
        yield start, end, group


def _broken(
    sealer: Sealer, spans: Sequence[Span], piece: memoryview, start: int
) -> Iterator[BlobId]:
    # The loop a check spends its time in: no names, no locations, and memory that is kept.
    kept = memoryview(bytearray(max(span.length for span in spans)))
    for blob, _, offset, length, plain_length in spans:
        at = offset - start
        try:
            opened = kept[: max(0, length - OVERHEAD)]
            sealer.open_into(opened, piece[at : at + length], what="")
            limit = min(plain_length, MAX_PLAIN)
            plain = decompress(opened, limit=limit) if plain_length else opened
        except (EnvelopeBroken, ZstdError):
            yield blob
            continue
        if hashlib.sha256(plain).digest() != blob:
            yield blob


def _check_header(
    sealer: Sealer, pack: PackId, tail: memoryview, spans: Sequence[Span]
) -> tuple[HoldfastError | None, bool]:
    """The header's own error, and whether it says something else than the index."""
    try:
        found = list(open_header(sealer, pack, tail))
    except HoldfastError as err:
        return err, False
    return None, found != list(spans)


def open_header(sealer: Sealer, pack: PackId, tail: memoryview | bytes) -> Iterator[Span]:
    """The blobs a pack's end names; `tail` must hold the whole header."""
    tail = memoryview(tail)
    if len(tail) < SMALLEST:
        raise PackHeaderBroken(pack=pack.hex(), offset=0, reason="it is too short")
    (length,) = LENGTH.unpack(tail[-LENGTH.size :])
    end = len(tail) - LENGTH.size
    if not OVERHEAD <= length <= min(end, MAX_HEADER):
        raise PackHeaderBroken(pack=pack.hex(), offset=end, reason=f"impossible length {length}")
    header = sealer.open(tail[end - length : end], what=f"header of pack {pack.hex()}")
    return read_spans(pack, header)


def load_header(storage: Storage, sealer: Sealer, pack: PackId, *, size: int) -> list[Span]:
    """Read the header alone: its length first, then what it says."""
    path = pack_path(pack)
    if size < SMALLEST:
        raise PackHeaderBroken(pack=pack.hex(), offset=0, reason="it is too short")
    # Enough for most headers in one request, as a remote store likes it.
    guess = min(size, _GUESS)
    tail = storage.read(path, size - guess, guess)
    (length,) = LENGTH.unpack(tail[-LENGTH.size :])
    wanted = length + LENGTH.size
    if guess < wanted <= min(size, MAX_HEADER + LENGTH.size):
        tail = storage.read(path, size - wanted, wanted)
    spans = list(open_header(sealer, pack, tail))
    if sum(span.length for span in spans) + wanted != size:
        raise PackHeaderBroken(pack=pack.hex(), offset=0, reason="its lengths do not add up")
    return spans


_GUESS = 4096
