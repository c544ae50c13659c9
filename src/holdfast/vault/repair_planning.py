"""Find out what a repair has to do and what will be lost, without changing anything."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from holdfast.base.ids import BlobId, FileId, PackId, SnapshotId, TreeId
from holdfast.vault import check_findings as sorts
from holdfast.vault.check import CheckOptions, Inspection, load_any
from holdfast.vault.check_data import OnBytes
from holdfast.vault.check_losses import LossFinder
from holdfast.vault.check_subset import Subset
from holdfast.vault.index_writer import PackSpans
from holdfast.vault.layout import KEYS, LOCKS
from holdfast.vault.pack_header import Kind, Span
from holdfast.vault.repair_index import adopt_orphans, files_naming, remains
from holdfast.vault.repair_plan import ALL_PARTS, KeyRepair, Part, PointRepair, RepairPlan
from holdfast.vault.repair_recover import lost_roots
from holdfast.vault.repair_small import has_form_of_key, misnamed_points
from holdfast.vault.repair_trees import TreeMender
from holdfast.vault.repository import Repository
from holdfast.vault.salvage import Salvage, salvage
from holdfast.vault.snapshot import Snapshot, parse_snapshot
from holdfast.vault.tree import Node, parse_tree


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairOptions:
    """`read` says how much content is proven first; without it only what shows is repaired."""

    read: Subset | None = None
    # Remove the damaged originals of repaired points, and points nobody can read.
    forget: bool = False
    parts: frozenset[Part] = ALL_PARTS
    workers: int = 0


class Planning:
    """A check, and what follows from it. `index` knows what will be there after the repair."""

    def __init__(self, repository: Repository, options: RepairOptions, on_bytes: OnBytes) -> None:
        self.files = repository.files
        self._parts = options.parts
        check_options = CheckOptions(read=options.read, workers=options.workers, note=False)
        self._seen = Inspection(repository, check_options, on_bytes)
        self._index = self._seen.indexed.index
        # What no longer counts, by the pack it was in.
        self._lost = dict(self._seen.broken)
        self.plan = self._make_plan()

    @property
    def snapshots(self) -> dict[SnapshotId, Snapshot]:
        return {snapshot.id: snapshot for snapshot in self._seen.snapshots}

    def mender(self, store: Callable[[bytes], TreeId]) -> TreeMender:
        return TreeMender(self._load_tree, self._length_of, store)

    def remains(self, *, without: Collection[PackId]) -> Iterator[PackSpans]:
        """What stays of the index files that go."""
        names = self.plan.index_files
        return remains(self.files, self._seen.indexed, names, without=without)

    def misnamed_points(self) -> dict[SnapshotId, bytes]:
        names = [SnapshotId(name) for name in self._named(sorts.SNAPSHOT_DAMAGED)]
        return misnamed_points(self.files, names, known=self.snapshots)

    def _make_plan(self) -> RepairPlan:
        adopted, missing, salvaged = self._adopted(), self._missing(), self._salvaged()
        self._index.add_all(adopted.items())
        for found in salvaged:
            self._index.add(found.pack, found.good)
            self._lost[found.pack] = frozenset(span.blob for span in found.lost)
        dropped = missing | {found.pack for found in salvaged}
        finder = LossFinder(self._load_tree, lambda blob: self._length_of(blob) < 0)
        losses = finder.find(self._seen.snapshots)
        renamed, dead = self._unreadable_points()
        is_cut_off = bool(dead) or any(loss.is_folder for loss in losses.named)
        return RepairPlan(
            check=self._seen.report(),
            keys=self._keys(),
            rubbish=self._rubbish(),
            index_files=self._index_files(dropped),
            adopted=adopted,
            missing=missing,
            salvaged=salvaged,
            blobs_lost=self._count_lost(),
            points=self._points(),
            renamed_points=renamed,
            dead_points=dead,
            recovered=self._recovered() if is_cut_off else (),
            losses=losses.named,
            losses_unnamed=losses.unnamed,
        )

    def _adopted(self) -> dict[PackId, tuple[Span, ...]]:
        """Only where an index is broken or lacks something: else a prune has dropped the packs."""
        trees = self._seen.trees
        lacks = self._seen.indexed.broken or trees.missing or trees.absent
        if lacks and Part.INDEX in self._parts:
            return adopt_orphans(self.files, self._seen.indexed, self._seen.listing)
        return {}

    def _missing(self) -> frozenset[PackId]:
        if not self._parts & {Part.INDEX, Part.PACKS}:
            return frozenset()
        return frozenset(self._seen.indexed.rows.packs) - self._seen.listing.sizes.keys()

    def _salvaged(self) -> tuple[Salvage, ...]:
        rows, sizes = self._seen.indexed.rows, self._seen.listing.sizes
        damaged = self._seen.broken if Part.PACKS in self._parts else ()
        return tuple(
            salvage(self.files, pack, rows.spans(rows.numbers[pack]), size=sizes[pack])
            for pack in sorted(damaged)
            if pack in sizes
        )

    def _index_files(self, dropped: frozenset[PackId]) -> frozenset[FileId]:
        if not self._parts & {Part.INDEX, Part.PACKS}:
            return frozenset()
        return files_naming(self.files, self._seen.indexed, dropped)

    def _keys(self) -> tuple[KeyRepair, ...]:
        """Damaged key files; what is no key at all goes only if another one is left that is whole."""
        damaged = self._named(sorts.KEY_DAMAGED) if Part.KEYS in self._parts else []
        is_one_whole = any(name not in damaged for name in self.files.names(KEYS))
        kept = {name: has_form_of_key(self.files.storage, name) for name in damaged}
        return tuple(
            KeyRepair(path=f"{KEYS}/{name}", is_kept=is_kept)
            for name, is_kept in kept.items()
            if is_kept or is_one_whole
        )

    def _rubbish(self) -> tuple[str, ...]:
        own = [str(found.fields["name"]) for found in self._of_sort(sorts.OWN_DAMAGED)]
        return (*own, *(f"{LOCKS}/{name}" for name in self._named(sorts.LOCK_DAMAGED)))

    def _unreadable_points(self) -> tuple[tuple[SnapshotId, ...], tuple[SnapshotId, ...]]:
        """Those that only have the wrong name, and those that are gone."""
        if Part.SNAPSHOTS not in self._parts:
            return (), ()
        renamed = tuple(self.misnamed_points())
        names = [SnapshotId(name) for name in self._named(sorts.SNAPSHOT_DAMAGED)]
        return renamed, tuple(name for name in names if name not in renamed)

    def _points(self) -> tuple[PointRepair, ...]:
        if Part.SNAPSHOTS not in self._parts:
            return ()
        mender = self.mender(lambda content: TreeId(BlobId(hashlib.sha256(content).digest())))
        mended = ((snapshot, mender.mend(snapshot.tree)) for snapshot in self._seen.snapshots)
        return tuple(
            PointRepair(snapshot=snapshot.id, tree=tree)
            for snapshot, tree in mended
            if tree != snapshot.tree
        )

    def _recovered(self) -> tuple[TreeId, ...]:
        if Part.SNAPSHOTS not in self._parts:
            return ()
        known = {snapshot.tree for snapshot in self._seen.snapshots}
        known.update(self._misnamed_trees())
        trees = (TreeId(blob) for blob in self._index.blobs(Kind.TREE))
        parallel = self.files.storage.parallel
        return lost_roots(trees, self._load_tree, known=known, parallel=parallel)

    def _misnamed_trees(self) -> Iterator[TreeId]:
        for name, content in self.misnamed_points().items():
            yield parse_snapshot(name, content).tree

    def _count_lost(self) -> int:
        gone = {blob for blobs in self._lost.values() for blob in blobs}
        return sum(all(self._is_gone(kind, blob) for kind in Kind) for blob in gone)

    def _is_gone(self, kind: Kind, blob: BlobId) -> bool:
        copies = self._index.find_all(kind, blob)
        return all(blob in self._lost.get(copy.pack, ()) for copy in copies)

    def _length_of(self, blob: BlobId) -> int:
        if self._is_gone(Kind.DATA, blob):
            return -1
        return self._index.plain_length(Kind.DATA, blob)

    def _load_tree(self, tree: TreeId) -> list[Node]:
        return parse_tree(tree, load_any(self.files, self._index, Kind.TREE, tree))

    def _of_sort(self, sort: sorts.Sort) -> list[sorts.Finding]:
        return [found for found in self._seen.findings if found.sort is sort]

    def _named(self, sort: sorts.Sort) -> list[FileId]:
        return [found.file for found in self._of_sort(sort) if found.file is not None]
