"""How much a restore will bring, learnt from the trees before anything is written."""

from typing import NamedTuple

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId, TreeId
from holdfast.base.units import MIB
from holdfast.files.restore.policy import Choice, Selection, joined
from holdfast.vault.blob_ranges import Blobs
from holdfast.vault.go_strings import unquote
from holdfast.vault.pack_header import Kind

_LONG = MIB
_BATCH = 64


class Sizes(NamedTuple):
    files: int = 0
    bytes: int = 0
    room: int = 0  # bytes it will take on disk, at least


class _Node(msgspec.Struct):
    """The few fields of a node that matter here; the rest is skipped unread."""

    name: str
    type: str
    size: int = 0
    links: int = 0
    inode: int = 0
    device_id: int = 0
    content: list[str] | None = None
    subtree: str | None = None


class _Tree(msgspec.Struct):
    nodes: list[_Node] | None


_decoder = msgspec.json.Decoder(_Tree)


class Sizing:
    def __init__(self, blobs: Blobs, selection: Selection) -> None:
        self._blobs = blobs
        self._selection = selection
        self._linked: set[tuple[int, int]] = set()
        self._files = self._bytes = self._room = 0

    def of(self, tree: TreeId, prefix: bytes, *, only: bytes | None = None) -> Sizes:
        """Walk the trees; what cannot be read is left to the restore to complain about."""
        waiting: list[tuple[TreeId, bytes]] = [(tree, prefix)]
        while waiting:
            batch, waiting = waiting[-_BATCH:], waiting[:-_BATCH]
            paths: dict[TreeId, list[bytes]] = {}
            for one, path in batch:
                paths.setdefault(one, []).append(path)
            for one, plain in self._blobs.fetch(Kind.TREE, paths):
                if isinstance(plain, HoldfastError):
                    continue
                for path in paths[one]:
                    waiting += self._add(plain, path, only)
            only = None
        return Sizes(self._files, self._bytes, self._room)

    def _add(
        self, plain: bytes | bytearray, path: bytes, only: bytes | None
    ) -> list[tuple[TreeId, bytes]]:
        deeper: list[tuple[TreeId, bytes]] = []
        try:
            nodes = _decoder.decode(plain).nodes or []
            for node in nodes:
                if only is not None and unquote(node.name) != only:
                    continue
                below = self._count(node, path)
                if below is not None:
                    deeper.append(below)
        except (msgspec.DecodeError, ValueError):
            pass  # the restore itself says which tree it is
        return deeper

    def _count(self, node: _Node, path: bytes) -> tuple[TreeId, bytes] | None:
        is_folder = node.type == "dir"
        below = b""
        if not self._selection.everything or is_folder:
            below = joined(path, unquote(node.name))
            if self._selection.choose(below, is_folder=is_folder) is Choice.NO:
                return None
        if is_folder and node.subtree:
            return TreeId(bytes.fromhex(node.subtree)), below
        if node.type == "file":
            self._files += 1
            self._bytes += node.size
            self._room += self._room_of(node)
        return None

    def _room_of(self, node: _Node) -> int:
        if node.links > 1 and node.inode:
            inode = (node.device_id, node.inode)
            if inode in self._linked:
                return 0
            self._linked.add(inode)
        if node.size < _LONG:
            return node.size
        return sum(self._blobs.room(BlobId(bytes.fromhex(one))) for one in node.content or ())
