"""The blobs of a table pack by pack: what a check compares with the packs themselves."""

from array import array
from collections.abc import Iterator
from itertools import accumulate

from holdfast.base.ids import ID_BYTES, BlobId, PackId
from holdfast.vault.envelope import OVERHEAD
from holdfast.vault.index_rows import RECORD, numbers_of
from holdfast.vault.index_table import IndexTable
from holdfast.vault.pack_header import COMPRESSED, LENGTH, PLAIN, Kind, Span, pack_size


class _KindRows:
    """The rows of one kind, pack by pack: four bytes a blob beside the table."""

    def __init__(self, table: IndexTable, kind: Kind, packs: int) -> None:
        self._kind = kind
        rows = table.rows()
        self._ids, self._records = rows.ids[kind], rows.records[kind]
        # What the blobs of each pack take in it.
        self.sizes = [0] * packs
        self._place(packs)

    def spans(self, pack: int) -> Iterator[Span]:
        for row in self._order[self._starts[pack] : self._starts[pack + 1]]:
            blob = BlobId(bytes(self._ids[ID_BYTES * row : ID_BYTES * (row + 1)]))
            _, offset, length, plain = RECORD.unpack_from(self._records, RECORD.size * row)
            yield Span(blob, self._kind, offset, length, plain)

    def _place(self, packs: int) -> None:
        found = numbers_of(self._records)
        numbers, sizes = found[::4], self.sizes
        counts = [0] * (packs + 1)
        for number, length, plain in zip(numbers, found[2::4], found[3::4], strict=True):
            counts[number + 1] += 1
            sizes[number] += length + (COMPRESSED.size if plain else PLAIN.size)
        self._starts = list(accumulate(counts))
        next_place = self._starts[:-1]
        self._order = array("I", bytes(4 * len(numbers)))
        for row, number in enumerate(numbers):
            self._order[next_place[number]] = row
            next_place[number] += 1


class PackRows:
    """What a table says of each pack; a pack's number is its place in `packs`."""

    def __init__(self, table: IndexTable) -> None:
        self.packs = list(table.packs())
        self.numbers = {pack: number for number, pack in enumerate(self.packs)}
        self._kinds = [_KindRows(table, kind, len(self.packs)) for kind in Kind]

    def size(self, number: int, *, seen: int | None = None) -> int:
        """The size a pack must have as a file; quick where it is the one `seen`."""
        total = sum(rows.sizes[number] for rows in self._kinds) + OVERHEAD + LENGTH.size
        # Rows repeat where two index files name a pack.
        return total if total == seen else pack_size(self.spans(number))

    def mixed(self) -> int:
        """How many packs hold both kinds of blobs."""
        return sum(all(pair) for pair in zip(*(rows.sizes for rows in self._kinds), strict=True))

    def with_trees(self) -> set[PackId]:
        """The packs that hold folder listings."""
        sizes = self._kinds[Kind.TREE].sizes
        return {pack for pack, size in zip(self.packs, sizes, strict=True) if size}

    def spans(self, number: int) -> list[Span]:
        """The blobs of a pack in the order of their offsets, each once."""
        found = dict.fromkeys(span for rows in self._kinds for span in rows.spans(number))
        return sorted(found, key=lambda span: span.offset)

    def __iter__(self) -> Iterator[tuple[PackId, list[Span]]]:
        for number, pack in enumerate(self.packs):
            yield pack, self.spans(number)
