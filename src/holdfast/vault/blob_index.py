"""Where each blob lies: a memory-mapped table for the bulk, dicts for what came since.

The table is a cache in scratch. It is made from the index files of the vault, names them all and
carries a checksum, and is thrown away and made anew whenever it does not fit: a wrong answer
here would make a backup leave out data.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from holdfast.base.ids import BlobId, PackId
from holdfast.vault.envelope import OVERHEAD
from holdfast.vault.index_table import IndexTable
from holdfast.vault.pack_header import Kind, Span

# Whether a blob of a kind is in the vault.
Has = Callable[[Kind, BlobId], bool]


class Location(NamedTuple):
    """Where one copy of a blob lies; `plain_length` is 0 where it is stored uncompressed."""

    pack: PackId
    offset: int
    length: int
    plain_length: int


class BlobIndex:
    """All blobs of a repository by kind and id.

    A data blob and a tree blob may have the same id: somebody may back up a file that holds a
    tree's very bytes. So every question names the kind.
    """

    def __init__(self, table: IndexTable | None = None) -> None:
        self._table = table
        self._recent: tuple[dict[BlobId, Location], dict[BlobId, Location]] = ({}, {})
        self._recent_packs: dict[PackId, None] = {}

    def find(self, kind: Kind, blob: BlobId) -> Location | None:
        found = self._recent[kind].get(blob)
        if found is None and self._table is not None:
            row = self._table.find(kind, blob)
            if row >= 0:
                return Location(*self._table.location(row))
        return found

    def find_all(self, kind: Kind, blob: BlobId) -> list[Location]:
        """Every copy that is known of a blob; of what came since the table, the newest only."""
        found: list[Location] = []
        table = self._table
        if table is not None:
            found.extend(Location(*table.location(row)) for row in table.find_all(kind, blob))
        if blob in self._recent[kind]:
            found.append(self._recent[kind][blob])
        return found

    def has(self, kind: Kind, blob: BlobId) -> bool:
        if blob in self._recent[kind]:
            return True
        return self._table is not None and self._table.find(kind, blob) >= 0

    def plain_length(self, kind: Kind, blob: BlobId) -> int:
        """How long the blob's content is, or -1 when no index names it."""
        recent = self._recent[kind].get(blob)
        if recent is not None:
            return recent.plain_length or recent.length - OVERHEAD
        table = self._table
        row = -1 if table is None else table.find(kind, blob)
        if row < 0 or table is None:
            return -1
        _, length, plain_length = table.record(row)
        return plain_length or length - OVERHEAD

    def add(self, pack: PackId, spans: Sequence[Span]) -> None:
        self._recent_packs[pack] = None
        for blob, kind, offset, length, plain_length in spans:
            self._recent[kind][blob] = Location(pack, offset, length, plain_length)

    def add_all(self, packs: Iterable[tuple[PackId, Sequence[Span]]]) -> None:
        for pack, spans in packs:
            self.add(pack, spans)

    def packs(self) -> Iterator[PackId]:
        """Every pack an index file names, once."""
        known = set()
        if self._table is not None:
            known = set(self._table.packs())
            yield from known
        yield from (pack for pack in self._recent_packs if pack not in known)

    def blobs(self, kind: Kind) -> Iterator[BlobId]:
        """Every blob of a kind; one that lies in several packs may come more than once."""
        if self._table is not None:
            yield from self._table.blobs(kind)
        yield from self._recent[kind]

    def __len__(self) -> int:
        return sum(map(len, self._recent)) + (len(self._table) if self._table is not None else 0)

    @property
    def recent_blobs(self) -> int:
        """How many blobs are held in dicts, which is what a rebuilt table would take in."""
        return sum(map(len, self._recent))

    def __repr__(self) -> str:
        return f"<BlobIndex of {len(self)} blobs, {self.recent_blobs} of them recent>"
