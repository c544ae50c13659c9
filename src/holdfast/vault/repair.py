"""Bring a damaged vault back into order: save what can be read, drop what is lost.

Everything new is written before anything old is removed, so a repair can be broken off at any
moment and started again. Each index file that named lost blobs is replaced, never changed: a
client that believes in blobs it once stored sees that an index file it knew is gone, and reads
its files again.
"""

from collections.abc import Callable, Mapping

from holdfast.base.ids import BlobId, FileId, PackId, SnapshotId, TreeId
from holdfast.vault.check_data import OnBytes
from holdfast.vault.errors import BlobBroken
from holdfast.vault.index_writer import write_index
from holdfast.vault.layout import INDEX, SNAPSHOTS, pack_path
from holdfast.vault.pack_header import Kind, Span
from holdfast.vault.pack_writer import PackWriter
from holdfast.vault.repair_plan import RepairPlan, RepairReport
from holdfast.vault.repair_planning import Planning, RepairOptions
from holdfast.vault.repair_recover import recovered_listing, recovered_point
from holdfast.vault.repair_small import keep_key, repaired_snapshot
from holdfast.vault.repair_trees import TreeMender
from holdfast.vault.repository import Repository
from holdfast.vault.salvage import read_blob


def _no_bytes(_done: int, _total: int) -> None:
    """Tell nobody."""


class Repair:
    """Make one to plan, which changes nothing; then `apply`. An exclusive lock spans both."""

    def __init__(
        self, repository: Repository, options: RepairOptions, *, on_bytes: OnBytes = _no_bytes
    ) -> None:
        self._repository = repository
        self._files = repository.files
        self._forget = options.forget
        self._planning = Planning(repository, options, on_bytes)

    @property
    def plan(self) -> RepairPlan:
        return self._planning.plan

    def apply(self, still_ours: Callable[[], None]) -> RepairReport:
        """Do what is planned; `still_ours` raises when the lock is lost."""
        still_ours()
        self._clean_up()
        trees, recovered = self._write_packs_and_index()
        new_points = self._save_points(trees)
        recovered_as = self._save_recovered(recovered) if recovered else None
        still_ours()
        removed = self._remove_points()
        for name in self.plan.index_files:
            self._files.delete(INDEX, name)
        for found in self.plan.salvaged:
            self._files.storage.delete(pack_path(found.pack))
        self._repository.forget_index()
        return RepairReport(
            plan=self.plan,
            new_points=new_points,
            removed_points=removed,
            recovered_point=recovered_as,
        )

    def _clean_up(self) -> None:
        storage = self._files.storage
        for key in self.plan.keys:
            if key.is_kept:
                keep_key(storage, key.path)
        for path in (*(key.path for key in self.plan.keys), *self.plan.rubbish):
            storage.delete(path)

    def _write_packs_and_index(self) -> tuple[Mapping[SnapshotId, TreeId | None], TreeId | None]:
        """The new trees of points, and the one of what is recovered."""
        plan = self.plan
        writer = PackWriter(self._files)
        self._copy_salvaged(writer)
        mender = self._planning.mender(lambda content: TreeId(writer.add(Kind.TREE, content)))
        snapshots = self._planning.snapshots
        trees = {
            point.snapshot: mender.mend(snapshots[point.snapshot].tree) for point in plan.points
        }
        recovered = self._write_recovered(writer, mender) if plan.recovered else None
        writer.flush()
        entries = [*writer.written, *plan.adopted.items()]
        dropped = plan.missing | {found.pack for found in plan.salvaged}
        known = dropped | {pack for pack, _ in entries}
        entries += self._planning.remains(without=known)
        write_index(self._files, entries)
        return trees, recovered

    def _write_recovered(self, writer: PackWriter, mender: TreeMender) -> TreeId:
        mended = [mender.mend(tree) for tree in self.plan.recovered]
        roots = [tree for tree in mended if tree is not None]
        here = self._repository
        listing = recovered_listing(roots, identity=here.identity, clock=here.clock)
        return TreeId(writer.add(Kind.TREE, listing))

    def _save_recovered(self, tree: TreeId) -> SnapshotId:
        here = self._repository
        stored = recovered_point(tree, identity=here.identity, clock=here.clock)
        return here.save_snapshot(stored)

    def _copy_salvaged(self, writer: PackWriter) -> None:
        copied: set[tuple[Kind, BlobId]] = set()
        for found in self.plan.salvaged:
            for span in found.good:
                if (span.kind, span.blob) not in copied:
                    copied.add((span.kind, span.blob))
                    writer.add_sealed(span, self._sealed(found.pack, span))

    def _sealed(self, pack: PackId, span: Span) -> bytes:
        sealed = read_blob(self._files, pack, span)
        if sealed is None:
            # It was good a moment ago. Nothing is removed yet: stop.
            reason = "it can no longer be read"
            raise BlobBroken(
                kind=span.kind.word, blob=span.blob.hex(), pack=pack.hex(), reason=reason
            )
        return sealed

    def _save_points(
        self, trees: Mapping[SnapshotId, TreeId | None]
    ) -> dict[SnapshotId, SnapshotId]:
        saved = {}
        known = self._planning.snapshots
        for name, tree in trees.items():
            stored = repaired_snapshot(known[name], tree, known=known) if tree else None
            if stored is not None:
                saved[name] = self._repository.save_snapshot(stored)
        if self.plan.renamed_points:
            for name, content in self._planning.misnamed_points().items():
                saved[name] = SnapshotId(self._files.save(SNAPSHOTS, content))
        return saved

    def _remove_points(self) -> tuple[SnapshotId, ...]:
        """Remove what is stored again; only if asked, also what was repaired or is unreadable."""
        plan = self.plan
        removed = plan.renamed_points
        if self._forget:
            removed += (*(point.snapshot for point in plan.points), *plan.dead_points)
        for name in removed:
            self._files.delete(SNAPSHOTS, FileId(name))
        return removed
