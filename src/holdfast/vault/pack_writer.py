"""Add blobs to a repository one after another: for repairs, prune and other small writers.

A backup has a pipeline of its own (files.backup); both fill packs with PackBuilder.
"""

import contextlib
import hashlib

from holdfast.base.ids import BlobId, IndexId, PackId
from holdfast.storage.errors import FileExists
from holdfast.storage.protocol import Storage
from holdfast.vault.compression import Compressor
from holdfast.vault.index_writer import PackSpans, write_index
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_builder import PACK_TARGET, PackBuffer, PackBuilder
from holdfast.vault.pack_header import Kind, Span
from holdfast.vault.sealed_files import SealedFiles


def put_pack(storage: Storage, content: memoryview) -> PackId:
    """Store a finished pack under its hash; the same pack twice is one file."""
    pack = PackId(hashlib.sha256(content).digest())
    # Named by content: whoever wrote it wrote these bytes.
    with contextlib.suppress(FileExists):
        storage.put(pack_path(pack), content)
    return pack


class PackWriter:
    """Trees and data go to separate packs; nothing is in an index before `finish`."""

    def __init__(self, files: SealedFiles) -> None:
        self._files = files
        self._compressor = Compressor()
        self._buffers = (PackBuffer(), PackBuffer())
        self._open = [self._fresh(kind) for kind in Kind]
        self.written: list[PackSpans] = []

    def add(self, kind: Kind, plain: bytes) -> BlobId:
        """Store a blob; whether it is there already is the caller's question."""
        blob = BlobId(hashlib.sha256(plain).digest())
        self._open[kind].add(kind, blob, plain)
        self._store_if_full(kind)
        return blob

    def add_sealed(self, span: Span, sealed: bytes | memoryview) -> None:
        """Store a blob as it lies in another pack."""
        self._open[span.kind].add_sealed(span, sealed)
        self._store_if_full(span.kind)

    def finish(self) -> list[IndexId]:
        """Store the open packs, then the index files that name all packs written."""
        self.flush()
        return write_index(self._files, self.written)

    def flush(self) -> None:
        """Store the open packs without naming them in an index."""
        for kind in Kind:
            self._store(kind)

    def _fresh(self, kind: Kind) -> PackBuilder:
        return PackBuilder(self._files.sealer, self._compressor, self._buffers[kind])

    def _store_if_full(self, kind: Kind) -> None:
        if self._open[kind].is_full(PACK_TARGET):
            self._store(kind)

    def _store(self, kind: Kind) -> None:
        builder = self._open[kind]
        if builder.spans:
            pack = put_pack(self._files.storage, builder.finish())
            self.written.append((pack, builder.spans))
            self._open[kind] = self._fresh(kind)
