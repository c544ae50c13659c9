"""Serve the recovery points of a repository below a folder, until somebody ends it."""

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from holdfast.base.latch import Latch
from holdfast.base.memory import keep_freed_memory
from holdfast.base.units import MIB
from holdfast.files.mount.cache import BlobCache
from holdfast.files.mount.errors import FuseLibraryMissing
from holdfast.files.mount.fetching import Fetcher
from holdfast.files.mount.lookup import Folders, Lookup
from holdfast.files.mount.operations import Operations
from holdfast.files.mount.place import prepare
from holdfast.files.mount.points import Points, Watch
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

CACHE_BYTES = 128 * MIB
# Storages that reward no more calls at once than this answer as fast as we can decrypt.
_LOCAL = 2
_MOST_READERS = 16


def _every_point(_: Snapshot) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class MountOptions:
    """How to mount; `threads` None lets the storage decide.

    Answering from several threads costs half of the reads a second that memory could serve, since
    they share one interpreter, and is what keeps one slow read of a far storage from delaying all.
    """

    choose: Callable[[Snapshot], bool] = _every_point
    allow_other: bool = False
    cache_bytes: int = CACHE_BYTES
    threads: bool | None = None


def serve(
    repository: Repository,
    mountpoint: bytes,
    *,
    options: MountOptions,
    stop: Latch,
    on_ready: Callable[[], None],
    warn: Callable[[str], None],
) -> None:
    """Mount, call `on_ready`, and serve until `stop` is set or the mount is taken off.

    Takes no lock: the caller holds a shared one, so that no prune removes what is read here.
    """
    mountpoint = os.path.abspath(mountpoint)
    session = _library()
    prepare(mountpoint, allow_other=options.allow_other, warn=warn)
    threads = repository.storage.parallel > _LOCAL if options.threads is None else options.threads
    keep_freed_memory()
    with _readers(repository) as pool:
        operations = _operations(repository, options, pool=pool, warn=warn)
        # The library does the same for itself, and would not come back.
        with contextlib.chdir("/"):
            session.Session(operations, mountpoint, name=f"holdfast:{repository.id[:8]}").run(
                threads=threads, allow_other=options.allow_other, stop=stop, on_ready=on_ready
            )


def _library() -> Any:
    try:
        return importlib.import_module("holdfast.files.mount.session")
    except (OSError, ImportError, AttributeError) as err:
        # mfusepy looks for the shared library while it is imported.
        raise FuseLibraryMissing(reason=err) from err


@contextlib.contextmanager
def _readers(repository: Repository) -> Iterator[Executor]:
    pool = ThreadPoolExecutor(min(max(repository.storage.parallel, 2), _MOST_READERS))
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _operations(
    repository: Repository,
    options: MountOptions,
    *,
    pool: Executor,
    warn: Callable[[str], None],
) -> Operations:
    points = Points(repository, Watch(choose=options.choose, warn=warn))
    fetcher = Fetcher(repository.storage, repository.files.master, points.index)
    blobs = BlobCache(fetcher, limit=options.cache_bytes, pool=pool)
    lookup = Lookup(points, Folders(blobs, warn=warn))
    operations = Operations(lookup=lookup, blobs=blobs, fetcher=fetcher)
    operations.warn = warn
    return operations
