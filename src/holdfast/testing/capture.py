"""Store a real folder as a recovery point, plainly and in one thread: to test what reads points."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from holdfast.base.ids import BlobId, TreeId
from holdfast.files.nodes import make_node, read_attributes
from holdfast.testing.vaults import blob_of
from holdfast.vault.pack_header import Kind
from holdfast.vault.pack_writer import PackWriter
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot, SnapshotFile
from holdfast.vault.tree import Node, encode_tree

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_CHUNK = 256 << 10


def capture(
    repository: Repository, root: Path, *, paths: Iterable[str] = ("/",), chunk: int = _CHUNK
) -> Snapshot:
    """A point whose root is the content of the folder."""
    writer = PackWriter(repository.files)
    folder = os.open(root, _FOLDER)
    try:
        tree = _Capture(repository, writer, chunk).folder(folder)
    finally:
        os.close(folder)
    writer.finish()
    repository.index.add_all(writer.written)
    stored = SnapshotFile(
        time=repository.clock.now().isoformat(), tree=tree.hex(), paths=list(paths)
    )
    return repository.load_snapshot(repository.save_snapshot(stored))


class _Capture:
    def __init__(self, repository: Repository, writer: PackWriter, chunk: int) -> None:
        self._index = repository.index
        self._writer = writer
        self._chunk = chunk
        self._added: set[tuple[Kind, BlobId]] = set()

    def folder(self, folder: int) -> TreeId:
        names = sorted(os.fsencode(name) for name in os.listdir(folder))
        nodes = [self._node(folder, name) for name in names]
        return TreeId(self._add(Kind.TREE, encode_tree(nodes)))

    def _node(self, folder: int, name: bytes) -> Node:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        payload, subtree = b"", None
        match stat.S_IFMT(status.st_mode):
            case stat.S_IFLNK:
                payload = os.readlink(name, dir_fd=folder)
            case stat.S_IFREG:
                payload = self._file(folder, name)
            case stat.S_IFDIR:
                deeper = os.open(name, _FOLDER, dir_fd=folder)
                subtree = self.folder(deeper).hex()
                os.close(deeper)
            case _:
                pass
        attributes = read_attributes(b"/proc/self/fd/%d/%s" % (folder, name))
        device = status.st_dev
        node = make_node(name, status, payload=payload, attributes=attributes, device=device)
        node.subtree = subtree
        return node

    def _file(self, folder: int, name: bytes) -> bytes:
        blobs: list[BlobId] = []
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        with open(opened, "rb") as stream:
            while piece := stream.read(self._chunk):
                blobs.append(self._add(Kind.DATA, piece))
        return b"".join(blobs)

    def _add(self, kind: Kind, plain: bytes) -> BlobId:
        blob = blob_of(plain)
        if not self._index.has(kind, blob) and (kind, blob) not in self._added:
            self._added.add((kind, blob))
            self._writer.add(kind, plain)
        return blob
