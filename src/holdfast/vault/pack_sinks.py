"""Where blobs go one after another: into packs on their way out, and known trees nowhere."""

import hashlib
from collections.abc import Iterable

from holdfast.base.ids import TreeId
from holdfast.vault.blob_index import Has
from holdfast.vault.compression import Compressor
from holdfast.vault.envelope import Sealer
from holdfast.vault.index_file import encode_entries
from holdfast.vault.pack_builder import PackBuffer, PackBuilder
from holdfast.vault.pack_header import Kind
from holdfast.vault.snapshot import Summary
from holdfast.vault.tree import join_tree
from holdfast.vault.uploads import Entries, Uploads


class PackSink:
    """Fills packs of one kind and hands them to the uploads."""

    def __init__(self, sealer: Sealer, uploads: Uploads) -> None:
        self._sealer = sealer
        self._uploads = uploads
        self._compressor = Compressor()
        self._pack: PackBuilder | None = None

    @property
    def open(self) -> PackBuilder:
        if self._pack is None:
            # A buffer of its own for every pack: the one before may still be on its way out.
            self._pack = PackBuilder(self._sealer, self._compressor, PackBuffer())
        return self._pack

    def store_if_full(self) -> None:
        if self._pack is not None and self._pack.is_full():
            self.flush()

    def flush(self) -> None:
        if self._pack is not None:
            spans = self._pack.spans
            entries = Entries(encode_entries(spans), len(spans))
            self._uploads.start(self._pack.finish(), entries)
            self._pack = None


class TreeSink:
    def __init__(self, sealer: Sealer, uploads: Uploads, has: Has, summary: Summary) -> None:
        self._sink = PackSink(sealer, uploads)
        self._has = has
        self._summary = summary
        self._stored: set[TreeId] = set()

    def put_nodes(self, pieces: list[bytes]) -> TreeId:
        """The id of the tree with these encoded nodes, stored if it is new."""
        content = join_tree(pieces)
        tree = TreeId(hashlib.sha256(content).digest())
        if not self.knows(tree):
            self._stored.add(tree)
            self._sink.open.add(Kind.TREE, tree, content)
            self._summary.tree_blobs += 1
            self._summary.data_added += len(content)
            self._sink.store_if_full()
        return tree

    def assume(self, trees: Iterable[TreeId]) -> None:
        """These are in the vault; the caller has it from index files that are still there."""
        self._stored.update(trees)

    def knows(self, tree: TreeId) -> bool:
        return tree in self._stored or self._has(Kind.TREE, tree)

    def flush(self) -> None:
        self._sink.flush()
