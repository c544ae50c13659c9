"""Use cases that read recovery points: list, show, look inside, compare."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.ids import SnapshotId, TreeId
from holdfast.files.restore.errors import SubpathMissing
from holdfast.storage.errors import FileMissing
from holdfast.vault.errors import SnapshotMissing
from holdfast.vault.forking import ahead
from holdfast.vault.layout import SNAPSHOTS
from holdfast.vault.repository import LATEST, Repository
from holdfast.vault.snapshot import Snapshot
from holdfast.vault.tree import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFilter:
    """Which points are meant; what is empty restricts nothing."""

    hosts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    latest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of a point."""

    path: bytes
    node: Node


class Change(Enum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    # The same content with other attributes.
    TOUCHED = "touched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    path: bytes
    change: Change
    kind: str


OnDamage = Callable[[HoldfastError], None]


def list_points(
    repository: Repository, wanted: PointFilter, *, on_damage: OnDamage | None = None
) -> list[Snapshot]:
    """The points that match, oldest first; `latest` keeps so many of the newest.

    A point that cannot be read must not hide the others: with `on_damage` it is told and left out.
    """
    known = repository.snapshots() if on_damage is None else _readable(repository, on_damage)
    found = [point for point in known if matches(point, wanted)]
    return found if wanted.latest is None else found[max(0, len(found) - wanted.latest) :]


def _readable(repository: Repository, on_damage: OnDamage) -> list[Snapshot]:
    found = []
    names = map(SnapshotId, repository.files.names(SNAPSHOTS))
    # Each is a request of its own, which a cloud answers in its own time.
    parallel = repository.storage.parallel
    for _name, loading in ahead(names, repository.load_snapshot, parallel=parallel):
        try:
            found.append(loading.result())
        except FileMissing:
            # Forgotten by somebody else since it was listed.
            continue
        except HoldfastError as err:
            if err.exit_status != Exit.DAMAGE:
                raise
            on_damage(err)
    return sorted(found, key=lambda point: (point.taken_at, point.id))


def find_point(repository: Repository, wanted: str, among: PointFilter) -> Snapshot:
    """The point with this id; "latest" is the newest of those that match."""
    if wanted != LATEST:
        return repository.find_snapshot(wanted)
    found = list_points(repository, among)
    if not found:
        # There may be others: what they had to match is what one has to see.
        told = (wanted, *among.hosts, *among.tags, *among.paths)
        raise SnapshotMissing(wanted=", ".join(told))
    return found[-1]


def matches(point: Snapshot, wanted: PointFilter) -> bool:
    return (
        (not wanted.hosts or point.host in wanted.hosts)
        and (not wanted.tags or all(tag in point.tags for tag in wanted.tags))
        and (not wanted.paths or all(path in point.paths for path in wanted.paths))
    )


def entries(
    repository: Repository, point: Snapshot, folder: bytes = b"/", *, recursive: bool = False
) -> Iterator[Entry]:
    """What lies in a folder of a point, or the item itself when it is not a folder."""
    here = b"/" + folder.strip(b"/")
    node = _find(repository, point, here)
    if node is not None and node.subtree is None:
        yield Entry(path=here, node=node)
        return
    tree = point.tree if node is None else node.subtree_id
    yield from _walk(repository, tree, here.rstrip(b"/"), recursive=recursive)


def differences(repository: Repository, old: Snapshot, new: Snapshot) -> Iterator[Difference]:
    """What happened between two points, in path order."""
    yield from _compared(repository, b"", old.tree, new.tree)


def _find(repository: Repository, point: Snapshot, path: bytes) -> Node | None:
    tree: TreeId | None = point.tree
    found: Node | None = None
    for name in path.strip(b"/").split(b"/") if path != b"/" else ():
        found = _by_name(repository, tree).get(name)
        if found is None:
            raise SubpathMissing(path=path.decode(errors="backslashreplace"), point=point.id[:8])
        tree = _subtree(found)
    return found


def _walk(
    repository: Repository, tree: TreeId, above: bytes, *, recursive: bool
) -> Iterator[Entry]:
    for node in repository.load_tree(tree):
        path = above + b"/" + node.raw_name
        yield Entry(path=path, node=node)
        if recursive and node.subtree is not None:
            yield from _walk(repository, node.subtree_id, path, recursive=True)


def _compared(
    repository: Repository, above: bytes, old: TreeId | None, new: TreeId | None
) -> Iterator[Difference]:
    """Equal trees have equal ids, so only what differs is read."""
    if old == new:
        return
    before, after = _by_name(repository, old), _by_name(repository, new)
    for name in heapq.merge(sorted(before), sorted(after.keys() - before.keys())):
        path, was, now = above + b"/" + name, before.get(name), after.get(name)
        change = _change(was, now)
        if change is not None:
            yield Difference(path=path, change=change, kind=_kind(now or was))
        yield from _compared(repository, path, _subtree(was), _subtree(now))


def _kind(node: Node | None) -> str:
    return "" if node is None else node.type


def _subtree(node: Node | None) -> TreeId | None:
    return None if node is None or node.subtree is None else node.subtree_id


def _change(was: Node | None, now: Node | None) -> Change | None:
    if was is None or now is None:
        return Change.ADDED if was is None else Change.REMOVED
    if was.type != now.type or was.content != now.content or was.linktarget != now.linktarget:
        return Change.CHANGED
    return None if _attributes(was) == _attributes(now) else Change.TOUCHED


def _attributes(node: Node) -> tuple[object, ...]:
    # A folder's times change with what lies in it, and that is said by itself.
    times = () if node.type == "dir" else (node.mtime,)
    return (node.mode, node.uid, node.gid, node.extended_attributes, *times)


def _by_name(repository: Repository, tree: TreeId | None) -> dict[bytes, Node]:
    return {} if tree is None else {node.raw_name: node for node in repository.load_tree(tree)}
