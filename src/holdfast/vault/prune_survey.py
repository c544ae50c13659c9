"""What there is in a repository and what of it is needed: all a prune must know."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.base.ids import PackId, SnapshotId, TreeId, is_file_id, pack_id_from_hex
from holdfast.storage.errors import FileMissing
from holdfast.vault.blob_groups import BlobGroups, IndexRows
from holdfast.vault.envelope import OVERHEAD
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.layout import DATA, INDEX, SNAPSHOTS, pack_path
from holdfast.vault.pack_header import COMPRESSED, LENGTH, PLAIN
from holdfast.vault.policy.prune import PackFacts
from holdfast.vault.repository import Repository
from holdfast.vault.upkeep_errors import PruneOvertaken
from holdfast.vault.used_blobs import UsedBlobs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OnTrees = Callable[[int], None]


@dataclass(slots=True, kw_only=True)
class Survey:
    """One look at a repository. Nothing in it is trusted after a lock was given up."""

    snapshots: frozenset[SnapshotId]
    index: IndexRows
    groups: BlobGroups
    used: UsedBlobs
    # Pack files as they are stored, with their sizes.
    stored: dict[PackId, int]
    # Rows whose pack is stored in full.
    usable: "NDArray[np.bool_]"
    # One copy of each used blob: the one that will be kept.
    chosen: "NDArray[np.bool_]"

    def facts(self) -> list[PackFacts]:
        """All packs an index names, in numbers."""
        import numpy as np

        groups, count = self.groups, len(self.groups.packs)
        entry = groups.length.astype(np.int64) + _entry_bytes(groups)
        used = np.bincount(groups.pack, entry * self.chosen, count).astype(np.int64)
        total = np.bincount(groups.pack, entry, count).astype(np.int64)
        trees = np.bincount(groups.pack, groups.is_tree, count)
        blobs = np.bincount(groups.pack, minlength=count)
        return [
            PackFacts(
                number=number,
                size=int(total[number]) + OVERHEAD + LENGTH.size,
                used=int(used[number]),
                unused=int(total[number] - used[number]),
                is_mixed=bool(0 < trees[number] < blobs[number]),
                has_trees=bool(trees[number]),
            )
            for number in range(count)
        ]

    def needed(self, packs: Iterable[int]) -> set[int]:
        """Those of the packs without which a used blob would have no copy left."""
        import numpy as np

        groups, without = self.groups, np.zeros(len(self.groups.packs), bool)
        without[list(packs)] = True
        covered = np.zeros(len(groups), bool)
        covered[groups.group[self.usable & ~without[groups.pack]]] = True
        lost = self.used.marks & ~covered
        return set(groups.pack[self.usable & lost[groups.group]].tolist())

    def orphans(self) -> list[PackId]:
        """Packs that no index names."""
        return [pack for pack in self.stored if pack not in self.index.numbers]


def take_survey(
    repository: Repository, *, earlier: Survey | None = None, on_trees: OnTrees = lambda _: None
) -> Survey:
    """Read all index files and walk all trees, or what came since an earlier survey."""
    import numpy as np

    # Before the index: a backup at work writes its index before its snapshot.
    names = frozenset(SnapshotId(name) for name in repository.files.names(SNAPSHOTS))
    index = earlier.index if earlier else IndexRows()
    is_fresh = _load_index(repository, index)
    if earlier is not None and not is_fresh:
        groups, used = earlier.groups, earlier.used
    else:
        groups = BlobGroups(index)
        rows = earlier.used.rows() if earlier else None
        used = UsedBlobs(repository.files, groups, rows=rows)
    known = earlier.snapshots if earlier else frozenset()
    used.walk(_roots(repository, names - known), on_trees=on_trees)
    stored = _stored_packs(repository)
    usable = _usable(groups, stored, used)
    survey = Survey(
        snapshots=names,
        index=index,
        groups=groups,
        used=used,
        stored=stored,
        usable=usable,
        chosen=np.zeros(len(groups.pack), bool),
    )
    survey.chosen[_choose_copies(groups, used, usable)] = True
    return survey


def _load_index(repository: Repository, index: IndexRows) -> bool:
    """Add the index files that are not known yet; whether there were any."""
    names = set(repository.files.names(INDEX))
    if not names.issuperset(index.packs_of_file):
        raise PruneOvertaken(place=repository.storage.place)
    fresh = sorted(names.difference(index.packs_of_file))
    index.load(repository.files, fresh)
    return bool(fresh)


def _roots(repository: Repository, names: Iterable[SnapshotId]) -> list[TreeId]:
    roots: list[TreeId] = []
    for name in names:
        try:
            roots.append(repository.load_snapshot(name).tree)
        except FileMissing:
            # Forgotten since it was listed: nobody needs its trees any more.
            continue
    return roots


def _stored_packs(repository: Repository) -> dict[PackId, int]:
    found: dict[PackId, int] = {}
    for entry in repository.storage.list(DATA):
        name = entry.name.rpartition("/")[2]
        if is_file_id(name):
            pack = pack_id_from_hex(name)
            if entry.name == pack_path(pack):
                found[pack] = entry.size
    return found


def _entry_bytes(groups: BlobGroups) -> "NDArray[np.int64]":
    import numpy as np

    return np.where(groups.plain > 0, COMPRESSED.size, PLAIN.size)


def _usable(groups: BlobGroups, stored: dict[PackId, int], used: UsedBlobs) -> "NDArray[np.bool_]":
    """Rows whose pack is there in full; FileUnreadable when a used blob has no such row."""
    import numpy as np

    count = len(groups.packs)
    entry = groups.length.astype(np.int64) + _entry_bytes(groups)
    wanted = np.bincount(groups.pack, entry, count).astype(np.int64) + OVERHEAD + LENGTH.size
    sizes = np.array([stored.get(pack, -1) for pack in groups.packs], np.int64)
    is_whole = sizes == wanted
    rows: NDArray[np.bool_] = is_whole[groups.pack]
    covered = np.zeros(len(groups), bool)
    covered[groups.group[rows]] = True
    lost = used.marks & ~covered
    if lost.any():
        row = int(groups.rows_of(np.flatnonzero(lost))[0])
        number = int(groups.pack[row])
        seen, should = int(sizes[number]), int(wanted[number])
        reason = "it is missing" if seen < 0 else f"it has {seen} bytes instead of {should}"
        raise FileUnreadable(name=pack_path(groups.packs[number]), reason=reason)
    return rows


def _choose_copies(
    groups: BlobGroups, used: UsedBlobs, usable: "NDArray[np.bool_]"
) -> "NDArray[np.int64]":
    """One row for each used blob.

    Of several copies that one is taken whose pack will be kept anyway: fullest of used bytes, then
    with most that is only there, then the largest, so that small packs merged by a killed prune go.
    """
    import numpy as np

    rows = np.flatnonzero(used.rows() & usable)
    count = len(groups.packs)
    length = groups.length.astype(np.int64)
    total = np.bincount(groups.pack, length, count)
    needed = np.bincount(groups.pack[rows], length[rows], count)
    copies = np.bincount(groups.group[rows], minlength=len(groups))
    only = rows[copies[groups.group[rows]] == 1]
    alone = np.bincount(groups.pack[only], length[only], count)
    fullness = needed / np.maximum(total, 1)
    best = np.lexsort((np.arange(count), -total, -alone, -fullness))
    rank = np.empty(count, np.int64)
    rank[best] = np.arange(count)
    order = rows[np.lexsort((rank[groups.pack[rows]], groups.group[rows]))]
    is_first = np.ones(len(order), bool)
    is_first[1:] = groups.group[order[1:]] != groups.group[order[:-1]]
    return order[is_first]
