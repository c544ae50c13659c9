"""Keep the index growing while packs are stored; before the end, say so of all that is durable."""

from collections.abc import Callable

from holdfast.base.ids import IndexId, PackId
from holdfast.vault.index_file import MAX_BLOBS, join_index
from holdfast.vault.layout import INDEX
from holdfast.vault.repository import Repository
from holdfast.vault.uploads import StoredPack

# How much work a killed run may lose, and how long a lost lock may go unnoticed.
_SECONDS = 60.0


class IndexKeeper:
    """Names durable packs in the index every now and then, so that a killed run loses little."""

    def __init__(
        self, repository: Repository, still_ours: Callable[[], None], *, every: float = _SECONDS
    ) -> None:
        self._repository = repository
        self._still_ours = still_ours
        self._every = every
        self._due = repository.clock.monotonic() + every
        self._packs: list[tuple[PackId, bytes]] = []
        self._blobs = 0
        self.written: list[IndexId] = []

    def add(self, pack: StoredPack) -> None:
        name, entries = pack
        self._packs.append((name, entries.text))
        self._blobs += entries.blobs
        if self._blobs >= MAX_BLOBS or self._repository.clock.monotonic() >= self._due:
            self.save()

    def save(self) -> None:
        self._due = self._repository.clock.monotonic() + self._every
        if self._packs:
            # Who lost the lock may have lost packs: naming them would spoil later backups.
            self._still_ours()
            name = self._repository.files.save(INDEX, join_index(self._packs))
            self.written.append(IndexId(name))
            self._packs, self._blobs = [], 0
