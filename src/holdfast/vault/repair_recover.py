"""Find folders that nothing leads to any more, and give them a point of their own.

When a point's file or a folder's listing is lost, what lay below is still there. It comes back
under made-up names; points that were forgotten and not yet pruned come back the same way.
"""

from collections.abc import Callable, Collection, Iterable

from holdfast.base.clock import Clock
from holdfast.base.ids import TreeId
from holdfast.vault.identity import Identity
from holdfast.vault.snapshot import SnapshotFile
from holdfast.vault.tree import Node, encode_tree, format_time
from holdfast.vault.tree_walk import subtrees, walk_trees

RECOVERED = "recovered"
_FOLDER = 0o700 | 1 << 31
_NAME_DIGITS = 16


def lost_roots(
    trees: Iterable[TreeId],
    load: Callable[[TreeId], list[Node]],
    *,
    known: Collection[TreeId],
    parallel: int,
) -> tuple[TreeId, ...]:
    """The readable trees that neither a point nor another tree refers to."""
    readable: set[TreeId] = set()
    below: set[TreeId] = set()
    for tree, listing in walk_trees(trees, load, parallel=parallel):
        if isinstance(listing, list):
            readable.add(tree)
            below.update(subtrees(listing))
    return tuple(sorted(readable - below - set(known)))


def recovered_listing(roots: Iterable[TreeId], *, identity: Identity, clock: Clock) -> bytes:
    """A folder with each of the trees as a folder in it."""
    now = format_time(int(clock.now().timestamp()) * 10**9)
    by_name = {tree.hex()[:_NAME_DIGITS]: tree for tree in roots}
    return encode_tree(
        Node(
            name=name,
            type="dir",
            mode=_FOLDER,
            mtime=now,
            atime=now,
            ctime=now,
            uid=identity.uid,
            gid=identity.gid,
            user=identity.username,
            content=None,
            subtree=tree.hex(),
        )
        for name, tree in sorted(by_name.items())
    )


def recovered_point(tree: TreeId, *, identity: Identity, clock: Clock) -> SnapshotFile:
    return SnapshotFile(
        time=clock.now().isoformat(),
        tree=tree.hex(),
        paths=["/"],
        hostname=identity.hostname,
        username=identity.username,
        tags=[RECOVERED],
    )
