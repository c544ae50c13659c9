"""What lies inside a recovery point, in pages: folders, a search by name, how much a choice is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import translate
from re import IGNORECASE, escape
from re import compile as compiled

from holdfast.app.download_errors import NotAFile
from holdfast.base.ids import FileId, SnapshotId, TreeId, blob_id_from_hex, is_file_id
from holdfast.base.units import MIB
from holdfast.files.restore.errors import SubpathMissing
from holdfast.files.restore.policy import OWN_FOLDER
from holdfast.fleet.item_order import Facts, Order, ordered
from holdfast.fleet.point_paths import path_of, readable, spelled
from holdfast.fleet.questions import (
    ContentPart,
    ContentWanted,
    Folder,
    FolderWanted,
    Item,
    SearchFound,
    SearchWanted,
    Weight,
    WeighWanted,
)
from holdfast.storage.errors import FileMissing
from holdfast.vault.errors import SnapshotMissing
from holdfast.vault.pack_header import Kind
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot
from holdfast.vault.tree import Node

MOST_ITEMS = 1000
MOST_SECONDS = 20.0
_TREES_KEPT = 16
_PART = MIB
_START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class PointBrowser:
    """One repository, looked into again and again; the folders seen last are kept."""

    repository: Repository
    _points: dict[str, Snapshot] = field(default_factory=dict)
    _trees: dict[TreeId, list[Node]] = field(default_factory=dict)

    def point(self, wanted: str) -> Snapshot:
        found = self._points.get(wanted)
        if found is None:
            found = self._load(wanted)
            self._points[found.id] = found
        return found

    def _load(self, wanted: str) -> Snapshot:
        if not is_file_id(wanted):
            return self.repository.find_snapshot(wanted)
        # Its whole id: nothing needs to be listed.
        try:
            return self.repository.load_snapshot(SnapshotId(FileId(wanted)))
        except FileMissing as err:
            raise SnapshotMissing(wanted=wanted) from err

    def forget(self) -> None:
        """What was read may lie elsewhere now, or be gone."""
        self._points.clear()
        self._trees.clear()
        self.repository.forget_index()

    def folder(self, wanted: FolderWanted) -> Folder:
        point, path = self.point(wanted.point), path_of(wanted.path)
        node = self._find(point, path)
        if node is not None and node.subtree is None:
            return Folder(point=point.id, path=spelled(path), items=[_item(path, node)], total=1)
        text = wanted.name.casefold()
        fitting = [
            one
            for one in self._listing(point, node)
            if not _is_own(path, one) and text in readable(one.raw_name).casefold()
        ]
        first, count = max(wanted.offset, 0), min(max(wanted.limit, 1), MOST_ITEMS)
        part = ordered(fitting, _facts, Order.of(wanted))[first : first + count]
        return Folder(
            point=point.id,
            path=spelled(path),
            items=[_item(_below(path, one), one) for one in part],
            total=len(fitting),
            offset=first,
            sort=wanted.sort,
            descending=wanted.descending,
        )

    def content(self, wanted: ContentWanted) -> ContentPart:
        """As many of a file's pieces as a part has room for, one at least."""
        point, path = self.point(wanted.point), path_of(wanted.path)
        node = self._find(point, path)
        if node is None or node.type != "file":
            raise NotAFile(path=spelled(path), point=point.id[:8])
        pieces, data, number = node.content or [], bytearray(), max(wanted.part, 0)
        while number < len(pieces):
            piece = self.repository.load_blob(Kind.DATA, blob_id_from_hex(pieces[number]))
            if data and len(data) + len(piece) > _PART:
                break
            data += piece
            number += 1
        return ContentPart(
            point=point.id,
            path=spelled(path),
            size=node.size,
            data=bytes(data),
            next=number if number < len(pieces) else None,
        )

    def search(self, wanted: SearchWanted) -> SearchFound:
        """Ends when enough was found, or when the time is over."""
        point, path = self.point(wanted.point), path_of(wanted.path)
        fits, end = fitting(wanted.text), self._end(wanted.seconds)
        most = min(max(wanted.limit, 1), MOST_ITEMS)
        found, looked_at, is_complete = list[Item](), 0, True
        for place, node in self._walk(point, path):
            if len(found) == most or self._is_over(end):
                is_complete = False
                break
            looked_at += 1
            if fits(readable(node.raw_name)):
                found.append(_item(place, node))
        return SearchFound(
            point=point.id, items=found, looked_at=looked_at, is_complete=is_complete
        )

    def weigh(self, wanted: WeighWanted) -> Weight:
        point, end = self.point(wanted.point), self._end(wanted.seconds)
        seen, missing, is_complete = _Count(), list[str](), True
        for path in _outermost({path_of(text) for text in wanted.paths}):
            try:
                is_complete = self._weigh(seen, point, path, end=end) and is_complete
            except SubpathMissing:
                missing.append(spelled(path))
        return Weight(
            files=seen.files,
            folders=seen.folders,
            others=seen.others,
            bytes=seen.bytes,
            missing=missing,
            is_complete=is_complete,
        )

    def _weigh(self, seen: "_Count", point: Snapshot, path: bytes, *, end: float) -> bool:
        node = self._find(point, path)
        if node is not None:
            seen.add(node)
        for _place, below in self._walk(point, path, node=node):
            if self._is_over(end):
                return False
            seen.add(below)
        return True

    def _walk(
        self, point: Snapshot, path: bytes, *, node: Node | None = None
    ) -> Iterator[tuple[bytes, Node]]:
        """All below a folder, each folder before what it holds."""
        here = node or self._find(point, path)
        if here is not None and here.subtree is None:
            return
        for one in self._listing(point, here):
            if _is_own(path, one):
                continue
            place = _below(path, one)
            yield place, one
            if one.subtree is not None:
                yield from self._walk(point, place, node=one)

    def _find(self, point: Snapshot, path: bytes) -> Node | None:
        """None is the root, which has no node."""
        found: Node | None = None
        for name in filter(None, path.split(b"/")):
            is_folder = found is None or found.subtree is not None
            nodes = self._listing(point, found) if is_folder else []
            found = next((one for one in nodes if one.raw_name == name), None)
            if found is None:
                raise SubpathMissing(path=spelled(path), point=point.id[:8])
        return found

    def _listing(self, point: Snapshot, folder: Node | None) -> list[Node]:
        tree = point.tree if folder is None else folder.subtree_id
        found = self._trees.pop(tree, None)
        if found is None:
            found = self.repository.load_tree(tree)
        # Put back as the newest; the one that was seen longest ago goes.
        self._trees[tree] = found
        if len(self._trees) > _TREES_KEPT:
            del self._trees[next(iter(self._trees))]
        return found

    def _end(self, seconds: float) -> float:
        return self.repository.clock.monotonic() + min(seconds, MOST_SECONDS)

    def _is_over(self, end: float) -> bool:
        return self.repository.clock.monotonic() > end


