"""What a check can find, as values: nothing here looks at a vault."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId, FileId, PackId, SnapshotId
from holdfast.base.texts import N_, _


class Level(Enum):
    """DAMAGE: something that was kept is lost or may get lost. HINT: untidy, but all is there."""

    HINT = "hint"
    DAMAGE = "damage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """A sort of finding; its code is for ever."""

    code: str
    level: Level
    sentence: str


_ALL: list[Sort] = []


def _sort(code: str, level: Level, sentence: str) -> Sort:
    _ALL.append(Sort(code=code, level=level, sentence=sentence))
    return _ALL[-1]


INDEX_DAMAGED = _sort(
    "index-damaged", Level.DAMAGE, N_("The index file {name} cannot be read: {reason}")
)
KEY_DAMAGED = _sort("key-damaged", Level.DAMAGE, N_("The key file {name} cannot be used: {reason}"))
SNAPSHOT_DAMAGED = _sort(
    "point-damaged", Level.DAMAGE, N_("The recovery point {name} cannot be read: {reason}")
)
PACK_MISSING = _sort(
    "pack-missing", Level.DAMAGE, N_("The pack {name} with {blobs} blobs is not there")
)
PACK_SIZE = _sort(
    "pack-size", Level.DAMAGE, N_("The pack {name} has {seen} bytes instead of {wanted}")
)
PACK_CONTENT = _sort(
    "pack-content", Level.DAMAGE, N_("The content of pack {name} does not match its name")
)
PACK_HEADER = _sort(
    "pack-header", Level.DAMAGE, N_("The header of pack {name} cannot be read: {reason}")
)
PACK_DIFFERS = _sort(
    "pack-differs", Level.DAMAGE, N_("The header of pack {name} and the index disagree")
)
PACK_UNREADABLE = _sort(
    "pack-unreadable", Level.DAMAGE, N_("The pack {name} cannot be read: {reason}")
)
BLOBS_DAMAGED = _sort(
    "blobs-damaged", Level.DAMAGE, N_("{blobs} of the blobs in pack {name} are damaged")
)
BLOBS_MISSING = _sort(
    "blobs-missing", Level.DAMAGE, N_("{blobs} blobs that files need are in no index")
)
TREES_MISSING = _sort("trees-missing", Level.DAMAGE, N_("{blobs} folder listings are in no index"))
TREE_DAMAGED = _sort(
    "tree-damaged", Level.DAMAGE, N_("The folder listing {name} cannot be read: {reason}")
)
NODE_INVALID = _sort(
    "entry-invalid", Level.DAMAGE, N_("The folder listing {name} is wrong: {reason}")
)
PACK_ORPHAN = _sort(
    "pack-orphan",
    Level.HINT,
    N_("The pack {name} is in no index; a prune will remove it, or a backup is at work"),
)
PACK_REPEATED = _sort(
    "pack-repeated", Level.HINT, N_("{packs} packs are named by more than one index file")
)
PACK_MIXED = _sort(
    "pack-mixed", Level.HINT, N_("{packs} packs hold files and folder listings together")
)
PACK_UNSTEADY = _sort(
    "pack-unsteady",
    Level.HINT,
    N_("The pack {name} was read wrongly once and well the second time: {reason}"),
)
LOCK_DAMAGED = _sort("lock-damaged", Level.HINT, N_("The lock {name} cannot be read: {reason}"))
OWN_DAMAGED = _sort(
    "own-file-damaged",
    Level.HINT,
    N_("{name} is damaged: {reason}; it only costs time and is made anew"),
)
STRAY = _sort("stray-file", Level.HINT, N_("{name} is no part of a vault"))
UNSORTED = _sort(
    "listing-unsorted", Level.HINT, N_("The folder listing {name} is not in order of names")
)

SORTS = tuple(_ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A path that cannot be restored as it was, in the points named."""

    path: bytes
    # All below is lost as well: the folder's listing itself is gone.
    is_folder: bool
    snapshots: tuple[SnapshotId, ...]
    blobs: frozenset[BlobId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    sort: Sort
    fields: Mapping[str, object]
    # What it is about, for whoever repairs.
    file: FileId | None = None
    pack: PackId | None = None
    blobs: frozenset[BlobId] = frozenset()
    losses: tuple[Loss, ...] = ()

    @property
    def level(self) -> Level:
        return self.sort.level

    @property
    def code(self) -> str:
        return self.sort.code

    @property
    def sentence(self) -> str:
        return _(self.sort.sentence).format(**self.fields)


def reason_of(err: HoldfastError) -> str:
    """What an error says beyond the name of the thing, which a finding says itself."""
    return str(err.fields.get("reason", err))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What was looked at and what was found; `losses` name what can no longer be restored."""

    findings: tuple[Finding, ...] = ()
    losses: tuple[Loss, ...] = ()
    # Beyond those named: a report must end.
    losses_unnamed: int = 0
    snapshots: int = 0
    trees: int = 0
    blobs: int = 0
    packs: int = 0
    packs_read: int = 0
    bytes_read: int = 0
    bytes_total: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = field(default=())

    @property
    def is_damaged(self) -> bool:
        return any(finding.level is Level.DAMAGE for finding in self.findings)

    @property
    def damage(self) -> tuple[Finding, ...]:
        return tuple(found for found in self.findings if found.level is Level.DAMAGE)

    @property
    def damaged_packs(self) -> frozenset[PackId]:
        return frozenset(found.pack for found in self.damage if found.pack is not None)
