"""Index files for vaults far too large for a test: as the format has them, made of hashes."""

import hashlib
from collections.abc import Iterator

from holdfast.base.ids import BlobId, PackId
from holdfast.vault.index_file import MAX_BLOBS
from holdfast.vault.layout import INDEX
from holdfast.vault.repository import Repository

_BLOBS_PER_PACK = 16
_TREES_IN = 16  # one pack in so many holds trees
_STORED, _PLAIN = 1_000_000, 1_048_576


def digest(*parts: object) -> bytes:
    """A made-up id, the same for the same parts."""
    return hashlib.sha256(repr(parts).encode()).digest()


def blob_at(number: int) -> BlobId:
    """The blob with this number of a big index."""
    return BlobId(digest("blob", number))


def add_index(repository: Repository, blobs: int, *, first: int = 0) -> None:
    """Write index files that name so many blobs, without any pack."""
    for start in range(first, first + blobs, MAX_BLOBS):
        end = min(start + MAX_BLOBS, first + blobs)
        packs = b",".join(_packs(start, end))
        repository.files.save(INDEX, b'{"packs":[' + packs + b"]}\n")


def _packs(start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, _BLOBS_PER_PACK):
        numbers = range(at, min(at + _BLOBS_PER_PACK, end))
        kind = b"tree" if at // _BLOBS_PER_PACK % _TREES_IN == 0 else b"data"
        blobs = b",".join(
            b'{"id":"%s","type":"%s","offset":%d,"length":%d,"uncompressed_length":%d}'
            % (blob_at(n).hex().encode(), kind, (n - at) * _STORED, _STORED, _PLAIN)
            for n in numbers
        )
        pack = PackId(digest("pack", at))
        yield b'{"id":"%s","blobs":[%s]}' % (pack.hex().encode(), blobs)
