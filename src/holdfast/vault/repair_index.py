"""Which index files a repair replaces, and what of them stays."""

from collections.abc import Collection, Iterator

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, PackId
from holdfast.vault.check_pack import load_header
from holdfast.vault.check_packs import CheckedIndex, PackListing
from holdfast.vault.index_file import packs_of
from holdfast.vault.index_writer import PackSpans
from holdfast.vault.layout import INDEX
from holdfast.vault.pack_header import Span
from holdfast.vault.sealed_files import SealedFiles


def adopt_orphans(
    files: SealedFiles, indexed: CheckedIndex, listing: PackListing
) -> dict[PackId, tuple[Span, ...]]:
    """Entries for packs that no readable index names; a pack without a good header has none."""
    adopted = {}
    for pack in sorted(listing.sizes.keys() - indexed.rows.numbers.keys()):
        try:
            spans = load_header(files.storage, files.sealer, pack, size=listing.sizes[pack])
        except HoldfastError:
            continue
        adopted[pack] = tuple(spans)
    return adopted


def files_naming(
    files: SealedFiles, indexed: CheckedIndex, packs: Collection[PackId]
) -> frozenset[FileId]:
    """The readable index files that name one of these packs, and the broken ones."""
    found = set(indexed.broken)
    if packs:
        for name in indexed.files - found:
            if any(pack in packs for pack, _ in _packs(files, name)):
                found.add(name)
    return frozenset(found)


def remains(
    files: SealedFiles,
    indexed: CheckedIndex,
    names: Collection[FileId],
    *,
    without: Collection[PackId],
) -> Iterator[PackSpans]:
    """What index files say of the packs that stay, each pack once and none that others name."""
    seen = set(without)
    for name in indexed.files.difference(names) if names else ():
        seen.update(pack for pack, _ in _packs(files, name))
    for name in sorted(names):
        for pack, spans in _packs(files, name):
            if pack not in seen:
                seen.add(pack)
                yield pack, spans


def _packs(files: SealedFiles, name: FileId) -> Iterator[PackSpans]:
    try:
        yield from packs_of(f"{INDEX}/{name}", files.load(INDEX, name))
    except HoldfastError:
        # Broken, and known as such: its packs are read from their headers.
        return
