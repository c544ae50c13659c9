"""Open the index of a repository: from the table in scratch where it fits, else from the vault."""

import os
from collections.abc import Callable, Iterable

from holdfast.base.ids import FileId
from holdfast.vault.blob_index import BlobIndex
from holdfast.vault.index_file import packs_of
from holdfast.vault.index_table import IndexTable, TableStale, TableWriter, open_table
from holdfast.vault.layout import INDEX
from holdfast.vault.sealed_files import SealedFiles

TABLE = "blob-index"
# Up to here reading index files into dicts is as quick as mapping a table.
_SMALL = 20_000
# A share of blobs in dicts above which the table is made anew.
_OUTGROWN = 8


def load_index(files: SealedFiles, *, cache: str | None, warn: Callable[[str], None]) -> BlobIndex:
    """The whole index as it is now. List snapshots before, never after, calling this.

    `cache` is this repository's folder in scratch; `warn` is told when the cache was unusable.
    """
    sources = frozenset(files.names(INDEX))
    table = _open_cached(cache, sources, warn)
    index = BlobIndex(table)
    fresh = sources.difference(table.sources if table else ())
    for name in fresh:
        index.add_all(packs_of(f"{INDEX}/{name}", files.load(INDEX, FileId(name))))
        if cache and index.recent_blobs > _SMALL + len(index) // _OUTGROWN:
            return BlobIndex(_rebuilt(files, cache, sources))
    return index


def _open_cached(
    cache: str | None, sources: frozenset[str], warn: Callable[[str], None]
) -> IndexTable | None:
    path = os.path.join(cache, TABLE) if cache else ""
    if not path or not os.path.exists(path):
        return None
    try:
        return open_table(path, sources)
    except TableStale as err:
        os.unlink(path)
        warn(str(err))
        return None


def _rebuilt(files: SealedFiles, cache: str, sources: Iterable[str]) -> IndexTable:
    writer = TableWriter()
    for name in sources:
        for pack, spans in packs_of(f"{INDEX}/{name}", files.load(INDEX, FileId(name))):
            writer.add(pack, spans)
    path = os.path.join(cache, TABLE)
    writer.write(path, list(sources))
    return open_table(path, frozenset(sources))
