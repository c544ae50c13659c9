"""Open the index of a repository: from the table in scratch where it fits, else from the vault."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, is_file_id
from holdfast.base.units import MIB
from holdfast.storage.errors import FileMissing
from holdfast.vault.blob_index import BlobIndex
from holdfast.vault.forking import ahead, cores, forked
from holdfast.vault.index_file import packs_of
from holdfast.vault.index_rows import Rows, rows_of
from holdfast.vault.index_table import IndexTable, TableStale, TableWriter, map_table, open_table
from holdfast.vault.layout import INDEX
from holdfast.vault.sealed_files import SealedFiles

TABLE = "blob-index"
# What a blob takes in a stored index file, roughly.
_BYTES_PER_BLOB = 55
# Up to so many blobs, reading index files into dicts is as quick as mapping a table.
_SMALL = 20_000
# A share of blobs in dicts above which the table is made anew.
_OUTGROWN = 16
_TRIES = 2
# Below this much to read, forking costs more than it saves.
_WORTH_FORKING = 2 * MIB


def load_index(files: SealedFiles, *, cache: str | None, warn: Callable[[str], None]) -> BlobIndex:
    """The whole index as it is now. List snapshots before, never after, calling this.

    `cache` is this repository's folder in scratch; `warn` is told when the cache was unusable.
    """
    for _attempt in range(_TRIES):
        # A prune at work replaces index files: what it removed is in the new ones.
        with contextlib.suppress(FileMissing):
            return _load(files, cache, warn)
    return _load(files, cache, warn)


def _load(files: SealedFiles, cache: str | None, warn: Callable[[str], None]) -> BlobIndex:
    sources = index_sizes(files)
    table = _open_cached(cache, frozenset(sources), warn)
    known = table.sources if table else frozenset()
    fresh = {name: size for name, size in sources.items() if name not in known}
    if sum(fresh.values()) // _BYTES_PER_BLOB > _SMALL + (len(table) if table else 0) // _OUTGROWN:
        writer = TableWriter()
        if table is not None:
            writer.add_rows(table.rows())
        fill(writer, files, fresh)
        return BlobIndex(_stored(writer, cache, frozenset(sources), warn))
    index = BlobIndex(table)
    for name, found in ahead(fresh, _loader(files), parallel=files.storage.parallel):
        index.add_all(packs_of(f"{INDEX}/{name}", found.result()))
    return index


def index_sizes(files: SealedFiles) -> dict[FileId, int]:
    """The index files there are, with the bytes each takes."""
    found = ((entry.name.rpartition("/")[2], entry.size) for entry in files.storage.list(INDEX))
    return {FileId(name): size for name, size in found if is_file_id(name)}


def fill(
    writer: TableWriter,
    files: SealedFiles,
    sizes: Mapping[FileId, int],
    *,
    on_error: Callable[[FileId, HoldfastError], None] | None = None,
) -> None:
    """Put whole index files into a table; a broken one is raised, or told to `on_error`."""
    workers = cores() if sum(sizes.values()) > _WORTH_FORKING else 1

    def work(names: Iterator[FileId]) -> Iterator[tuple[FileId, Rows | HoldfastError]]:
        return _read(files, names, parallel=-(-files.storage.parallel // workers))

    # The largest first, so that the children end together.
    largest_first = sorted(sizes, key=lambda name: sizes[name], reverse=True)
    for name, found in forked(largest_first, work, workers=workers):
        if not isinstance(found, HoldfastError):
            writer.add_rows(found)
        elif on_error is None:
            raise found
        else:
            on_error(name, found)


def _read(
    files: SealedFiles, names: Iterable[FileId], *, parallel: int
) -> Iterator[tuple[FileId, Rows | HoldfastError]]:
    for name, loaded in ahead(names, _loader(files), parallel=parallel):
        try:
            yield name, rows_of(f"{INDEX}/{name}", loaded.result())
        except HoldfastError as err:
            yield name, err


def _loader(files: SealedFiles) -> Callable[[FileId], bytes]:
    return lambda name: files.load(INDEX, name)


def in_memory(writer: TableWriter, sources: Iterable[str]) -> IndexTable:
    """The table without a file that others can see."""
    with os.fdopen(os.memfd_create("holdfast-index"), "w+b") as target:
        writer.write_to(target, sources)
        return map_table(target, frozenset(sources))


def _stored(
    writer: TableWriter, cache: str | None, sources: frozenset[str], warn: Callable[[str], None]
) -> IndexTable:
    if cache is None:
        return in_memory(writer, sources)
    path = os.path.join(cache, TABLE)
    try:
        writer.write(path, sources)
        return open_table(path, sources)
    except (OSError, TableStale) as err:
        warn(str(err))
    return in_memory(writer, sources)


def _open_cached(
    cache: str | None, sources: frozenset[str], warn: Callable[[str], None]
) -> IndexTable | None:
    path = os.path.join(cache, TABLE) if cache else ""
    if not path or not os.path.exists(path):
        return None
    try:
        return open_table(path, sources)
    except TableStale as err:
        try:
            os.unlink(path)
        except FileNotFoundError:
            # Another process found it stale at the same time, removed it, and said so.
            return None
        except OSError:
            pass  # it will be found stale again
        warn(str(err))
        return None
