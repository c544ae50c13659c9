"""Blobs in the clear, kept as long as there is room, and each fetched by one thread only."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Executor, Future

from holdfast.base.ids import BlobId
from holdfast.files.mount.fetching import Fetcher, Plain, Run, Wanted, plan_runs
from holdfast.vault.pack_header import Kind

Key = tuple[Kind, BlobId]


class BlobCache:
    """The least recently used blobs go first; may be used from several threads."""

    def __init__(self, fetcher: Fetcher, *, limit: int, pool: Executor) -> None:
        self._fetcher = fetcher
        self._limit = limit
        self._pool = pool
        self._lock = threading.Lock()
        self._ready: OrderedDict[Key, Plain] = OrderedDict()
        self._coming: dict[Key, Future[Plain]] = {}
        self._size = 0

    @property
    def limit(self) -> int:
        return self._limit

    def load(self, kind: Kind, blob: BlobId) -> Plain:
        """The blob, from memory where it is there or already on its way."""
        key = (kind, blob)
        with self._lock:
            found = self._ready.get(key)
            if found is not None:
                self._ready.move_to_end(key)
                return found
            mine = Future[Plain]()
            coming = self._coming.setdefault(key, mine)
        if coming is mine:
            return self._load_alone(kind, blob, mine)
        # What went wrong on the way ahead may have been a neighbour's fault: ask again alone.
        with contextlib.suppress(Exception):
            return coming.result()
        return self._load_alone(kind, blob, Future())

    def prefetch(self, wanted: Iterable[Wanted]) -> None:
        """Begin to fetch what is neither here nor on its way; returns at once."""
        with self._lock:
            fresh = [
                one
                for one in dict.fromkeys(wanted)
                if (one.kind, one.blob) not in self._ready
                and (one.kind, one.blob) not in self._coming
            ]
            for one in fresh:
                self._coming[one.kind, one.blob] = Future()
        for run in plan_runs(fresh):
            self._pool.submit(self._fetch, run)

    def _load_alone(self, kind: Kind, blob: BlobId, future: Future[Plain]) -> Plain:
        key = (kind, blob)
        try:
            ((_, plain),) = self._fetcher.fetch(Run((self._fetcher.locate(kind, blob),)))
            if isinstance(plain, Exception):
                raise plain
        except BaseException as err:
            self._settle(key, future, err)
            raise
        self._settle(key, future, plain)
        return plain

    def _fetch(self, run: Run) -> None:
        waiting = {key: self._coming[key] for key in ((one.kind, one.blob) for one in run.blobs)}
        try:
            for one, plain in self._fetcher.fetch(run):
                key = (one.kind, one.blob)
                self._settle(key, waiting.pop(key), plain)
        except Exception as err:
            for key, future in waiting.items():
                self._settle(key, future, err)

    def _settle(self, key: Key, future: Future[Plain], outcome: Plain | BaseException) -> None:
        with self._lock:
            if self._coming.get(key) is future:
                del self._coming[key]
            if not isinstance(outcome, BaseException):
                self._keep(key, outcome)
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    def _keep(self, key: Key, plain: Plain) -> None:
        replaced = self._ready.pop(key, b"")
        self._ready[key] = plain
        self._size += len(plain) - len(replaced)
        while self._size > self._limit and len(self._ready) > 1:
            _, oldest = self._ready.popitem(last=False)
            self._size -= len(oldest)

    def __repr__(self) -> str:
        return f"<BlobCache of {len(self._ready)} blobs, {self._size} of {self._limit} bytes>"
