"""Put folders together from what workers answer, bottom up, until the roots have their trees.

Nothing here reads a file or waits: answers go in, tasks and finished trees come out.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from holdfast.base.ids import TreeId
from holdfast.files.backup.file_cache import (
    FileCache,
    decode_attributes,
    decode_list,
    encode_attributes,
    encode_list,
)
from holdfast.files.backup.folder import is_folder, segments, unequal
from holdfast.files.backup.log_records import Record
from holdfast.files.backup.messages import (
    NO_RECORD,
    BigFile,
    FolderDone,
    FolderSame,
    FolderTask,
    Part,
    PartDone,
    PartTask,
    Run,
    SegmentDone,
    SegmentTask,
    Skip,
    SubFolder,
    Task,
)
from holdfast.files.nodes import content_ids, make_node, unpack_status
from holdfast.files.report import SkipReason, reason_of
from holdfast.vault.pack_sinks import TreeSink
from holdfast.vault.snapshot import Summary
from holdfast.vault.tree import Node, encode_nodes, with_subtree


class Finished(NamedTuple):
    """A folder that is done: its tree, and its record in the new file cache."""

    tree: TreeId
    record: int
    is_same: bool = False  # the same tree as the last time, under the same record


class Entry(NamedTuple):
    name: bytes
    packed: bytes
    payload: bytes


class _BigState(msgspec.Struct):
    """The pieces of a big file as they come in."""

    hole: BigFile
    missing: int
    ids: list[bytes]
    length: int = 0
    still: bool = True
    failed: tuple[int, str] | None = None


class _OpenRun(msgspec.Struct):
    """A run of entries with holes that are being filled."""

    task: FolderTask | PartTask
    run: Run
    parent: "tuple[int, int] | None"  # run and hole that wait for this one
    missing: int = 0
    filled: list[bytes] = msgspec.field(default_factory=list)
    extra: list[Entry] = msgspec.field(default_factory=list)
    children: dict[bytes, int] = msgspec.field(default_factory=dict)
    attributes: dict[bytes, list[tuple[str, bytes]]] = msgspec.field(default_factory=dict)
    big: dict[int, _BigState] = msgspec.field(default_factory=dict)
    cacheable: bool = True

    def nodes(self) -> Iterator[bytes]:
        for piece, hole in zip(self.run.pieces, [*self.filled, b""], strict=True):
            yield piece
            yield hole

    def entries(self) -> list[Entry]:
        listing, payloads = decode_list(self.run.listing), decode_list(self.run.payloads)
        own = [Entry(*each) for each in zip(listing[::2], listing[1::2], payloads, strict=True)]
        return sorted(own + self.extra)


class _OpenSame(msgspec.Struct):
    """A folder whose listing is unchanged, waiting to hear whether its sub-folders are too."""

    task: FolderTask
    tree: TreeId
    parent: "tuple[int, int] | None"
    missing: int
    finished: list[Finished]


_UNFINISHED = Finished(TreeId(b""), NO_RECORD)


class Assembly:
    def __init__(
        self,
        cache: FileCache,
        trees: TreeSink,
        summary: Summary,
        read_at: dict[bytes, bytes] | None = None,
    ) -> None:
        """`read_at` says which folders are read elsewhere than below the one they are in."""
        self._cache = cache
        self._trees = trees
        self._summary = summary
        self._read_at = read_at or {}
        self._tasks: dict[int, tuple[FolderTask, tuple[int, int] | None]] = {}
        self._open: dict[int, _OpenRun | _OpenSame] = {}
        self._next = 0
        self.roots: dict[int, Finished] = {}
        self.root_nodes: dict[int, bytes] = {}
        self.skipped: list[Skip] = []

    def start(self, task: FolderTask) -> FolderTask:
        """Number a root's task; its result will be in `roots` under that number."""
        return self._numbered(task, None)

    def folder_done(self, done: FolderDone) -> list[Task]:
        task, parent = self._tasks.pop(done.number)
        self.skipped += done.skipped
        if done.known:
            self._summary.dirs_changed += 1
        else:
            self._summary.dirs_new += 1
        opened = _OpenRun(task, done.run, parent, cacheable=done.readable)
        return self._open_run(done.number, opened)

    def part_done(self, done: PartDone) -> list[Task]:
        self.skipped += done.skipped
        outer = self._open[done.number]
        task = PartTask(
            done.number, done.hole, outer.task.logical, outer.task.physical, NO_RECORD, 0, []
        )
        return self._open_run(self._number(), _OpenRun(task, done.run, (done.number, done.hole)))

    def segment_done(self, done: SegmentDone) -> list[Task]:
        opened = self._open[done.number]
        assert isinstance(opened, _OpenRun)
        state = opened.big[done.hole]
        state.missing -= 1
        state.ids[done.segment] = done.ids
        state.length += done.length
        state.still &= done.still
        if done.errno:
            state.failed = (done.errno, done.detail)
        if not state.missing:
            self._fill_big(opened, done.hole, state)
            self._filled(done.number, opened)
        return []

    def folder_same(self, done: FolderSame) -> list[Task]:
        task, parent = self._tasks.pop(done.number)
        count = len(done.folders)
        opened = _OpenSame(task, TreeId(done.tree), parent, count, [_UNFINISHED] * count)
        if not count:
            self._close_same(done.number, opened)
            return []
        self._open[done.number] = opened
        tasks: list[Task] = []
        for hole, folder in enumerate(done.folders):
            tasks += self._sub_folder(done.number, hole, task, folder)
        return tasks

    def _open_run(self, number: int, opened: _OpenRun) -> list[Task]:
        holes = opened.run.holes
        opened.missing = len(holes)
        opened.filled = [b""] * len(holes)
        opened.attributes.update(opened.run.attributes)
        self._open[number] = opened
        tasks: list[Task] = []
        for at, hole in enumerate(holes):
            tasks += self._tasks_for(number, at, hole, opened)
        if not holes:
            self._close_run(number, opened)
        return tasks

    def _tasks_for(
        self, number: int, at: int, hole: SubFolder | Part | BigFile, opened: _OpenRun
    ) -> list[Task]:
        task = opened.task
        if isinstance(hole, SubFolder):
            assert isinstance(task, FolderTask)
            return self._sub_folder(number, at, task, hole)
        if isinstance(hole, Part):
            return [
                PartTask(
                    number, at, task.logical, task.physical, task.record, task.device, hole.names
                )
            ]
        pieces = list(segments(hole.size))
        opened.big[at] = _BigState(hole, len(pieces), [b""] * len(pieces))
        path = os.path.join(task.physical, hole.name)
        return [
            SegmentTask(number, at, place, path, hole.packed, offset, length)
            for place, (offset, length) in enumerate(pieces)
        ]

    def _sub_folder(self, number: int, at: int, task: FolderTask, folder: SubFolder) -> list[Task]:
        if not folder.enter:
            # No record was left of it by a run that did not enter it either.
            empty = self._trees.put_nodes([])
            finished = Finished(empty, NO_RECORD, is_same=folder.record == NO_RECORD)
            self._fill_folder((number, at), finished)
            return []
        logical = os.path.join(task.logical, folder.name)
        below = FolderTask(
            0,
            logical,
            self._read_at.get(logical) or os.path.join(task.physical, folder.name),
            folder.record,
            folder.device,
            folder.rules,
        )
        return [self._numbered(below, (number, at))]

    def _numbered(self, task: FolderTask, parent: tuple[int, int] | None) -> FolderTask:
        number = self._number()
        numbered = msgspec.structs.replace(task, number=number)
        self._tasks[number] = (numbered, parent)
        return numbered

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _fill_big(self, opened: _OpenRun, at: int, state: _BigState) -> None:
        hole = state.hole
        path = os.path.join(opened.task.logical, hole.name)
        if state.failed:
            number, detail = state.failed
            self.skipped.append(Skip(path, number, reason_of(number).value, detail))
            return
        still = state.still and state.length == hole.size
        if not still:
            self.skipped.append(Skip(path, 0, SkipReason.CHANGED.value))
        ids = b"".join(state.ids)
        node = msgspec.json.decode(hole.node, type=Node)
        node.size = state.length
        node.content = content_ids(ids)
        opened.filled[at] = encode_nodes([node])
        packed = hole.packed if still and not hole.racy else unequal(hole.packed)
        opened.extra.append(Entry(hole.name, packed, ids))
        self._summary.total_files_processed += 1
        self._summary.total_bytes_processed += state.length
        if hole.known:
            self._summary.files_changed += 1
        else:
            self._summary.files_new += 1

    def _filled(self, number: int, opened: _OpenRun) -> None:
        opened.missing -= 1
        if not opened.missing:
            self._close_run(number, opened)

    def _close_run(self, number: int, opened: _OpenRun) -> None:
        del self._open[number]
        if isinstance(opened.task, PartTask):
            self._fill_part(opened)
            return
        nodes = [piece for piece in opened.nodes() if piece]
        if opened.parent is None:
            self.root_nodes[number] = b",".join(nodes)
        tree = self._trees.put_nodes(nodes)
        record = NO_RECORD
        if opened.cacheable:
            record = self._cache.append(_record(opened, tree))
        self._finish(number, opened.parent, Finished(tree, record))

    def _fill_part(self, opened: _OpenRun) -> None:
        assert opened.parent is not None
        number, at = opened.parent
        outer = self._open[number]
        assert isinstance(outer, _OpenRun)
        outer.filled[at] = b",".join(piece for piece in opened.nodes() if piece)
        outer.extra += opened.entries()
        outer.attributes.update(opened.attributes)
        self._filled(number, outer)

    def _finish(self, number: int, parent: tuple[int, int] | None, finished: Finished) -> None:
        if parent is None:
            self.roots[number] = finished
        else:
            self._fill_folder(parent, finished)

    def _fill_folder(self, place: tuple[int, int], finished: Finished) -> None:
        number, at = place
        outer = self._open[number]
        if isinstance(outer, _OpenSame):
            outer.finished[at] = finished
            outer.missing -= 1
            if not outer.missing:
                del self._open[number]
                self._close_same(number, outer)
            return
        hole = outer.run.holes[at]
        assert isinstance(hole, SubFolder)
        outer.filled[at] = with_subtree(hole.head, finished.tree)
        outer.children[hole.name] = finished.record
        self._filled(number, outer)

    def _close_same(self, number: int, opened: _OpenSame) -> None:
        below_is_same = all(each.is_same for each in opened.finished)
        if below_is_same:
            # A worker says "same" only while the cache is trusted, hence the tree is in the vault.
            self._summary.dirs_unmodified += 1
            offset = opened.task.record
            self._cache.keep(offset)
            done = Finished(opened.tree, offset, is_same=True)
            if opened.parent is None:
                self.root_nodes[number] = encode_nodes(list(self._nodes_of(opened)))
        else:
            self._summary.dirs_changed += 1
            done = self._rebuilt(number, opened)
        self._finish(number, opened.parent, done)

    def _rebuilt(self, number: int, opened: _OpenSame) -> Finished:
        """The same entries around other sub-folders; nothing needs to be read again."""
        nodes = encode_nodes(list(self._nodes_of(opened)))
        if opened.parent is None:
            self.root_nodes[number] = nodes
        tree = self._trees.put_nodes([nodes])
        children = [each.record for each in opened.finished]
        record = self._record_of(opened.task)
        return Finished(
            tree, self._cache.append(msgspec.structs.replace(record, tree=tree, children=children))
        )

    def _nodes_of(self, opened: _OpenSame) -> Iterator[Node]:
        record = self._record_of(opened.task)
        listing = decode_list(record.listing)
        payloads = decode_list(record.payloads)
        attributes = decode_attributes(record.attributes)
        below = iter(opened.finished)
        for name, packed, payload in zip(listing[::2], listing[1::2], payloads, strict=True):
            node = make_node(
                name,
                unpack_status(packed),
                payload=payload,
                attributes=attributes.get(name),
                device=opened.task.device,
            )
            if is_folder(packed):
                node.subtree = next(below).tree.hex()
            yield node

    def _record_of(self, task: FolderTask) -> Record:
        record = self._cache.record(task.record)
        # A worker has just compared with this very record, and a log only grows.
        assert record is not None
        return record

    def path_of(self, number: int) -> bytes:
        """The folder a task is about, while it is not answered."""
        found = self._tasks.get(number)
        return found[0].logical if found else b""

    @property
    def is_done(self) -> bool:
        return not self._open and not self._tasks


def _record(opened: _OpenRun, tree: TreeId) -> Record:
    listing, payloads = opened.run.listing, opened.run.payloads
    if opened.extra:
        entries = opened.entries()
        listing = encode_list([piece for entry in entries for piece in entry[:2]])
        payloads = encode_list([entry.payload for entry in entries])
    return Record(
        listing=listing,
        payloads=payloads,
        attributes=encode_attributes(opened.attributes),
        tree=tree,
        # The holes came in the order of the listing, but were not filled in it.
        children=[opened.children[name] for name in sorted(opened.children)],
    )