@dataclass(slots=True)
class _Count:
    files: int = 0
    folders: int = 0
    others: int = 0
    bytes: int = 0

    def add(self, node: Node) -> None:
        if node.type == "file":
            self.files += 1
            self.bytes += node.size
        elif node.type == "dir":
            self.folders += 1
        else:
            self.others += 1


def _item(path: bytes, node: Node) -> Item:
    return Item(
        name=readable(node.raw_name),
        path=spelled(path),
        kind=node.type or "irregular",
        size=node.size,
        modified=_moment(node.mtime_ns),
        mode=node.mode & 0o777,
        owner=f"{node.user or node.uid}:{node.group or node.gid}",
        target=readable(node.raw_target) if node.type == "symlink" else "",
    )


def _moment(nanoseconds: int) -> datetime | None:
    try:
        return _START + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None


def _facts(node: Node) -> Facts:
    return Facts(
        is_folder=node.type == "dir",
        name=readable(node.raw_name),
        raw=node.raw_name,
        size=node.size if node.type == "file" else None,
        changed=node.mtime_ns,
    )


def fitting(text: str) -> Callable[[str], object]:
    """Whether a name has the text in it, or fits it whole where it has `*` or `?`."""
    if any(one in text for one in "*?"):
        return compiled(translate(text), IGNORECASE).match
    return compiled(escape(text), IGNORECASE).search


def _is_own(folder: bytes, node: Node) -> bool:
    """Facts of ours, which are no files of the machine."""
    return folder == b"/" and node.raw_name == OWN_FOLDER


def _below(folder: bytes, node: Node) -> bytes:
    return folder.rstrip(b"/") + b"/" + node.raw_name


def _outermost(paths: set[bytes]) -> list[bytes]:
    """Without those that lie below another one, which would count twice."""
    return [
        path
        for path in sorted(paths)
        if not any(path != other and path.startswith(other.rstrip(b"/") + b"/") for other in paths)
    ]
