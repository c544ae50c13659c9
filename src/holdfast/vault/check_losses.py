"""Name what damage means: the paths, and the points, that cannot be restored as they were."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId, SnapshotId, TreeId
from holdfast.vault.check_findings import Loss
from holdfast.vault.check_trees import blobs_of, node_problem
from holdfast.vault.snapshot import Snapshot
from holdfast.vault.tree import Node
from holdfast.vault.tree_walk import subtrees

# Paths named in a report; more are counted.
MOST_NAMED = 10_000


@dataclass(slots=True)
class _Sick:
    """A folder in which, or below which, something is lost."""

    lost: list[tuple[bytes, frozenset[BlobId], bool]] = field(default_factory=list)
    below: list[tuple[bytes, TreeId]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Losses:
    named: tuple[Loss, ...]
    unnamed: int


class LossFinder:
    """Looks at each folder listing once, and keeps in mind only those with losses."""

    def __init__(
        self, load: Callable[[TreeId], list[Node]], is_lost: Callable[[BlobId], bool]
    ) -> None:
        self._load = load
        self._is_lost = is_lost
        self._sick: dict[TreeId, _Sick | None] = {}
        self._unreadable: set[TreeId] = set()

    def find(self, snapshots: Iterable[Snapshot]) -> Losses:
        paths: dict[tuple[bytes, bool], tuple[list[SnapshotId], set[BlobId]]] = {}
        unnamed = 0
        for snapshot in snapshots:
            for path, blobs, is_folder in self.of_tree(snapshot.tree):
                if len(paths) == MOST_NAMED and (path, is_folder) not in paths:
                    unnamed += 1
                    continue
                points, lost = paths.setdefault((path, is_folder), ([], set()))
                points.append(snapshot.id)
                lost |= blobs
        named = [
            Loss(path=path, is_folder=is_folder, snapshots=tuple(points), blobs=frozenset(blobs))
            for (path, is_folder), (points, blobs) in sorted(paths.items())
        ]
        return Losses(tuple(named), unnamed)

    def of_tree(self, root: TreeId) -> Iterator[tuple[bytes, frozenset[BlobId], bool]]:
        """Each lost path below a root, the blobs it lacks, and whether it is a whole folder."""
        self._look_below(root)
        if root in self._unreadable:
            yield b"/", frozenset((root,)), True
            return
        waiting = [(b"/", root)]
        while waiting:
            path, tree = waiting.pop()
            sick = self._sick[tree]
            if sick is None:
                continue
            for name, blobs, is_folder in sick.lost:
                yield path + name, blobs, is_folder
            waiting += [(path + name + b"/", subtree) for name, subtree in sick.below]

    def _look_below(self, root: TreeId) -> None:
        """Judge every folder after those below it; by hand, since paths may be very deep."""
        stack: list[tuple[TreeId, list[Node], Iterator[TreeId]]] = []
        self._enter(root, stack)
        while stack:
            tree, nodes, below = stack[-1]
            for subtree in below:
                if subtree not in self._sick and subtree not in self._unreadable:
                    self._enter(subtree, stack)
                    break
            else:
                stack.pop()
                self._sick[tree] = self._judged(nodes)

    def _enter(
        self, tree: TreeId, stack: list[tuple[TreeId, list[Node], Iterator[TreeId]]]
    ) -> None:
        if tree in self._sick or tree in self._unreadable:
            return
        try:
            nodes = self._load(tree)
        except HoldfastError:
            self._unreadable.add(tree)
            return
        stack.append((tree, nodes, subtrees(nodes)))

    def _judged(self, nodes: list[Node]) -> _Sick | None:
        sick = _Sick()
        for node in nodes:
            if node_problem(node):
                sick.lost.append((node.raw_name, frozenset(), node.type == "dir"))
            elif node.type == "file":
                lost = frozenset(blob for blob in blobs_of(node) if self._is_lost(blob))
                if lost:
                    sick.lost.append((node.raw_name, lost, False))
            elif node.type == "dir":
                self._judge_folder(sick, node)
        return sick if sick.lost or sick.below else None

    def _judge_folder(self, sick: _Sick, node: Node) -> None:
        subtree = node.subtree_id
        if subtree in self._unreadable:
            sick.lost.append((node.raw_name, frozenset((subtree,)), True))
        elif self._sick[subtree] is not None:
            sick.below.append((node.raw_name, subtree))
