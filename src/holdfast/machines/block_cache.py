"""Blocks that were read lately, shared by threads: one loads a block, the others wait for it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId

Plain = bytes | bytearray
# Gives each of some blobs once, in any order; damage of one comes as a value.
Fetch = Callable[[Sequence[BlobId]], Iterator[tuple[BlobId, Plain | HoldfastError]]]


class BlockCache:
    """At most so many bytes, the least recently used go first."""

    def __init__(self, fetch: Fetch, limit: int) -> None:
        self._fetch = fetch
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[BlobId, Plain] = OrderedDict()
        self._bytes = 0
        self._flights: dict[BlobId, Future[Plain]] = {}

    def get(self, blob: BlobId, others: Callable[[], Iterable[BlobId]]) -> Plain:
        """The content of a blob; where it must be loaded, `others` says what else comes with it."""
        with self._lock:
            found = self._kept.get(blob)
            if found is not None:
                self._kept.move_to_end(blob)
                return found
            flight = self._flights.get(blob)
            mine: list[BlobId] = []
            if flight is None:
                mine = self._begin([blob, *others()])
                flight = self._flights[blob]
        if mine:
            self._load(mine)
        return flight.result()

    def __len__(self) -> int:
        return self._bytes

    def _begin(self, blobs: Iterable[BlobId]) -> list[BlobId]:
        mine = [
            blob
            for blob in dict.fromkeys(blobs)
            if blob not in self._kept and blob not in self._flights
        ]
        for blob in mine:
            self._flights[blob] = Future()
        return mine

    def _load(self, blobs: list[BlobId]) -> None:
        try:
            for blob, plain in self._fetch(blobs):
                self._land(blob, plain)
        except BaseException as err:
            for blob in blobs:
                self._land(blob, err)
            if not isinstance(err, Exception):
                raise  # who waits is told as well, but an interrupt is this thread's own

    def _land(self, blob: BlobId, outcome: Plain | BaseException) -> None:
        with self._lock:
            flight = self._flights.pop(blob, None)
            if flight is not None and not isinstance(outcome, BaseException):
                self._keep(blob, outcome)
        if flight is None:
            return
        if isinstance(outcome, BaseException):
            flight.set_exception(outcome)
        else:
            flight.set_result(outcome)

    def _keep(self, blob: BlobId, plain: Plain) -> None:
        self._kept[blob] = plain
        self._bytes += len(plain)
        while self._bytes > self._limit and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone)
