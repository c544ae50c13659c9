"""Write a point of a virtual machine: its disks while they stand still, then all that names them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import msgspec

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.ids import SnapshotId, TreeId
from holdfast.base.units import MIB
from holdfast.machines.disk_source import DiskSource
from holdfast.machines.disk_store import DiskStore, StoredBlocks
from holdfast.machines.layout import (
    DISKS,
    FOLDER,
    OWN,
    POINT,
    RAW,
    SEGMENT,
    VM,
    Segment,
    content_of,
    segments,
)
from holdfast.machines.nodes import NodeMaker, file_name
from holdfast.machines.point_reader import PointReader, StoredDisk, StoredSegment
from holdfast.machines.points import VmPoint, encode_point
from holdfast.machines.progress import OnDisk, Steps, nobody_listens
from holdfast.machines.spool import Spool
from holdfast.vault.forking import cores
from holdfast.vault.pack_sinks import TreeSink
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import PROGRAM, SnapshotFile, Summary
from holdfast.vault.tree import Node, encode_nodes

TAG = "holdfast:vm"
_INDEX_SECONDS = 60.0
# Of files beside the disks; a vTPM's state or an NVRAM is far smaller.
_PIECE = 4 * MIB


def _nothing() -> None:
    """No lock to look after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterOptions:
    """`host` is the machine the domain ran on; `still_ours` raises when the lock was lost."""

    host: str
    tags: tuple[str, ...] = ()
    workers: int = 0
    segment: int = SEGMENT
    # Where packs wait, so that the disks need not wait for the vault.
    spool: Spool | None = None
    index_every: float = _INDEX_SECONDS
    on_progress: OnDisk = nobody_listens
    still_ours: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskReport:
    """`damage` is what was wrong with the parent, where the disk was read in full because of it."""

    target: str
    size: int
    bytes_read: int
    damage: HoldfastError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointReport:
    snapshot: SnapshotId
    summary: Summary
    disks: tuple[DiskReport, ...]


