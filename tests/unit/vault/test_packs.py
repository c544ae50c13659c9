"""Packs and what goes into them: limits, bombs, and growth."""

import hashlib
import resource
import sys

import pytest

from holdfast.base.ids import BlobId, PackId
from holdfast.storage.memory import MemoryStorage
from holdfast.vault.check_pack import load_header, open_header, pieces_of, verify_pack
from holdfast.vault.compression import Compressor, ZstdError, compress, decompress
from holdfast.vault.envelope import OVERHEAD, MasterKey, Sealer
from holdfast.vault.errors import FileUnreadable, PackHeaderBroken
from holdfast.vault.pack_builder import PackBuffer, PackBuilder
from holdfast.vault.pack_header import LENGTH, MAX_HEADER, Kind, Span, encode_header
from holdfast.vault.pack_writer import put_pack
from holdfast.vault.sealed_files import SealedFiles, unpack

SEALER = Sealer(MasterKey.from_bytes(bytes(range(64))))
PACK = PackId(bytes(32))


def built(*contents: bytes, target: int = 1 << 20) -> tuple[bytes, list[Span]]:
    builder = PackBuilder(SEALER, Compressor(), PackBuffer(target))
    for plain in contents:
        builder.add(Kind.DATA, BlobId(hashlib.sha256(plain).digest()), plain)
    return bytes(builder.finish()), builder.spans


def test_what_does_not_shrink_is_kept_as_it_is() -> None:
    noise = hashlib.shake_256(b"seed").digest(5000)

    _, (stored, packed) = built(noise, b"a" * 5000)

    assert (stored.plain_length, stored.length) == (0, 5000 + OVERHEAD)
    assert packed.plain_length == 5000
    assert packed.length < 100


def test_trees_are_always_compressed() -> None:
    builder = PackBuilder(SEALER, Compressor(), PackBuffer(1 << 20))

    span = builder.add(Kind.TREE, BlobId(bytes(32)), b"x")

    assert span.plain_length == 1


def test_a_blob_larger_than_the_buffer_makes_it_grow_and_loses_nothing() -> None:
    small, large = b"first", hashlib.shake_256(b"large").digest(4 << 20)

    content, spans = built(small, large, target=1 << 16)

    pack = PackId(hashlib.sha256(content).digest())
    assert len(content) > 4 << 20
    pieces = [(piece, content[piece.start : piece.end]) for piece in pieces_of(spans, len(content))]
    verdict = verify_pack(SEALER, pack, spans, pieces)
    assert verdict.is_good


def test_a_header_is_read_without_the_pack_however_long_it_is() -> None:
    content, spans = built(*(bytes([n % 256, n // 256]) for n in range(500)))
    storage = MemoryStorage()
    pack = put_pack(storage, memoryview(content))

    assert load_header(storage, SEALER, pack, size=len(content)) == spans


@pytest.mark.parametrize("cut", [0, 1, 4, 35, 36])
def test_a_stump_of_a_pack_has_no_header(cut: int) -> None:
    content, _ = built(b"something")

    with pytest.raises(PackHeaderBroken):
        list(open_header(SEALER, PACK, content[:cut]))


@pytest.mark.parametrize("length", [0, OVERHEAD - 1, MAX_HEADER + 1, 2**32 - 1])
def test_a_header_cannot_be_longer_than_the_format_allows(length: int) -> None:
    with pytest.raises(PackHeaderBroken):
        list(open_header(SEALER, PACK, bytes(100) + LENGTH.pack(length)))


def test_a_header_that_does_not_fill_its_pack_is_refused() -> None:
    content, _ = built(b"something")
    storage = MemoryStorage()
    pack = put_pack(storage, memoryview(b"gap" + content))

    with pytest.raises(PackHeaderBroken):
        load_header(storage, SEALER, pack, size=len(content) + 3)


def test_a_blob_shorter_than_its_envelope_is_refused() -> None:
    header = encode_header([Span(BlobId(bytes(32)), Kind.DATA, 0, OVERHEAD - 1, 0)])
    sealed = SEALER.seal(header)

    with pytest.raises(PackHeaderBroken):
        list(open_header(SEALER, PACK, sealed + LENGTH.pack(len(sealed))))


def test_a_frame_that_says_its_size_exactly_is_read() -> None:
    for size in (1, 2, 1000, 1 << 17, (1 << 17) + 1, 1 << 20):
        plain = b"z" * size
        assert decompress(compress(plain), limit=size) == plain


@pytest.mark.parametrize("limit", [0, 1, 999_999])
def test_a_frame_larger_than_announced_is_refused(limit: int) -> None:
    with pytest.raises(ZstdError):
        decompress(compress(b"z" * 1_000_000), limit=limit)


def test_a_bomb_stops_at_the_limit() -> None:
    bomb = compress(bytes(256 << 20))
    assert len(bomb) < 1 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(ZstdError):
        decompress(bomb, limit=1 << 20)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10, sys.platform


@pytest.mark.parametrize("plain", [b"", b"\x01{}", b"\x02", b"\x02junk", b"hello", b"\x00"])
def test_a_small_file_of_unknown_encoding_is_refused(plain: bytes) -> None:
    with pytest.raises(FileUnreadable):
        unpack("index/x", plain)


@pytest.mark.parametrize("plain", [b"{}", b"[]", b"\x02" + compress(b"{}")])
def test_small_files_are_read_packed_and_bare(plain: bytes) -> None:
    assert unpack("index/x", plain) in (b"{}", b"[]")


def test_a_small_file_under_another_name_is_refused() -> None:
    files = SealedFiles(MemoryStorage(), MasterKey.generate())
    name = files.save("index", b"{}")
    other = type(name)("0" * 64)
    files.storage.put(f"index/{other}", files.storage.get(f"index/{name}"))

    assert files.load("index", name) == b"{}"
    with pytest.raises(FileUnreadable, match=other):
        files.load("index", other)
