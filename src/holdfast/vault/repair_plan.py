"""What a repair will do, as values: shown in a dry run, done by `repair`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from holdfast.base.ids import FileId, PackId, SnapshotId, TreeId
from holdfast.vault.check_findings import CheckReport, Loss
from holdfast.vault.pack_header import Span
from holdfast.vault.salvage import Salvage


class Part(Enum):
    """What can be repaired by itself."""

    KEYS = "keys"
    INDEX = "index"
    PACKS = "packs"
    SNAPSHOTS = "snapshots"


ALL_PARTS = frozenset(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRepair:
    """A key file that is not as it was written."""

    path: str
    # It still has the form of a key: kept under a name that fits. Whether its passphrase opens
    # it, only whoever knows that can say.
    is_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRepair:
    """A point that gets a new tree, or None where its root is gone."""

    snapshot: SnapshotId
    tree: TreeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """All steps, and `losses`: every path that will not be as it was, and in which points."""

    check: CheckReport
    keys: tuple[KeyRepair, ...] = ()
    # Files of ours and locks that nobody can read.
    rubbish: tuple[str, ...] = ()
    # Index files that go, because they are broken or name what is not there.
    index_files: frozenset[FileId] = frozenset()
    # Packs that no index names, and that get their entries from their own headers.
    adopted: Mapping[PackId, tuple[Span, ...]] = field(default_factory=dict)
    # Packs that are gone: their entries are dropped.
    missing: frozenset[PackId] = frozenset()
    # Damaged packs: what is good in them is written anew, the rest is dropped.
    salvaged: tuple[Salvage, ...] = ()
    # Blobs of these and of the missing packs of which no good copy is left anywhere.
    blobs_lost: int = 0
    points: tuple[PointRepair, ...] = ()
    # Points whose file has another name than its content asks for: stored again.
    renamed_points: tuple[SnapshotId, ...] = ()
    # Points that nobody can read any more.
    dead_points: tuple[SnapshotId, ...] = ()
    # Folders nothing leads to any more: they get a point of their own.
    recovered: tuple[TreeId, ...] = ()
    losses: tuple[Loss, ...] = ()
    losses_unnamed: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing is there to be done."""
        return not (
            self.keys
            or self.rubbish
            or self.index_files
            or self.adopted
            or self.salvaged
            or self.points
            or self.renamed_points
            or self.dead_points
            or self.recovered
        )

    @property
    def blobs_saved(self) -> int:
        return sum(len(found.good) for found in self.salvaged)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """What was done."""

    plan: RepairPlan
    # New points by the ones they stand for.
    new_points: Mapping[SnapshotId, SnapshotId]
    removed_points: tuple[SnapshotId, ...]
    # The point that holds what nothing led to.
    recovered_point: SnapshotId | None = None
