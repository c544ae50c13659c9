"""From a path in the mount to the item there, with what was looked up lately kept."""

import errno
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

from holdfast.base.ids import TreeId
from holdfast.base.texts import _
from holdfast.files.mount.attributes import Item, What, child_item, root_item
from holdfast.files.mount.cache import BlobCache
from holdfast.files.mount.points import Points
from holdfast.files.mount.tree import Link, Point, Shelf
from holdfast.vault.pack_header import Kind
from holdfast.vault.tree import Node, parse_tree

Listing = dict[bytes, Node]
# Bounds of memory: a node takes about 700 bytes, a path with its item about 300.
_NODES_KEPT = 100_000
_PATHS_KEPT = 20_000


class Folders:
    """Listings of trees; may be used from several threads."""

    def __init__(self, blobs: BlobCache, *, warn: Callable[[str], None]) -> None:
        self._blobs = blobs
        self._warn = warn
        self._lock = threading.Lock()
        self._kept: OrderedDict[TreeId, Listing] = OrderedDict()
        self._nodes = 0

    def load(self, tree: TreeId) -> Listing:
        with self._lock:
            found = self._kept.get(tree)
            if found is not None:
                self._kept.move_to_end(tree)
                return found
        listing = self._named(tree, parse_tree(tree, self._blobs.load(Kind.TREE, tree)))
        with self._lock:
            if self._kept.setdefault(tree, listing) is listing:
                self._nodes += len(listing)
            while self._nodes > _NODES_KEPT and len(self._kept) > 1:
                self._nodes -= len(self._kept.popitem(last=False)[1])
        return listing

    def _named(self, tree: TreeId, nodes: list[Node]) -> Listing:
        listing = {}
        for node in nodes:
            name = _usable_name(node)
            if name is None:
                template = _("Tree {tree} has an entry with the impossible name {name}")
                self._warn(template.format(tree=tree.hex(), name=ascii(node.name)))
            else:
                listing[name] = node
        return listing


def _usable_name(node: Node) -> bytes | None:
    """The name, unless it could lead somewhere else or the kernel would refuse all of the folder."""
    name = node.raw_name
    return None if name in {b"", b".", b".."} or b"/" in name or b"\0" in name else name


class Lookup:
    """Finds items by path; paths are bytes that were decoded as Latin-1, one char for each."""

    def __init__(self, points: Points, folders: Folders) -> None:
        self._points = points
        self._folders = folders
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Item] = OrderedDict()

    def find(self, path: str) -> Item:
        """The item; FileNotFoundError or NotADirectoryError as the kernel wants them."""
        missing: list[str] = []
        item = self._recall(path)
        while item is None:
            path, _slash, name = path.rpartition("/")
            missing.append(name)
            item = self._recall(path)
        for name in reversed(missing):
            item = self._child(item, name.encode("latin-1"))
            path = f"{path}/{name}"
            self._keep(path, item)
        return item

    def listing(self, item: Item) -> Mapping[bytes, What]:
        """What lies in a folder, not to be changed."""
        match item.what:
            case Shelf(children=children):
                return children
            case Point(snapshot=snapshot):
                return self._folders.load(snapshot.tree)
            case Node(type="dir") as node:
                return self._folders.load(node.subtree_id)
            case _:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))

    def _recall(self, path: str) -> Item | None:
        if path in {"", "/"}:
            return root_item(self._points.shelf)
        with self._lock:
            found = self._kept.get(path)
            if found is not None:
                self._kept.move_to_end(path)
            return found

    def _keep(self, path: str, item: Item) -> None:
        if isinstance(item.what, (Shelf, Link)):
            return  # these change when a point is added
        with self._lock:
            self._kept[path] = item
            if len(self._kept) > _PATHS_KEPT:
                self._kept.popitem(last=False)

    def _child(self, item: Item, name: bytes) -> Item:
        found = self.listing(item).get(name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return child_item(item, name, found)
