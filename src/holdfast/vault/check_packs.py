"""Compare the packs there are with the packs the index names."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, PackId, is_file_id, pack_id_from_hex
from holdfast.storage.protocol import Storage
from holdfast.vault import check_findings as sorts
from holdfast.vault.blob_index import BlobIndex
from holdfast.vault.check_findings import Finding, reason_of
from holdfast.vault.index_cache import fill, in_memory, index_sizes
from holdfast.vault.index_packs import PackRows
from holdfast.vault.index_table import IndexTable, TableWriter
from holdfast.vault.layout import DATA, INDEX, pack_path
from holdfast.vault.sealed_files import SealedFiles


@dataclass(slots=True, kw_only=True)
class CheckedIndex:
    """Everything the readable index files say, straight from the vault and never from scratch."""

    table: IndexTable
    index: BlobIndex
    rows: PackRows
    # Index files as they lie in the vault, broken ones too.
    files: frozenset[FileId]
    broken: dict[FileId, HoldfastError]
    repeated: int


def read_index(files: SealedFiles) -> CheckedIndex:
    sizes = index_sizes(files)
    writer, broken = TableWriter(), dict[FileId, HoldfastError]()
    fill(writer, files, sizes, on_error=broken.__setitem__)
    table = in_memory(writer, sizes)
    return CheckedIndex(
        table=table,
        index=BlobIndex(table),
        rows=PackRows(table),
        files=frozenset(sizes),
        broken=broken,
        repeated=writer.repeated,
    )


@dataclass(slots=True, kw_only=True)
class PackListing:
    """The packs as they lie in the vault, and the names in their folder that are none."""

    sizes: dict[PackId, int] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)


def list_packs(storage: Storage) -> PackListing:
    listing = PackListing()
    for entry in storage.list(DATA):
        name = entry.name.rpartition("/")[2]
        if is_file_id(name) and entry.name == pack_path(pack_id_from_hex(name)):
            listing.sizes[pack_id_from_hex(name)] = entry.size
        else:
            listing.strays.append(entry.name)
    return listing


def check_index(checked: CheckedIndex) -> Iterator[Finding]:
    for name, err in checked.broken.items():
        fields = {"name": f"{INDEX}/{name}", "reason": reason_of(err)}
        yield Finding(sort=sorts.INDEX_DAMAGED, fields=fields, file=name)
    if checked.repeated:
        yield Finding(sort=sorts.PACK_REPEATED, fields={"packs": checked.repeated})
    mixed = checked.rows.mixed()
    if mixed:
        yield Finding(sort=sorts.PACK_MIXED, fields={"packs": mixed})


def check_packs(checked: CheckedIndex, listing: PackListing) -> Iterator[Finding]:
    rows = checked.rows
    for number, pack in enumerate(rows.packs):
        seen = listing.sizes.get(pack)
        wanted = rows.size(number, seen=seen)
        if seen == wanted:
            continue
        if seen is None:
            blobs = frozenset(span.blob for span in rows.spans(number))
            fields: dict[str, object] = {"name": pack.hex(), "blobs": len(blobs)}
            yield Finding(sort=sorts.PACK_MISSING, fields=fields, pack=pack, blobs=blobs)
        else:
            # Which blobs are hurt shows when the pack is read, as such packs always are.
            fields = {"name": pack.hex(), "seen": seen, "wanted": wanted}
            yield Finding(sort=sorts.PACK_SIZE, fields=fields, pack=pack)
    for pack in sorted(listing.sizes.keys() - rows.numbers.keys()):
        yield Finding(sort=sorts.PACK_ORPHAN, fields={"name": pack.hex()}, file=FileId(pack.hex()))
    for name in listing.strays:
        yield Finding(sort=sorts.STRAY, fields={"name": name})
