"""An opened repository: what every use case starts from."""

from collections.abc import Callable, Iterator
from functools import cached_property

from holdfast.base.clock import Clock
from holdfast.base.ids import BlobId, FileId, SnapshotId, TreeId
from holdfast.storage.protocol import Storage
from holdfast.vault.blob_index import BlobIndex
from holdfast.vault.blobs import BlobReader
from holdfast.vault.errors import SnapshotAmbiguous, SnapshotMissing
from holdfast.vault.identity import Identity
from holdfast.vault.index_cache import load_index
from holdfast.vault.layout import SNAPSHOTS
from holdfast.vault.opening import Unlocked
from holdfast.vault.pack_header import Kind
from holdfast.vault.sealed_files import SealedFiles
from holdfast.vault.snapshot import Snapshot, SnapshotFile, encode_snapshot, parse_snapshot
from holdfast.vault.tree import Node, parse_tree

LATEST = "latest"


def _silent(_: str) -> None:
    """Tell nobody."""


class Repository:
    """The files of one repository, readable and writable; the index is loaded when first asked for.

    `cache` is this repository's folder in scratch, or None to keep nothing.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        unlocked: Unlocked,
        identity: Identity,
        clock: Clock,
        cache: str | None = None,
        warn: Callable[[str], None] = _silent,
    ) -> None:
        self.storage = storage
        self.config = unlocked.config
        self.key_id = unlocked.key_id
        self.identity = identity
        self.clock = clock
        self.cache = cache
        self.files = SealedFiles(storage, unlocked.master)
        self._warn = warn

    @property
    def id(self) -> str:
        return self.config.id

    @cached_property
    def index(self) -> BlobIndex:
        """List snapshots first: a concurrent backup writes its index before its snapshot."""
        return load_index(self.files, cache=self.cache, warn=self._warn)

    def load_index(self) -> None:
        """Load now what would else be loaded when it is first asked for."""
        len(self.index)

    def has_blob(self, kind: Kind, blob: BlobId) -> bool:
        """Whether an index names it; loads the index when this is first asked."""
        return self.index.has(kind, blob)

    def forget_index(self) -> None:
        """Read the index anew when it is next asked for."""
        self.__dict__.pop("index", None)

    def load_blob(self, kind: Kind, blob: TreeId) -> bytes | bytearray:
        return BlobReader(self.files, self.index).load(kind, blob)

    def load_tree(self, tree: TreeId) -> list[Node]:
        return parse_tree(tree, self.load_blob(Kind.TREE, tree))

    def snapshots(self) -> list[Snapshot]:
        """All recovery points, oldest first."""
        found = [self.load_snapshot(SnapshotId(name)) for name in self.files.names(SNAPSHOTS)]
        return sorted(found, key=lambda snapshot: (snapshot.taken_at, snapshot.id))

    def load_snapshot(self, name: SnapshotId) -> Snapshot:
        return parse_snapshot(name, self.files.load(SNAPSHOTS, name))

    def save_snapshot(self, stored: SnapshotFile) -> SnapshotId:
        return SnapshotId(self.files.save(SNAPSHOTS, encode_snapshot(stored)))

    def delete_snapshot(self, name: SnapshotId) -> None:
        self.files.delete(SNAPSHOTS, FileId(name))

    def find_snapshot(self, wanted: str) -> Snapshot:
        """The point named by "latest" or by the beginning of its id."""
        if wanted == LATEST:
            known = self.snapshots()
            if not known:
                raise SnapshotMissing(wanted=wanted)
            return known[-1]
        matches = list(self._names_beginning(wanted.lower()))
        if not matches:
            raise SnapshotMissing(wanted=wanted)
        if len(matches) > 1:
            raise SnapshotAmbiguous(wanted=wanted, count=len(matches))
        return self.load_snapshot(matches[0])

    def _names_beginning(self, digits: str) -> Iterator[SnapshotId]:
        for name in self.files.names(SNAPSHOTS):
            if digits and name.startswith(digits):
                yield SnapshotId(name)

    def __repr__(self) -> str:
        return f"<Repository {self.id[:8]} at {self.storage.place}>"
