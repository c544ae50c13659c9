"""Write folder listings again without what is lost, as `restic repair snapshots` does.

A file keeps the parts of its content that are left, and its size says how much that is; a folder
whose listing is gone becomes an empty one; what could not exist at all is left out.
"""

from collections.abc import Callable, Iterator

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId, TreeId
from holdfast.vault.check_trees import blobs_of, is_impossible
from holdfast.vault.tree import Node, encode_tree
from holdfast.vault.tree_walk import subtrees

_EMPTY = encode_tree(())

_Open = list[tuple[TreeId, list[Node], Iterator[TreeId]]]


class TreeMender:
    """Mends each tree once; `store` is given the new ones, children before their parents.

    `length_of` tells how long a data blob is, or -1 when it is lost.
    """

    def __init__(
        self,
        load: Callable[[TreeId], list[Node]],
        length_of: Callable[[BlobId], int],
        store: Callable[[bytes], TreeId],
    ) -> None:
        self._load = load
        self._length_of = length_of
        self._store = store
        self._mended: dict[TreeId, TreeId | None] = {}

    def mend(self, root: TreeId) -> TreeId | None:
        """The tree to use instead, which is the same where nothing is lost, or None."""
        waiting: _Open = []
        self._enter(root, waiting)
        while waiting:
            tree, nodes, below = waiting[-1]
            subtree = next((one for one in below if one not in self._mended), None)
            if subtree is not None:
                self._enter(subtree, waiting)
            else:
                waiting.pop()
                self._mended[tree] = self._mend_nodes(tree, nodes)
        return self._mended[root]

    def _enter(self, tree: TreeId, waiting: _Open) -> None:
        if tree in self._mended:
            return
        try:
            nodes = self._load(tree)
        except HoldfastError:
            self._mended[tree] = None
        else:
            waiting.append((tree, nodes, subtrees(nodes)))

    def _mend_nodes(self, tree: TreeId, nodes: list[Node]) -> TreeId:
        by_name: dict[bytes, Node] = {}
        for node in nodes:
            if not is_impossible(node):
                by_name.setdefault(node.raw_name, self._mend_node(node))
        mended = [by_name[name] for name in sorted(by_name)]
        same = len(mended) == len(nodes) and all(map(_is_same, mended, nodes))
        return tree if same else self._store(encode_tree(mended))

    def _mend_node(self, node: Node) -> Node:
        if node.type == "file":
            return self._mend_file(node)
        if node.type == "dir":
            mended = self._mended[node.subtree_id] if node.subtree is not None else None
            if mended is None:
                mended = self._store(_EMPTY)
            if mended.hex() != node.subtree:
                return msgspec.structs.replace(node, subtree=mended.hex())
        return node

    def _mend_file(self, node: Node) -> Node:
        left = [(blob, length) for blob in blobs_of(node) if (length := self._length_of(blob)) >= 0]
        content, size = [blob.hex() for blob, _ in left], sum(length for _, length in left)
        if content == node.content and size == node.size:
            return node
        return msgspec.structs.replace(node, content=content, size=size)


def _is_same(left: Node, right: Node) -> bool:
    return left is right
