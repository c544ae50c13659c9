"""Store finished packs in the background and say which are durable."""

from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from holdfast.base.ids import PackId
from holdfast.storage.protocol import Storage
from holdfast.vault.pack_writer import put_pack

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor


class Entries(NamedTuple):
    """What an index file will say of a pack, but for the pack's name."""

    text: bytes
    blobs: int


StoredPack = tuple[PackId, Entries]


def _nothing() -> None:
    """Nobody waits for the memory of the pack."""


class Uploads:
    """Threads, since hashing, writing and syncing a pack all happen outside the interpreter."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._running: deque[tuple[Future[PackId], Entries]] = deque()
        self.bytes_stored = 0

    @cached_property
    def _threads(self) -> "ThreadPoolExecutor":
        # Here, as a backup of what has not changed uploads nothing.
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(self._storage.parallel, thread_name_prefix="upload")

    def start(
        self, content: memoryview, entries: Entries, release: Callable[[], None] = _nothing
    ) -> None:
        """Store a pack; `release` is called, from any thread, when its memory is free again."""
        future = self._threads.submit(self._store, content, release)
        self._running.append((future, entries))
        self.bytes_stored += len(content)

    def finished(self, *, wait: bool = False) -> Iterator[StoredPack]:
        """Yield what is durable by now, in the order it was started; raises what went wrong."""
        while self._running and (wait or self._running[0][0].done()):
            future, entries = self._running.popleft()
            yield future.result(), entries

    def stored(self) -> Iterator[StoredPack]:
        """Yield what is durable after `stop`, whatever became of the rest."""
        for future, entries in self._running:
            if not future.cancelled() and future.exception() is None:
                yield future.result(), entries
        self._running.clear()

    def stop(self) -> None:
        """Let what runs end and start nothing more."""
        if "_threads" in self.__dict__:
            self._threads.shutdown(wait=True, cancel_futures=True)

    def _store(self, content: memoryview, release: Callable[[], None]) -> PackId:
        try:
            return put_pack(self._storage, content)
        finally:
            release()
