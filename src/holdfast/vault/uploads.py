"""Store finished packs in the background and say which are durable."""

from collections import deque
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from holdfast.base.ids import PackId
from holdfast.files.backup.slots import Slots
from holdfast.storage.protocol import Storage
from holdfast.vault.pack_writer import put_pack

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor


class Entries(NamedTuple):
    """What an index file will say of a pack, but for the pack's name."""

    text: bytes
    blobs: int


StoredPack = tuple[PackId, Entries]


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

    def start(self, slots: Slots, slot: int, size: int, entries: Entries) -> None:
        """Store what lies in a slot, and give the slot back."""
        future = self._threads.submit(self._store, slots, slot, size)
        self._running.append((future, entries))

    def start_content(self, content: memoryview, entries: Entries) -> None:
        """Store a pack that nobody waits for the memory of."""
        self._running.append((self._threads.submit(put_pack, self._storage, content), entries))
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

    def _store(self, slots: Slots, slot: int, size: int) -> PackId:
        try:
            pack = put_pack(self._storage, slots.slots[slot].view[:size])
        finally:
            slots.release(slot)
        self.bytes_stored += size
        return pack