class PointWriter:
    """A context: what was not committed at its end is no point, but need not be stored again."""

    def __init__(
        self,
        repository: Repository,
        name: str,
        options: WriterOptions,
        *,
        parent: PointReader | None = None,
    ) -> None:
        self._repository = repository
        self._name = file_name(name)
        self._options = options
        self._parent = parent
        self._started = repository.clock.now()
        self._summary = Summary(backup_start=self._started.isoformat(), backup_end="")
        self._store = DiskStore(
            repository,
            # One more than can work at once: one mostly waits for what it reads.
            workers=options.workers or cores() + 1,
            still_ours=options.still_ours,
            index_every=options.index_every,
            spool=options.spool,
        )
        self._trees = TreeSink(
            repository.files.sealer, self._store.uploads, repository.has_blob, self._summary
        )
        self._nodes = NodeMaker(
            repository.identity, int(self._started.timestamp() * 1000) * 1_000_000
        )
        self._disks: dict[bytes, Node] = {}
        self._reports: list[DiskReport] = []
        self._is_committed = False
        self._is_broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if not self._is_committed:
                self._store.name_what_is_durable()
        finally:
            self._store.close()
            # What was loaded before does not know what was stored now.
            self._repository.forget_index()

    def add_disk(self, target: str, source: DiskSource) -> DiskReport:
        """Store a disk; when this returns, the source may move on."""
        assert not self._is_broken, "after an error of one disk there is no point"
        self._is_broken = True
        raw = file_name(target)
        before, damage = self._before(target)
        steps = Steps(target, source.size, self._repository.clock, self._options.on_progress)
        stored = self._store.store(source, before.blocks if before else None, steps.add)
        node = self._disk_node(raw, stored, before)
        self._disks[node.raw_name] = node
        report = DiskReport(
            target=target, size=source.size, bytes_read=stored.bytes_read, damage=damage
        )
        self._reports.append(report)
        self._is_broken = False
        self._summary.total_bytes_processed += source.size
        return report

    def commit(self, facts: VmPoint, files: Mapping[str, bytes]) -> PointReport:
        """Make all of it durable, then visible. `files` lie beside the facts."""
        assert not self._is_broken, "after an error of one disk there is no point"
        tree = self._top(facts, files)
        self._trees.flush()
        self._store.finish()
        summary = self._summary
        summary.data_blobs += self._store.blobs
        summary.data_added += self._store.added
        summary.data_added_packed = self._store.uploads.bytes_stored
        summary.backup_end = self._repository.clock.now().isoformat()
        self._options.still_ours()
        snapshot = self._repository.save_snapshot(self._snapshot(tree, facts))
        self._is_committed = True
        return PointReport(snapshot=snapshot, summary=summary, disks=tuple(self._reports))

    def _before(self, target: str) -> tuple[StoredDisk | None, HoldfastError | None]:
        """The disk in the parent; damage there must not keep the next point from being made."""
        try:
            if self._parent is None or target not in self._parent.disks:
                return None, None
            return self._parent.disk(target), None
        except HoldfastError as err:
            if err.exit_status != Exit.DAMAGE:
                raise
            return None, err

    def _disk_node(self, name: bytes, stored: StoredBlocks, before: StoredDisk | None) -> Node:
        parts = segments(stored.blocks.size, self._options.segment)
        if len(parts) == 1:
            old = self._counted(parts[0], stored, before)
            if old is not None and old.folder is None:
                return old.file
            return self._file(name + RAW, parts[0], stored)
        return self._folder(name + FOLDER, [self._part(part, stored, before) for part in parts])

    def _part(self, part: Segment, stored: StoredBlocks, before: StoredDisk | None) -> Node:
        old = self._counted(part, stored, before)
        if old is not None and old.folder is not None and self._trees.knows(old.folder.subtree_id):
            return old.folder
        return self._folder(part.name, [self._file(part.name + RAW, part, stored)])

    def _counted(
        self, part: Segment, stored: StoredBlocks, before: StoredDisk | None
    ) -> StoredSegment | None:
        """The same segment of the parent, if nothing in it has changed."""
        place = (part.start, part.size)
        olds = before.segments if before else ()
        old = next((each for each in olds if (each.start, each.size) == place), None)
        if old is None:
            self._summary.files_new += 1
        elif not stored.kept[part.blocks].all():
            self._summary.files_changed += 1
        else:
            self._summary.files_unmodified += 1
            return old
        return None

    def _file(self, name: bytes, part: Segment, stored: StoredBlocks) -> Node:
        return self._nodes.file(name, part.size, content_of(stored.blocks.ids[part.ids]))

    def _folder(self, name: bytes, nodes: list[Node]) -> Node:
        return self._nodes.folder(name, self._put(nodes))

    def _put(self, nodes: list[Node]) -> TreeId:
        ordered = sorted(nodes, key=lambda node: node.raw_name)
        return self._trees.put_nodes([encode_nodes(ordered)])

    def _top(self, facts: VmPoint, files: Mapping[str, bytes]) -> TreeId:
        facts = msgspec.structs.replace(facts, files=tuple(sorted(files)))
        contents = {file_name(name): content for name, content in files.items()}
        contents[POINT] = encode_point(facts)
        own = [self._small(name, content) for name, content in contents.items()]
        machine = [
            self._folder(OWN, own),
            self._folder(DISKS, list(self._disks.values())),
        ]
        return self._put([self._folder(VM, [self._folder(self._name, machine)])])

    def _small(self, name: bytes, content: bytes) -> Node:
        pieces = [content[at : at + _PIECE] for at in range(0, len(content), _PIECE)]
        blobs = [self._store.put(piece).hex() for piece in pieces]
        return self._nodes.file(name, len(content), blobs)

    def _snapshot(self, tree: TreeId, facts: VmPoint) -> SnapshotFile:
        identity = self._repository.identity
        name = self._name.decode("utf-8", "replace")
        self._summary.total_files_processed = (
            self._summary.files_new + self._summary.files_changed + self._summary.files_unmodified
        )
        return SnapshotFile(
            time=facts.taken_at.isoformat(),
            parent=self._parent.snapshot.id if self._parent else "",
            tree=tree.hex(),
            paths=[f"/vm/{name}"],
            hostname=self._options.host,
            username=identity.username,
            uid=identity.uid,
            gid=identity.gid,
            # The class where a server sees it, which cannot read the point itself.
            tags=[TAG, f"class:{facts.consistency}", *self._options.tags],
            program_version=PROGRAM,
            summary=self._summary,
        )
