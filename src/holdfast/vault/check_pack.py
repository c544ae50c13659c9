"""Prove one pack: its name, its header, and every blob in it."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId, PackId, TreeId
from holdfast.base.units import MIB
from holdfast.storage.protocol import Storage
from holdfast.vault.compression import MAX_PLAIN, ZstdError, decompress
from holdfast.vault.envelope import OVERHEAD, Sealer
from holdfast.vault.errors import EnvelopeBroken, PackHeaderBroken
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import LENGTH, MAX_HEADER, Span, read_spans

# Packs are read in pieces of about so much: it is still in the processor's cache when it is hashed,
# opened and hashed again.
PIECE = 4 * MIB
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


class Piece(NamedTuple):
    """A part of a pack that is read at once, and the blobs in it."""

    start: int
    end: int
    spans: Sequence[Span]


# Called with each folder listing that is what its id says.
OnTree = Callable[[TreeId, bytes | memoryview], None]


def _no_tree(_tree: TreeId, _content: bytes | memoryview) -> None:
    """Tell nobody."""


def verify_pack(
    sealer: Sealer,
    pack: PackId,
    spans: Sequence[Span],
    pieces: Iterable[tuple[Piece, bytes]],
    *,
    on_tree: OnTree = _no_tree,
) -> PackVerdict:
    """Prove a pack by its pieces, in order; `spans` is what the index says of it."""
    try:
        return _verified(sealer, pack, spans, pieces, on_tree)
    except HoldfastError as err:
        blobs = frozenset(span.blob for span in spans)
        return PackVerdict(unreadable=err, broken=blobs)


def pieces_of(spans: Sequence[Span], size: int, *, limit: int = PIECE) -> Iterator[Piece]:
    """All of a pack, the blobs that lie together in pieces of about `limit` bytes.

    Of blobs that lie outside the file or overlap nothing can be said here: no piece names them.
    The last piece is the end of the pack with its header.
    """
    at = 0
    for group in _neighbours(spans, size, limit):
        start, end = group[0].offset, group[-1].offset + group[-1].length
        if at < start:
            yield Piece(at, start, ())
        yield Piece(start, end, group)
        at = end
    yield Piece(at, size, ())


def read_pieces(
    storage: Storage, pack: PackId, pieces: Iterable[Piece]
) -> Iterator[tuple[Piece, bytes]]:
    for piece in pieces:
        yield piece, storage.read(pack_path(pack), piece.start, piece.end - piece.start)


def _verified(
    sealer: Sealer,
    pack: PackId,
    spans: Sequence[Span],
    pieces: Iterable[tuple[Piece, bytes]],
    on_tree: OnTree,
) -> PackVerdict:
    broken: set[BlobId] = set()
    whole = hashlib.sha256()
    size, tail = 0, b""
    for piece, content in pieces:
        whole.update(content)
        broken.update(broken_blobs(sealer, piece, content, on_tree))
        size, tail = piece.end, content
    broken.update(span.blob for span in spans if span.offset + span.length > size)
    header, differs = _check_header(sealer, pack, tail, spans)
    return PackVerdict(
        is_named_wrongly=whole.digest() != pack,
        header=header,
        differs=differs,
        broken=frozenset(broken),
    )


def _neighbours(spans: Sequence[Span], size: int, limit: int) -> Iterator[list[Span]]:
    group: list[Span] = []
    start = end = 0
    for span in spans:
        if span.offset < end or span.offset + span.length > size:
            continue
        if group and (span.offset != end or span.offset + span.length - start > limit):
            yield group
            group = []
        if not group:
            start = span.offset
        group.append(span)
        end = span.offset + span.length
    if group:
        yield group


def broken_blobs(
    sealer: Sealer, piece: Piece, content: bytes | memoryview, on_tree: OnTree
) -> Iterator[BlobId]:
    """The blobs of a piece that are not what their ids say."""
    # The loop a check spends its time in: no names, no locations, and memory that is kept.
    view = memoryview(content)
    kept = memoryview(bytearray(max((span.length for span in piece.spans), default=0)))
    for blob, kind, offset, length, plain_length in piece.spans:
        at = offset - piece.start
        try:
            opened = kept[: max(0, length - OVERHEAD)]
            sealer.open_into(opened, view[at : at + length], what="")
            limit = min(plain_length, MAX_PLAIN)
            plain = decompress(opened, limit=limit) if plain_length else opened
        except (EnvelopeBroken, ZstdError):
            yield blob
            continue
        if hashlib.sha256(plain).digest() != blob:
            yield blob
        elif kind:
            on_tree(blob, plain)


def _check_header(
    sealer: Sealer, pack: PackId, tail: bytes, spans: Sequence[Span]
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
