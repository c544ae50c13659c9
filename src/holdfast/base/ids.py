"""Ids as types: a blob is not a pack. All are SHA-256 digests."""

from typing import NewType

# Raw digests: they are looked up by the million.
BlobId = NewType("BlobId", bytes)
PackId = NewType("PackId", bytes)
# A tree is a blob; the name says what it must contain.
TreeId = BlobId

# Names of files in a vault, as 64 hex digits.
FileId = NewType("FileId", str)
SnapshotId = NewType("SnapshotId", FileId)
IndexId = NewType("IndexId", FileId)
KeyId = NewType("KeyId", FileId)
LockId = NewType("LockId", FileId)

ID_BYTES = 32
_HEX = frozenset("0123456789abcdef")


def is_file_id(name: str) -> bool:
    return len(name) == 2 * ID_BYTES and _HEX.issuperset(name)


def blob_id_from_hex(digits: str) -> BlobId:
    if not is_file_id(digits):
        raise ValueError(f"not an id: {digits!r}")
    return BlobId(bytes.fromhex(digits))


def pack_id_from_hex(digits: str) -> PackId:
    return PackId(blob_id_from_hex(digits))
