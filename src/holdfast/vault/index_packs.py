"""The blobs of a table pack by pack: what a check compares with the packs themselves."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from holdfast.base.ids import ID_BYTES, BlobId, PackId
from holdfast.vault.envelope import OVERHEAD
from holdfast.vault.index_table import IndexTable
from holdfast.vault.pack_header import COMPRESSED, LENGTH, PLAIN, Kind, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class PackRows:
    """Four bytes a blob beside the table. A row is a place in its data, then its tree records."""

    def __init__(self, table: IndexTable) -> None:
        import numpy as np

        rows = table.rows()
        self.packs = rows.packs
        self.numbers = {pack: number for number, pack in enumerate(rows.packs)}
        self._ids = [np.frombuffer(ids, np.uint8).reshape(-1, ID_BYTES) for ids in rows.ids]
        self._records = [np.frombuffer(found, "<u4").reshape(-1, 4) for found in rows.records]
        self._trees_from = len(self._records[Kind.DATA])
        self._order = self._in_pack_order()
        number = self._column(0)[self._order]
        self._starts = np.searchsorted(number, np.arange(len(self.packs) + 1))

    def sizes(self) -> "NDArray[np.int64]":
        """The size each pack must have as a file."""
        import numpy as np

        length, plain_length = self._column(2), self._column(3)
        entry = np.where(plain_length > 0, COMPRESSED.size, PLAIN.size)
        total = (length.astype(np.int64) + entry)[self._order]
        sums = np.concatenate(([0], np.cumsum(total)))
        return (sums[self._starts[1:]] - sums[self._starts[:-1]]) + OVERHEAD + LENGTH.size

    def mixed(self) -> int:
        """How many packs hold both kinds of blobs."""
        return int((self._holding(Kind.DATA) & self._holding(Kind.TREE)).sum())

    def with_trees(self) -> set[PackId]:
        """The packs that hold folder listings."""
        return {self.packs[number] for number in self._holding(Kind.TREE).nonzero()[0].tolist()}

    def spans(self, number: int) -> list[Span]:
        """The blobs of a pack in the order of their offsets, each once."""
        import numpy as np

        rows = self._order[self._starts[number] : self._starts[number + 1]]
        is_tree = rows >= self._trees_from
        found = self._spans(Kind.DATA, rows[~is_tree])
        if is_tree.any():
            found += self._spans(Kind.TREE, rows[is_tree] - np.uint32(self._trees_from))
            found.sort(key=lambda span: span.offset)
        return found

    def __iter__(self) -> Iterator[tuple[PackId, list[Span]]]:
        for number, pack in enumerate(self.packs):
            yield pack, self.spans(number)

    def _spans(self, kind: Kind, rows: "NDArray[np.uint32]") -> list[Span]:
        ids = self._ids[kind][rows].tobytes()
        return [
            Span(BlobId(ids[at : at + ID_BYTES]), kind, offset, length, plain_length)
            for at, (_, offset, length, plain_length) in zip(
                range(0, len(ids), ID_BYTES), self._records[kind][rows].tolist(), strict=True
            )
        ]

    def _holding(self, kind: Kind) -> "NDArray[np.bool_]":
        import numpy as np

        found = np.zeros(len(self.packs), bool)
        found[self._records[kind][:, 0]] = True
        return found

    def _column(self, column: int) -> "NDArray[np.uint32]":
        import numpy as np

        return np.concatenate([records[:, column] for records in self._records])

    def _in_pack_order(self) -> "NDArray[np.uint32]":
        import numpy as np

        place = self._column(0).astype(np.uint64) << np.uint64(32) | self._column(1)
        order = np.argsort(place, kind="stable").astype(np.uint32)
        return order[self._first_of_equal(order, place)] if len(order) else order

    def _first_of_equal(self, order: "NDArray[np.uint32]", place: "NDArray[np.uint64]") -> Any:
        """False where a row repeats the one before: its pack is named by two index files."""
        import numpy as np

        first = np.ones(len(order), bool)
        again = np.flatnonzero(place[order[1:]] == place[order[:-1]]) + 1
        for at in again.tolist():
            first[at] = self._key(int(order[at])) != self._key(int(order[at - 1]))
        return first

    def _key(self, row: int) -> tuple[bytes, bytes]:
        kind = Kind.TREE if row >= self._trees_from else Kind.DATA
        place = row - self._trees_from if kind else row
        return self._ids[kind][place].tobytes(), self._records[kind][place].tobytes()
