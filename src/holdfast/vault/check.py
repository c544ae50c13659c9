"""Prove that a vault is sound, and say exactly what is not.

The structure is always proven; how much of the content is read and proven too is a choice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId, PackId, TreeId
from holdfast.vault.blob_index import BlobIndex
from holdfast.vault.blobs import open_blob
from holdfast.vault.check_data import DataCheck, OnBytes, PackReader, Task, check_data
from holdfast.vault.check_files import check_keys, check_locks, check_own, read_snapshots
from holdfast.vault.check_findings import PACK_SIZE, CheckReport, Finding, Level, Loss
from holdfast.vault.check_losses import Losses, LossFinder
from holdfast.vault.check_packs import (
    CheckedIndex,
    PackListing,
    check_index,
    check_packs,
    list_packs,
    read_index,
)
from holdfast.vault.check_subset import Subset, choose_packs
from holdfast.vault.check_trees import TreeCheck, check_trees, sound_subtrees
from holdfast.vault.errors import BlobMissing
from holdfast.vault.forking import cores
from holdfast.vault.layout import pack_path
from holdfast.vault.ledger import Ledger
from holdfast.vault.pack_header import Kind
from holdfast.vault.repository import Repository
from holdfast.vault.sealed_files import SealedFiles
from holdfast.vault.snapshot import Snapshot
from holdfast.vault.tree import Node, parse_tree


def _no_bytes(_done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """`read` is None for structure alone."""

    read: Subset | None = None
    workers: int = 0  # 0: as many as there are cores
    note: bool = True  # keep in the vault what was proven


def check(
    repository: Repository, options: CheckOptions, *, on_bytes: OnBytes = _no_bytes
) -> CheckReport:
    """Look at everything once. The caller holds a lock, so that no pack vanishes meanwhile."""
    return Inspection(repository, options, on_bytes).report()


class Inspection:
    """One check, with what it learned: a repair goes on from here."""

    def __init__(self, repository: Repository, options: CheckOptions, on_bytes: OnBytes) -> None:
        self._repository = repository
        self._options = options
        self._on_bytes = on_bytes
        self._warnings: list[str] = []
        self.files = repository.files
        self.findings: list[Finding] = []
        started = repository.clock.monotonic()
        # Points first: a backup at work writes its index before its point, its packs before both.
        self.snapshots = self._read_snapshots()
        self.indexed = read_index(self.files)
        self.listing = list_packs(self.files.storage)
        self.findings += self._small_findings()
        self._present = _present(self.indexed, self.listing)
        self._ledger = (
            Ledger(self.files, self._warnings.append) if options.read is not None else None
        )
        self.data = DataCheck()
        # Folder listings are judged where packs are read, hence by all cores.
        self._read(self._chosen())
        self.trees = self._check_trees()
        self._read(self._suspects())
        self._note_proofs()
        self.findings += self.trees.all_findings()
        self.findings += self.data.findings
        self.broken = self._broken_blobs()
        self.losses = self._find_losses()
        self._seconds = repository.clock.monotonic() - started

    def report(self) -> CheckReport:
        return CheckReport(
            findings=tuple(_with_losses(self.findings, self.losses.named)),
            losses=self.losses.named,
            losses_unnamed=self.losses.unnamed,
            snapshots=len(self.snapshots),
            trees=self.trees.trees,
            blobs=len(self.indexed.table),
            packs=len(self.listing.sizes),
            packs_read=len(self.data.good) + len(self.data.bad),
            bytes_read=self.data.bytes_read,
            bytes_total=sum(self.listing.sizes.values()),
            seconds=self._seconds,
            warnings=tuple(self._warnings),
        )

    def load_tree(self, tree: TreeId) -> list[Node]:
        return parse_tree(tree, load_any(self.files, self.indexed.index, Kind.TREE, tree))

    def is_lost(self, kind: Kind, blob: BlobId) -> bool:
        """Whether no copy is left that was not found broken."""
        copies = self.indexed.index.find_all(kind, blob)
        return all(blob in self.broken.get(copy.pack, ()) for copy in copies)

    def _read_snapshots(self) -> list[Snapshot]:
        found = read_snapshots(self.files, self.findings.append)
        return sorted(found, key=lambda snapshot: (snapshot.taken_at, snapshot.id))

    def _small_findings(self) -> Iterable[Finding]:
        yield from check_keys(self.files)
        yield from check_locks(self.files)
        yield from check_own(self.files)
        yield from check_index(self.indexed)
        yield from check_packs(self.indexed, self.listing)

    def _chosen(self) -> Iterator[Task]:
        """What was asked for, the packs that look cut, and all folder listings."""
        whole = {found.pack for found in self.findings if found.sort is PACK_SIZE}
        if self._options.read is not None and self._ledger is not None:
            verified = self._ledger.verified
            whole.update(choose_packs(self._present, self._options.read, verified=verified))
        with_trees = self.indexed.rows.with_trees()
        for pack, size in self._present.items():
            is_whole, has_trees = pack in whole, pack in with_trees
            if is_whole or has_trees:
                yield Task(pack=pack, size=size, is_whole=is_whole, has_trees=has_trees)

    def _suspects(self) -> Iterator[Task]:
        """The packs that gave a broken listing and were not read yet."""
        suspects = {found.pack for found in self.trees.findings if found.pack is not None}
        for pack in suspects.difference(self.data.good, self.data.bad):
            if pack in self._present:
                yield Task(pack=pack, size=self._present[pack])

    def _read(self, tasks: Iterable[Task]) -> None:
        def judge(tree: TreeId, content: bytes | memoryview) -> bytes | None:
            return sound_subtrees(tree, content, self.indexed.index)

        reader = PackReader(self.files, self.indexed.rows, judge)
        workers = self._options.workers or cores()
        check_data(reader, tasks, into=self.data, workers=workers, on_bytes=self._on_bytes)

    def _check_trees(self) -> TreeCheck:
        roots = (snapshot.tree for snapshot in self.snapshots)
        return check_trees(roots, self.load_tree, self.indexed.index, sound=self.data.sound)

    def _note_proofs(self) -> None:
        done = self.data
        if self._ledger is not None and self._options.note and (done.good or done.bad):
            now = self._repository.clock.now()
            self._ledger.note(good=done.good, bad=done.bad, present=self._present, at=now)

    def _broken_blobs(self) -> dict[PackId, frozenset[BlobId]]:
        found: dict[PackId, frozenset[BlobId]] = {}
        for finding in self.findings:
            if finding.pack is not None:
                found[finding.pack] = found.get(finding.pack, frozenset()) | finding.blobs
        return found

    def _find_losses(self) -> Losses:
        if all(found.level is Level.HINT for found in self.findings):
            return Losses((), 0)
        finder = LossFinder(self.load_tree, lambda blob: self.is_lost(Kind.DATA, blob))
        return finder.find(self.snapshots)


def load_any(files: SealedFiles, index: BlobIndex, kind: Kind, blob: BlobId) -> bytes | bytearray:
    """A blob from whichever copy is good."""
    problem: HoldfastError = BlobMissing(kind=kind.word, blob=blob.hex())
    copies = index.find_all(kind, blob)
    # Each twice: memory and wires fail too.
    for copy in copies + copies:
        try:
            sealed = files.storage.read(pack_path(copy.pack), copy.offset, copy.length)
            return open_blob(files.sealer, kind, blob, copy, sealed)
        except HoldfastError as err:
            problem = err
    raise problem


def _present(indexed: CheckedIndex, listing: PackListing) -> dict[PackId, int]:
    sizes = listing.sizes
    return {pack: sizes[pack] for pack in indexed.rows.packs if pack in sizes}


def _with_losses(findings: Iterable[Finding], losses: Sequence[Loss]) -> Iterator[Finding]:
    """Give each finding the paths it costs; by blob, since there may be many of both."""
    by_blob: defaultdict[BlobId, list[int]] = defaultdict(list)
    for number, loss in enumerate(losses):
        for blob in loss.blobs:
            by_blob[blob].append(number)
    for found in findings:
        hit = {number for blob in found.blobs for number in by_blob.get(blob, ())}
        mine = tuple(losses[number] for number in sorted(hit))
        yield replace(found, losses=mine) if mine else found
