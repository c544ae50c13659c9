"""Which recovery points there are, looked up anew every now and then while we serve."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, SnapshotId
from holdfast.base.texts import _
from holdfast.files.mount.tree import PointNames, Shelf, shelve
from holdfast.vault.index_file import packs_of
from holdfast.vault.layout import INDEX, SNAPSHOTS
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

# A new point is to be seen within a minute.
REFRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What of a repository to show, and whom to tell about what cannot be read."""

    choose: Callable[[Snapshot], bool]
    warn: Callable[[str], None]
    seconds: float = REFRESH_SECONDS


class Points:
    """The shelves of all points that can be read; may be used from several threads."""

    def __init__(self, repository: Repository, watch: Watch) -> None:
        self._repository = repository
        self._watch = watch
        self._names = PointNames()
        self._known: dict[SnapshotId, Snapshot | None] = {}
        self._looking = threading.Lock()
        # Snapshots before the index: a concurrent backup writes its index first.
        self._shelf = self._look()
        self._indexed = set(repository.files.names(INDEX))
        self.index = repository.index
        self._due = self._next()

    @property
    def shelf(self) -> Shelf:
        """The shelves as they are; one caller looks anew when it is time, the others go on."""
        if self._repository.clock.monotonic() >= self._due and self._looking.acquire(
            blocking=False
        ):
            try:
                self._refresh()
            finally:
                self._due = self._next()
                self._looking.release()
        return self._shelf

    def _next(self) -> float:
        return self._repository.clock.monotonic() + self._watch.seconds

    def _refresh(self) -> None:
        before = set(self._known)
        try:
            shelf = self._look()
            if self._known.keys() - before:
                self._learn_index()
        except HoldfastError as err:
            self._watch.warn(
                _("New recovery points cannot be looked up: {reason}").format(reason=err)
            )
            return
        self._shelf = shelf

    def _look(self) -> Shelf:
        names = {SnapshotId(name) for name in self._repository.files.names(SNAPSHOTS)}
        for name in names - self._known.keys():
            self._known[name] = self._load(name)
        points = (self._known[name] for name in names)
        shown = [point for point in points if point is not None and self._watch.choose(point)]
        return shelve(sorted(shown, key=lambda one: (one.taken_at, one.id)), self._names)

    def _load(self, name: SnapshotId) -> Snapshot | None:
        try:
            return self._repository.load_snapshot(name)
        except HoldfastError as err:
            self._watch.warn(_("A recovery point is not shown: {reason}").format(reason=err))
            return None

    def _learn_index(self) -> None:
        files = self._repository.files
        for name in set(files.names(INDEX)) - self._indexed:
            self.index.add_all(packs_of(f"{INDEX}/{name}", files.load(INDEX, FileId(name))))
            self._indexed.add(name)
