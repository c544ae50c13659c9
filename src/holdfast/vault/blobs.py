"""From stored bytes to a blob that is proven to be the one asked for."""

import hashlib

from holdfast.base.ids import BlobId
from holdfast.vault.blob_index import BlobIndex, Location
from holdfast.vault.compression import MAX_PLAIN, ZstdError, decompress
from holdfast.vault.envelope import Sealer
from holdfast.vault.errors import BlobBroken, BlobMissing, EnvelopeBroken
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Kind
from holdfast.vault.sealed_files import SealedFiles


def open_blob(
    sealer: Sealer, kind: Kind, blob: BlobId, location: Location, sealed: bytes | memoryview
) -> bytes | bytearray:
    """Decrypt, decompress and compare with the id: the envelope alone does not say which blob."""
    plain: bytes | bytearray
    try:
        if location.plain_length:
            packed = sealer.open_kept(sealed, what="")
            plain = decompress(packed, limit=min(location.plain_length, MAX_PLAIN))
        else:
            plain = sealer.open(sealed, what="")
    except EnvelopeBroken as err:
        # Named only here, for there are millions whose name nobody asks.
        problem = EnvelopeBroken(what=f"{kind.word} blob {blob.hex()}")
        raise _broken(kind, blob, location, problem) from err
    except ZstdError as err:
        raise _broken(kind, blob, location, err) from err
    if hashlib.sha256(plain).digest() != blob:
        raise _broken(kind, blob, location, "its content has another hash")
    return plain


def _broken(kind: Kind, blob: BlobId, location: Location, reason: object) -> BlobBroken:
    return BlobBroken(kind=kind.word, blob=blob.hex(), pack=location.pack.hex(), reason=reason)


class BlobReader:
    """Reads single blobs; may be used from several threads."""

    def __init__(self, files: SealedFiles, index: BlobIndex) -> None:
        self._files = files
        self._index = index

    def load(self, kind: Kind, blob: BlobId) -> bytes | bytearray:
        location = self._index.find(kind, blob)
        if location is None:
            raise BlobMissing(kind=kind.word, blob=blob.hex())
        path = pack_path(location.pack)
        sealed = self._files.storage.read(path, location.offset, location.length)
        return open_blob(self._files.sealer, kind, blob, location, sealed)
