"""Small vaults made in milliseconds: points without the file pipeline, keys without the cost."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from holdfast.base.clock import Clock
from holdfast.base.ids import BlobId, TreeId, blob_id_from_hex
from holdfast.base.secret import Secret
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Storage
from holdfast.testing.clock import FakeClock
from holdfast.vault.go_strings import quote
from holdfast.vault.identity import Identity
from holdfast.vault.keys import KeyCost
from holdfast.vault.opening import create, unlock
from holdfast.vault.pack_header import Kind
from holdfast.vault.pack_writer import PackWriter
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot, SnapshotFile
from holdfast.vault.tree import Node, encode_tree, format_time

PASSPHRASE = Secret(b"correct horse battery staple")
CHEAP = KeyCost(n=2, r=1, p=1)
CHUNK = 1 << 20
PATHS = ("/srv",)

# A path to the content of a file, or to the files of a folder.
Files = Mapping[str, bytes]
_Folder = dict[str, "bytes | _Folder"]

_DIRECTORY = 1 << 31
_LONG_AGO = format_time(1_700_000_000 * 10**9)


def identity(hostname: str = "alpha", *, pid: int | None = None) -> Identity:
    return Identity(
        username="ada",
        hostname=hostname,
        uid=1000,
        gid=1000,
        pid=os.getpid() if pid is None else pid,
    )


def small_vault(
    storage: Storage | None = None,
    cost: KeyCost = CHEAP,
    *,
    clock: Clock | None = None,
    who: Identity | None = None,
    passphrase: Secret = PASSPHRASE,
) -> Repository:
    """A new vault in the storage given, or in memory."""
    place = storage or MemoryStorage()
    time, someone = clock or FakeClock(), who or identity()
    unlocked = create(place, passphrase, identity=someone, clock=time, cost=cost)
    return Repository(storage=place, unlocked=unlocked, identity=someone, clock=time)


def open_vault(
    storage: Storage,
    *,
    clock: Clock | None = None,
    who: Identity | None = None,
    passphrase: Secret = PASSPHRASE,
) -> Repository:
    """A vault that is there already, as another process sees it."""
    return Repository(
        storage=storage,
        unlocked=unlock(storage, passphrase),
        identity=who or identity(),
        clock=clock or FakeClock(),
    )


def add_point(  # noqa: PLR0913  each is one line of a test
    repository: Repository,
    files: Files,
    *,
    time: datetime | None = None,
    host: str | None = None,
    tags: Iterable[str] = (),
    paths: Iterable[str] = PATHS,
    chunk: int = CHUNK,
) -> Snapshot:
    """Store a point that holds these files, cut at fixed lengths; known blobs are not repeated.

    Order as every backup keeps it: packs, index, snapshot.
    """
    writer = _Adding(repository, chunk)
    tree = writer.add_folder(_nested(files))
    writer.finish()
    stored = SnapshotFile(
        time=(time or repository.clock.now()).isoformat(),
        tree=tree.hex(),
        paths=list(paths),
        hostname=host or repository.identity.hostname,
        username=repository.identity.username,
        tags=list(tags),
    )
    return repository.load_snapshot(repository.save_snapshot(stored))


def read_point(repository: Repository, snapshot: Snapshot) -> dict[str, bytes]:
    """Every file of a point with its content; fails where a tree or a blob cannot be read."""
    return dict(_read_folder(repository, snapshot.tree, ""))


def read_all(repository: Repository) -> dict[str, dict[str, bytes]]:
    """All points by their id, read in full."""
    return {snapshot.id: read_point(repository, snapshot) for snapshot in repository.snapshots()}


class _Adding:
    """Adds what the repository does not hold yet."""

    def __init__(self, repository: Repository, chunk: int) -> None:
        self._repository = repository
        self._writer = PackWriter(repository.files)
        self._chunk = chunk
        self._added: set[tuple[Kind, BlobId]] = set()

    def add_folder(self, folder: _Folder) -> TreeId:
        nodes = [self._node(name, folder[name]) for name in sorted(folder, key=os.fsencode)]
        return TreeId(self._add(Kind.TREE, encode_tree(nodes)))

    def finish(self) -> None:
        self._writer.finish()
        self._repository.index.add_all(self._writer.written)

    def _node(self, name: str, content: "bytes | _Folder") -> Node:
        if isinstance(content, dict):
            subtree = self.add_folder(content).hex()
            return _node(name, type="dir", mode=0o755 | _DIRECTORY, content=None, subtree=subtree)
        pieces = [content[at : at + self._chunk] for at in range(0, len(content), self._chunk)]
        blobs = [self._add(Kind.DATA, piece).hex() for piece in pieces]
        return _node(name, type="file", mode=0o644, size=len(content), links=1, content=blobs)

    def _add(self, kind: Kind, plain: bytes) -> BlobId:
        blob = blob_of(plain)
        if not self._repository.index.has(kind, blob) and (kind, blob) not in self._added:
            self._added.add((kind, blob))
            self._writer.add(kind, plain)
        return blob


def blob_of(plain: bytes) -> BlobId:
    """The id a blob with this content has."""
    return BlobId(hashlib.sha256(plain).digest())


def _node(name: str, **fields: Any) -> Node:
    return Node(
        name=quote(os.fsencode(name)),
        mtime=_LONG_AGO,
        atime=_LONG_AGO,
        ctime=_LONG_AGO,
        uid=1000,
        gid=1000,
        **fields,
    )


def _nested(files: Files) -> _Folder:
    root: _Folder = {}
    for path, content in files.items():
        *folders, name = path.split("/")
        here = root
        for folder in folders:
            inner = here.setdefault(folder, {})
            assert isinstance(inner, dict), f"{folder} in {path} is a file"
            here = inner
        here[name] = content
    return root


def _read_folder(repository: Repository, tree: TreeId, path: str) -> Iterator[tuple[str, bytes]]:
    for node in repository.load_tree(tree):
        name = path + os.fsdecode(node.raw_name)
        if node.type == "dir":
            yield from _read_folder(repository, node.subtree_id, name + "/")
        elif node.type == "file":
            blobs = [blob_id_from_hex(digits) for digits in node.content or ()]
            yield name, b"".join(repository.load_blob(Kind.DATA, blob) for blob in blobs)
