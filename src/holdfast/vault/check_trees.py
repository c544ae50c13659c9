"""Prove that every folder listing a point reaches is sound, and that all it needs is there."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import ID_BYTES, BlobId, PackId, TreeId
from holdfast.vault import check_findings as sorts
from holdfast.vault.blob_index import BlobIndex
from holdfast.vault.check_findings import Finding, reason_of
from holdfast.vault.errors import BlobMissing, TreeBroken
from holdfast.vault.pack_header import Kind
from holdfast.vault.tree import Node, parse_tree
from holdfast.vault.tree_walk import subtrees

_KNOWN = frozenset(("file", "dir", "symlink", "dev", "chardev", "fifo", "socket"))


@dataclass(slots=True, kw_only=True)
class TreeCheck:
    """What the walk saw; `missing` are data blobs, `absent` trees that no index names."""

    findings: list[Finding] = field(default_factory=list)
    trees: int = 0
    missing: set[BlobId] = field(default_factory=set)
    absent: set[TreeId] = field(default_factory=set)
    unreadable: set[TreeId] = field(default_factory=set)
    # Packs that gave a broken tree.
    packs: set[PackId] = field(default_factory=set)

    def all_findings(self) -> list[Finding]:
        """What was found one by one, and what is only counted."""
        found = list(self.findings)
        if self.missing:
            blobs = frozenset(self.missing)
            found.append(_counted(sorts.BLOBS_MISSING, blobs))
        if self.absent:
            found.append(_counted(sorts.TREES_MISSING, frozenset(self.absent)))
        return found


def _counted(sort: sorts.Sort, blobs: frozenset[BlobId]) -> Finding:
    return Finding(sort=sort, fields={"blobs": len(blobs)}, blobs=blobs)


def check_trees(
    roots: Iterable[TreeId],
    load: Callable[[TreeId], list[Node]],
    index: BlobIndex,
    *,
    sound: Mapping[TreeId, bytes],
) -> TreeCheck:
    """Walk through all listings below some roots; those in `sound` were judged already."""
    result = TreeCheck()
    waiting = list(dict.fromkeys(roots))
    seen = set(waiting)
    while waiting:
        tree = waiting.pop()
        result.trees += 1
        below = sound.get(tree)
        if below is None:
            below = _checked(result, tree, load, index)
        fresh = [subtree for subtree in _split(below) if subtree not in seen]
        seen.update(fresh)
        # One folder may stand in a listing under several names.
        waiting += dict.fromkeys(fresh)
    return result


def sound_subtrees(tree: TreeId, content: bytes | memoryview, index: BlobIndex) -> bytes | None:
    """The ids right below a listing, one after another; None when anything is wrong with it."""
    result = TreeCheck()
    try:
        nodes = parse_tree(tree, content)
    except TreeBroken:
        return None
    _check_listing(result, tree, nodes, index)
    return None if result.findings or result.missing else b"".join(subtrees(nodes))


def _checked(
    result: TreeCheck, tree: TreeId, load: Callable[[TreeId], list[Node]], index: BlobIndex
) -> bytes:
    """Note what is wrong with a listing; the ids right below it."""
    try:
        nodes = load(tree)
    except BlobMissing:
        result.absent.add(tree)
        return b""
    except HoldfastError as err:
        _note_unreadable(result, tree, err, index)
        return b""
    _check_listing(result, tree, nodes, index)
    return b"".join(subtrees(nodes))


def _note_unreadable(result: TreeCheck, tree: TreeId, err: HoldfastError, index: BlobIndex) -> None:
    result.unreadable.add(tree)
    location = index.find(Kind.TREE, tree)
    fields = {"name": tree.hex(), "reason": reason_of(err)}
    pack = location.pack if location else None
    result.findings.append(
        Finding(sort=sorts.TREE_DAMAGED, fields=fields, pack=pack, blobs=frozenset((tree,)))
    )


def _check_listing(result: TreeCheck, tree: TreeId, nodes: list[Node], index: BlobIndex) -> None:
    for problem in listing_problems(nodes):
        sort = sorts.UNSORTED if problem == UNSORTED else sorts.NODE_INVALID
        fields = {"name": tree.hex(), "reason": problem}
        result.findings.append(Finding(sort=sort, fields=fields, blobs=frozenset((tree,))))
    for node in nodes:
        wrong = node_problem(node) or _content_problem(result, node, index)
        if wrong:
            fields = {"name": tree.hex(), "reason": f"{node.name}: {wrong}"}
            result.findings.append(
                Finding(sort=sorts.NODE_INVALID, fields=fields, blobs=frozenset((tree,)))
            )


UNSORTED = "unsorted"


def listing_problems(nodes: list[Node]) -> Iterator[str]:
    """What is wrong with the names of a folder; the words are for experts and stay English."""
    names = [node.raw_name for node in nodes]
    if len(set(names)) < len(names):
        yield "a name occurs twice"
    elif names != sorted(names):
        yield UNSORTED


def node_problem(node: Node) -> str | None:
    """What makes an entry impossible, whatever else is in the vault."""
    if is_impossible(node):
        return f"impossible name or type {node.type!r}"
    if node.type == "dir" and node.subtree is None:
        return "a folder without a listing"
    if node.type == "file" and node.content is None:
        return "a file without content"
    return None


def is_impossible(node: Node) -> bool:
    """Whether no folder can hold such an entry."""
    name = node.raw_name
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        return True
    return node.type not in _KNOWN


def _content_problem(result: TreeCheck, node: Node, index: BlobIndex) -> str | None:
    if node.type != "file" or node.content is None:
        return None
    lengths = [index.plain_length(Kind.DATA, blob) for blob in blobs_of(node)]
    if -1 in lengths:
        pairs = zip(blobs_of(node), lengths, strict=True)
        result.missing.update(blob for blob, length in pairs if length < 0)
    elif sum(lengths) != node.size:
        return f"{node.size} bytes long, but its content has {sum(lengths)}"
    return None


def blobs_of(node: Node) -> Iterator[BlobId]:
    return _split(bytes.fromhex("".join(node.content or ())))


def _split(ids: bytes) -> Iterator[BlobId]:
    for at in range(0, len(ids), ID_BYTES):
        yield BlobId(ids[at : at + ID_BYTES])
