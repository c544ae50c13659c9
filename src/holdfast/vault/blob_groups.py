"""All copies of all blobs of a repository in columns: what a prune reckons with.

A row is one copy of a blob in a pack; rows of one blob form a group. About 100 bytes a row.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from holdfast.base.ids import ID_BYTES, BlobId, FileId, PackId
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.forking import ahead, cores, forked
from holdfast.vault.index_rows import Rows, rows_of
from holdfast.vault.layout import INDEX
from holdfast.vault.pack_header import Kind, Span
from holdfast.vault.sealed_files import SealedFiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# In so many index files, forking costs more than it saves.
_WORTH_FORKING = 64
_KEY_BYTES = 8
_KINDS = (Kind.DATA, Kind.TREE)


class _Part(NamedTuple):
    """Some rows; the columns of the records are pack number, offset, length, plain length."""

    is_tree: "NDArray[np.bool_]"
    ids: "NDArray[np.uint8]"
    records: "NDArray[np.uint32]"


class IndexRows:
    """Collects index files; what is collected once can be added to later."""

    def __init__(self) -> None:
        self.packs: list[PackId] = []
        self.packs_of_file: dict[FileId, list[PackId]] = {}
        self.numbers: dict[PackId, int] = {}
        self._parts: list[_Part] = []
        # What tells two entries of one pack apart.
        self._prints: dict[PackId, tuple[int, int]] = {}

    def load(self, files: SealedFiles, names: Sequence[FileId]) -> None:
        def work(mine: Iterator[FileId]) -> Iterator[tuple[FileId, Rows]]:
            def load(name: FileId) -> bytes:
                return files.load(INDEX, name)

            for name, content in ahead(mine, load, parallel=files.storage.parallel):
                yield name, rows_of(f"{INDEX}/{name}", content.result())

        workers = cores() if len(names) >= _WORTH_FORKING else 1
        for name, rows in forked(names, work, workers=workers):
            self.add(name, rows)

    def add(self, name: FileId, rows: Rows) -> None:
        import numpy as np

        self.packs_of_file[name] = rows.packs
        prints = _prints(rows)
        is_new = np.array([self._is_new(name, *pair) for pair in prints.items()], bool)
        for pack in rows.packs:
            if pack not in self.numbers:
                self.numbers[pack] = len(self.packs)
                self.packs.append(pack)
        numbers = np.array([self.numbers[pack] for pack in rows.packs], np.uint32)
        for kind in Kind:
            ids, records = _columns(rows, kind)
            wanted = is_new[records[:, 0]]
            records = records[wanted]
            records[:, 0] = numbers[records[:, 0]]
            is_tree = np.full(len(records), kind is Kind.TREE)
            self._parts.append(_Part(is_tree, ids[wanted], records))

    def joined(self) -> _Part:
        """All rows, in the order they were added."""
        import numpy as np

        empty = np.empty(0, bool), np.empty((0, ID_BYTES), np.uint8), np.empty((0, 4), np.uint32)
        columns = zip(empty, *self._parts, strict=True)
        whole = _Part(*(np.concatenate(pieces) for pieces in columns))
        # Kept in place of the pieces, so that nothing lies in memory twice.
        self._parts = [whole]
        return whole

    def _is_new(self, name: FileId, pack: PackId, seen: tuple[int, int]) -> bool:
        """False for an entry read before: a killed prune leaves a pack in two index files."""
        known = self._prints.setdefault(pack, seen)
        if known != seen:
            reason = f"another index file describes the pack {pack.hex()} differently"
            raise FileUnreadable(name=f"{INDEX}/{name}", reason=reason)
        return pack not in self.numbers


class BlobGroups:
    """The rows sorted into groups; numbers of rows stay the same when index files are added."""

    def __init__(self, rows: IndexRows) -> None:
        whole = rows.joined()
        self.packs = rows.packs
        self.ids, self.is_tree = whole.ids, whole.is_tree
        self._records = whole.records.T
        self.pack, self.offset, self.length, self.plain = self._records
        self._sort()

    def __len__(self) -> int:
        """The number of groups, which is that of different blobs."""
        return len(self._first)

    def rows_of(self, groups: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """The first row of each group."""
        return self._order[self._first[groups]]

    def find(self, kind: Kind, ids: "NDArray[np.uint8]") -> "NDArray[np.int64]":
        """The group of each id, or -1."""
        import numpy as np

        found = np.full(len(ids), -1, np.int64)
        keys = _keys(ids, kind is Kind.TREE)
        at = np.searchsorted(self._keys, keys)
        open_ = np.arange(len(ids))
        while len(open_):
            open_ = open_[at[open_] < len(self)]
            open_ = open_[self._keys[at[open_]] == keys[open_]]
            is_match = (self.ids[self.rows_of(at[open_])] == ids[open_]).all(axis=1)
            found[open_[is_match]] = at[open_[is_match]]
            # Two different ids with equal beginnings: chance does not make them, malice may.
            open_ = open_[~is_match]
            at[open_] += 1
        return found

    def placed(self, rows: "NDArray[np.int64]") -> Iterator[tuple[PackId, Span]]:
        """Some rows, each with its pack."""
        columns = (column[rows].tolist() for column in (self.is_tree, *self._records))
        ids = self.ids[rows].tobytes()
        for at, (is_tree, pack, *place) in enumerate(zip(*columns, strict=True)):
            blob = BlobId(ids[ID_BYTES * at : ID_BYTES * (at + 1)])
            yield self.packs[pack], Span(blob, _KINDS[is_tree], *place)

    def _sort(self) -> None:
        import numpy as np

        keys = _keys(self.ids, self.is_tree)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        is_first = np.ones(len(order), bool)
        is_first[1:] = keys[1:] != keys[:-1]
        again = np.flatnonzero(~is_first)
        if (self.ids[order[again]] != self.ids[order[again - 1]]).any():
            order, is_first = self._sorted_exactly(order, keys)
        self._order = order
        self._first = np.flatnonzero(is_first)
        self._keys = keys[self._first]
        self.group = np.empty(len(order), np.int64)
        self.group[order] = np.cumsum(is_first) - 1

    def _sorted_exactly(
        self, order: "NDArray[np.int64]", keys: "NDArray[np.uint64]"
    ) -> "tuple[NDArray[np.int64], NDArray[np.bool_]]":
        """Sort by whole ids where mere beginnings do not tell them apart."""
        import numpy as np

        rest = self.ids[order].copy().view(">u8").astype(np.uint64)
        finer = np.lexsort((rest[:, 3], rest[:, 2], rest[:, 1], keys))
        order, rest = order[finer], rest[finer]
        is_first = np.ones(len(order), bool)
        is_first[1:] = (keys[finer][1:] != keys[finer][:-1]) | (rest[1:, 1:] != rest[:-1, 1:]).any(
            axis=1
        )
        return order, is_first


def id_rows(ids: bytes) -> "NDArray[np.uint8]":
    import numpy as np

    return np.frombuffer(ids, np.uint8).reshape(-1, ID_BYTES)


def _columns(rows: Rows, kind: Kind) -> "tuple[NDArray[np.uint8], NDArray[np.uint32]]":
    import numpy as np

    records = np.frombuffer(rows.records[kind], "<u4").reshape(-1, 4).astype(np.uint32)
    return np.frombuffer(rows.ids[kind], np.uint8).reshape(-1, ID_BYTES), records


def _keys(ids: "NDArray[np.uint8]", is_tree: "bool | NDArray[np.bool_]") -> "NDArray[np.uint64]":
    """The beginning of the id, and in the last bit the kind: one id may be of both kinds."""
    import numpy as np

    keys = ids[:, :_KEY_BYTES].copy().view(">u8").ravel().astype(np.uint64)
    return (keys & ~np.uint64(1)) | np.asarray(is_tree, np.uint64)


def _prints(rows: Rows) -> Mapping[PackId, tuple[int, int]]:
    """For each pack its number of blobs, and a sum over their ids and places."""
    import numpy as np

    counts = np.zeros(len(rows.packs), np.int64)
    sums = np.zeros(len(rows.packs), np.uint64)
    for kind in Kind:
        ids, records = _columns(rows, kind)
        place = records[:, 1].astype(np.uint64) << np.uint64(32) | records[:, 2]
        np.add.at(counts, records[:, 0], 1)
        np.add.at(sums, records[:, 0], _keys(ids, kind is Kind.TREE) ^ place)
    return dict(zip(rows.packs, zip(counts.tolist(), sums.tolist(), strict=True), strict=True))
